"""Plans as text for a terminal: every law a row, their range in one sentence, what more compute buys, and a config group's options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scalecheck.group_options import GroupOptions, Option
from scalecheck.law_words import COUNTED_AS, HISTORY
from scalecheck.planning import Answers, LawPlan, Refusal, ServedPlan
from scalecheck.text import clean, table
from scalecheck.units import format_count, format_flops, format_ratio, format_scientific

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_PLAN_HEAD = ("law", "N*", "N counted as", "D*", "D*/N*", "80 %", "loss", "extrapolated")
_WHERE = {"flops": "budget", "params": "size", "tokens": "amount of data", "loss": "loss, each on its own corpus,"}
_LAWS_ARE_ABOUT = "for single-epoch, from-scratch text pre-training"


def lines(found: Answers, because: str) -> Iterator[str]:
    """Yield the plan's lines; ``because`` is the arithmetic behind a budget that was given as GPU-hours."""
    yield f"compute-optimal {_asked(found)}{f' = {because}' if because else ''}"
    yield ""
    yield from _rows(found)
    yield ""
    yield _range(found)
    if any(plan.predicted_loss is not None for plan in found.plans):
        yield (
            "Losses are predictions in nats per token, each for its law's own corpus and tokenizer: "
            "those of different laws are not comparable."
        )
    if any(plan.extrapolated > 1 for plan in found.plans):
        yield "extrapolated: the factor by which the optimum lies beyond the runs that the law was fitted on."
    yield from _more_compute(found)
    yield from _served(found)


def span(found: Answers) -> tuple[float, float] | None:
    """Return the lowest and the highest D*/N* among the laws that judge by default, ``None`` where fewer than two answered."""
    ratios = [plan.tokens_per_parameter for plan in found.consensus]
    return (min(ratios), max(ratios)) if len(ratios) > 1 else None


def _asked(found: Answers) -> str:
    value = found.question.value
    return {
        "flops": f"for {format_flops(value)} of training",
        "params": f"for {format_count(value)} parameters",
        "tokens": f"for {format_count(value)} training tokens",
        "loss": f"for a loss of {value:g} nats per token",
    }[found.question.quantity]


def _rows(found: Answers) -> Iterator[str]:
    is_flops = found.question.quantity == "flops"
    body = [_row(plan) for plan in found.plans]
    shown = [(*_PLAN_HEAD, "C FLOPs"), *body]
    kept = [row[:-1] for row in shown] if is_flops else shown
    for cells in table(kept, (0, 2)):
        yield "  ".join(cells).rstrip()
    refusals = [answer for answer in found.laws.values() if isinstance(answer, Refusal)]
    for reason in dict.fromkeys(answer.reason for answer in refusals):
        yield f"no answer from {', '.join(_name(answer.law) for answer in refusals if answer.reason == reason)}: {reason}"


def _row(plan: LawPlan) -> tuple[str, ...]:
    interval = "-" if plan.interval is None else "-".join(format_ratio(bound) for bound in plan.interval)
    return (
        _name(plan.law),
        format_count(plan.optimal_params),
        COUNTED_AS[plan.params_convention],
        format_count(plan.optimal_tokens),
        format_ratio(plan.tokens_per_parameter),
        interval,
        "-" if plan.predicted_loss is None else f"{plan.predicted_loss:.3f}",
        f"{format_ratio(plan.extrapolated)}x" if plan.extrapolated > 1 else "no",
        format_scientific(plan.training_flops),
    )


def _name(law: str) -> str:
    return f"{clean(law)} (history)" if law in HISTORY else clean(law)


def _range(found: Answers) -> str:
    """Say the range over the laws that judge by default; one law alone has none."""
    plans, ratios = found.consensus, span(found)
    if ratios is None:
        return "Fewer than two of the laws that judge by default have an answer here: there is no range to show."
    many = _NUMBERS[len(plans)] if len(plans) < len(_NUMBERS) else str(len(plans))
    where = _WHERE[found.question.quantity]
    params = _between([plan.optimal_params for plan in plans])
    sizes = f"; N*, in each law's own N, {params}" if found.question.quantity != "params" else ""
    data = f"; D* {_between([plan.optimal_tokens for plan in plans])}" if found.question.quantity != "tokens" else ""
    return (
        f"{many.capitalize()} published laws {_LAWS_ARE_ABOUT} put the compute-optimal tokens per parameter at this {where} "
        f"between {format_ratio(ratios[0])} and {format_ratio(ratios[1])}{sizes}{data}."
    )


def _between(values: Sequence[float]) -> str:
    return f"between {format_count(min(values))} and {format_count(max(values))}"


def _more_compute(found: Answers) -> Iterator[str]:
    if not found.more_compute:
        return
    yield ""
    yield f"what more compute buys under {found.loss_law} (loss on its own corpus):"
    head = ("compute", "C FLOPs", "N*", "D*", "loss", "loss gained")
    body = [
        (
            f"{row.multiple:g}x",
            format_scientific(row.training_flops),
            format_count(row.optimal_params),
            format_count(row.optimal_tokens),
            f"{row.predicted_loss:.3f}",
            f"{row.loss_gained:.3f}" if row.loss_gained else "-",
        )
        for row in found.more_compute
    ]
    for cells in table([head, *body], ()):
        yield "  ".join(cells).rstrip()


def _served(found: Answers) -> Iterator[str]:
    if found.inference_tokens is None:
        return
    yield ""
    yield (
        f"with {format_count(found.inference_tokens)} tokens served over its life, the split that costs least at the loss of the "
        "optimum above (6ND + 2N per served token, Sardana et al. 2024):"
    )
    head = ("law", "N", "D", "D/N", "training", "inference", "total FLOPs", "training-only optimum", "saved")
    body = [_served_row(item) for item in found.served if isinstance(item, ServedPlan)]
    for cells in table([head, *body], (0,)) if body else ():
        yield "  ".join(cells).rstrip()
    without = [clean(item.law) for item in found.served if isinstance(item, Refusal)]
    if without:
        yield f"no answer from {', '.join(without)}: no loss surface, or none in the range of a float"


def _served_row(item: ServedPlan) -> tuple[str, ...]:
    only = item.training_only
    return (
        clean(item.law),
        format_count(item.params),
        format_count(item.tokens),
        format_ratio(item.tokens / item.params),
        format_scientific(item.training_flops),
        format_scientific(item.inference_flops),
        format_scientific(item.total_flops),
        f"N {format_count(only.optimal_params)}, {format_scientific(only.training_flops + item.training_only_inference_flops)}",
        f"{100 * item.share_saved:.1f} %",
    )


def group_lines(found: GroupOptions) -> Iterator[str]:
    """Yield the options of a config group, the one that is nearest to the optimum, and what to type for it."""
    optimum = f"N* {format_count(found.optimal_params)}, {format_ratio(found.optimal_ratio)} tokens per parameter"
    flops = f"{format_flops(found.law_flops)} (6ND)"
    optimum = f"compute-optimal under {clean(found.law)} (N {COUNTED_AS.get(found.params_convention, found.params_convention)}): {optimum}"
    yield f"{clean(found.group)}: {len(found.options)} options at this run's C, {flops}; {optimum}"
    yield ""
    head = (clean(found.group), "N", "D/N at this C", "multiple", "waste", "")
    body = [_option_row(found, option) for option in found.options]
    for cells in table([head, *body], (0, 5)):
        yield "  ".join(cells).rstrip()
    yield ""
    best = found.best
    if best is None:
        yield "no option of the group can be counted, so none can be called compute-optimal."
        return
    if found.waste_law:
        yield f"waste: the share of C that reaching the same loss at the optimum would save, under {clean(found.waste_law)}."
    multiple = f"x{format_ratio(best.multiple or 0)} of the optimal tokens per parameter"
    if found.is_indifferent:
        yield f"every option of {clean(found.group)} has the same N: the group does not decide what is compute-optimal."
        return
    yield f"nearest to compute-optimal at this run's C under {clean(found.law)}: {clean(best.name)}, {multiple}"
    yield from (f"  {line}" for line in _typed(found))


def _typed(found: GroupOptions) -> Iterator[str]:
    if found.overrides:
        yield f"type: {clean(' '.join(found.overrides))}"
    else:
        yield "nothing to type: the config has it already"
    if found.steps_note:
        yield clean(found.steps_note)


def _option_row(found: GroupOptions, option: Option) -> tuple[str, ...]:
    words = [*(["as it stands"] if option.name == found.chosen else []), *(["nearest"] if option is found.best else [])]
    if option.reason:
        return (clean(option.name), "unknown", "-", "-", "-", ", ".join([*words, clean(option.reason)]))
    waste = "-" if option.wasted_compute is None else f"{100 * option.wasted_compute:.0f} %"
    return (
        clean(option.name),
        format_count(option.params),
        format_ratio(option.tokens_per_parameter or 0),
        f"x{format_ratio(option.multiple or 0)}",
        waste,
        ", ".join(words),
    )
