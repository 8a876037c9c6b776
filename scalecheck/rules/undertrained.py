"""undertrained: too few training tokens for the parameters, at this compute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from scalecheck import law_words
from scalecheck.facts import Account, Finding, ModelShape, Origin, Outlook, Reading, Remedy, Run, Severity, TrainingPlan
from scalecheck.options import Above
from scalecheck.remedies import scale_steps, where_length_is_set
from scalecheck.units import format_count, format_ratio
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The run sees far fewer training tokens per parameter than the law of the policy finds compute-optimal.

    ## What it does
    Compares D/N, training tokens per parameter, with what the judging law (``law``) finds optimal at the run's own compute.
    It fires when D/N is below ``min_multiple`` of that, or below ``min_tokens_per_parameter``; below ``error_below_multiple``
    it is an error. It is silent where N or D is unknown, where tokens count one device only, and where no law applies
    (fine-tuning, distillation, evaluation).

    ## Why
    At equal compute, a smaller model on more tokens reaches the same loss for less. At a third of the optimal D/N about
    10 % of the compute is wasted, at a tenth about 35 %, at a hundredth about 80 %, whatever the budget. Serving makes a
    longer training more attractive, never a shorter one. The laws differ, so the finding shows the range of all that were
    asked, and the 80 % interval of one that publishes what it takes. Over-training is a choice: see ``overtrained``.

    ## Example
    A model of 124M parameters that sees 180M tokens: 1.5 tokens per parameter, where about 20 are compute-optimal.

    ## Fix
    Train longer (the override that the finding prints), or train a smaller model at the same compute. A short run on
    purpose is said with ``intent: smoke``.

    ## Options
    - ``min_multiple`` (default 1/3): lowest accepted ratio of D/N to the law's optimal D/N; null switches it off.
    - ``error_below_multiple`` (default null): the same ratio, below which the finding is an error whatever the severity.
    - ``min_tokens_per_parameter`` (default null): lowest accepted D/N itself, in tokens per total parameter.
    - ``agreement`` (default ``default``): whose word ``min_multiple`` takes. ``default`` is the judging law's (``law``);
      ``majority`` needs more than half of the laws in ``laws`` below it, ``all`` every one. A law of one's own counts
      among them; kaplan2020 counts only where it is the judge.

    ## References
    - Hoffmann et al. 2022, Training Compute-Optimal Large Language Models, arXiv 2203.15556, section 3 and Table 3.
    - Besiroglu et al. 2024, Chinchilla Scaling: A replication attempt, arXiv 2404.10102.
    """

    DEFAULT_SEVERITY: ClassVar[Severity] = "warning"
    ORDER: ClassVar[tuple[tuple[str, str, str], ...]] = (("error_below_multiple", "at most", "min_multiple"),)
    min_multiple: Annotated[float, Above(0)] | None = 0.3333333333333333
    error_below_multiple: Annotated[float, Above(0)] | None = None
    min_tokens_per_parameter: Annotated[float, Above(0)] | None = None
    agreement: Literal["default", "majority", "all"] = "default"

    def check(self, run: Run) -> Iterator[Finding]:
        """Find a run below either limit."""
        outlook, ratio = run.outlooks.get(run.judge), run.account.tokens_per_parameter
        tokens = run.account.training_tokens
        if outlook is None or tokens is None or run.reading.plan.tokens_status in ("per_device", "unknown"):
            return
        if ratio is None:  # the vocabulary is unknown: N is at least what the law was asked with, and the ratio at most this
            ratio = tokens / outlook.params
        limit = self.error_below_multiple if self.min_multiple is None else self.min_multiple
        num_below, num_laws, is_below = self._laws_below(run, limit)
        *_, is_error = self._laws_below(run, self.error_below_multiple)
        reasons = []
        if self.min_tokens_per_parameter is not None and ratio < self.min_tokens_per_parameter:
            reasons.append(f"the policy asks for {format_ratio(self.min_tokens_per_parameter)}")
        if is_below and self.agreement != "default":
            reasons.append(f"below x{format_ratio(limit or 0)} under {num_below} of {num_laws} {'laws' if num_laws > 1 else 'law'}")
        if is_error:
            reasons.append(f"below the policy's limit of errors, x{format_ratio(self.error_below_multiple or 0)}")
        if is_below or reasons:
            yield Finding(
                rule="undertrained",
                message=_message(run, outlook, ratio, reasons=reasons, is_below=is_below),
                severity="error" if is_error else None,
                remedies=tuple(self._remedies(run, outlook)) if run.account.total_params else (),
                origin=where_length_is_set(run),
            )

    def _laws_below(self, run: Run, limit: float | None) -> tuple[int, int, bool]:
        """Return how many of the laws that are asked put the run below a limit, how many are asked, and whether that is agreement."""
        asked = law_words.consensus(run) if self.agreement != "default" else (run.outlooks[run.judge],)
        num_laws, num_below = len(asked), sum(limit is not None and view.multiple < limit for view in asked)
        needed = {"default": 1, "majority": num_laws // 2 + 1, "all": num_laws}[self.agreement]
        return num_below, num_laws, num_below >= needed

    def _remedies(self, run: Run, outlook: Outlook) -> Iterator[Remedy]:
        params, now = run.account.total_params, run.account.training_tokens
        asked = (self.min_tokens_per_parameter or 0) * params if params else 0
        target = max(outlook.tokens_for_this_model, asked)
        kind = "compute-optimal" if target > asked else f"{format_ratio(self.min_tokens_per_parameter or 0)} tokens per parameter"
        if now and target <= now:  # the laws agree without the judge, whose optimum is no longer run
            return
        longer = scale_steps(run, target, round_up=True)
        if longer:
            yield replace(longer, effect=longer.effect.replace("same model", f"same model, {kind}", 1))
        elif now:
            compute = f"{format_ratio(target / now)}x the compute"
            yield Remedy(effect=f"train on {format_count(round(target))} tokens: same model, {kind}, {compute}")
        if outlook.multiple < 1:
            size, tokens = format_count(round(outlook.optimal_params)), format_count(round(outlook.optimal_tokens))
            yield Remedy(effect=f"about {size} {law_words.parameters(outlook)} on {tokens} tokens: same compute, compute-optimal")


def _message(run: Run, outlook: Outlook, ratio: float, *, reasons: list[str], is_below: bool) -> str:
    is_bound = run.account.total_params is None or run.reading.plan.tokens_status == "upper_bound"
    bound = "at most " if is_bound else ""
    clauses = [f"{bound}{law_words.ratio_found(run, outlook, ratio)}"]
    if run.account.total_params is None:
        clauses = [f"{bound}{format_ratio(ratio)} tokens per parameter, of {format_count(outlook.params)} without embeddings"]
    clauses += reasons
    if outlook.multiple < 1 or is_below:
        waste = law_words.wasted(run)
        optimum = f"compute-optimal at this compute is {law_words.optimal_range(run)}, x{format_ratio(outlook.multiple)}"
        # a law of history has no part in what a later law finds wasted: no arrow from its ratio to that
        arrow = "; " if run.judge in law_words.HISTORY else " -> "
        clauses += [f"{optimum}{arrow}{waste}" if waste and outlook.multiple < 1 else optimum]
        clauses += [law_words.extrapolated(outlook), law_words.interval(run)]
    else:
        clauses.append(law_words.extrapolated(outlook))
    return "; ".join(clause for clause in clauses if clause)


def _example(multiple: float) -> Run:
    params, steps = 124_439_808, max(1, round(2_500_000_000 * multiple / 524_288))
    tokens = steps * 524_288
    plan = TrainingPlan(num_steps=steps, tokens_per_step=524_288, training_tokens=tokens, tokens_status="exact")
    shape = ModelShape(family="gpt2", num_layers=12, hidden_size=768, vocab_size=50257)
    law = Outlook(
        law="hoffmann2022_a1", params=params, params_convention="total", law_flops=6.0 * params * tokens,
        optimal_params=1.2e8 * multiple**0.5, optimal_tokens=2.5e9 * multiple**0.5, tokens_per_parameter=20.0,
        multiple=multiple, tokens_for_this_model=2.5e9,
    )  # fmt: skip
    return Run(
        reading=Reading(shape=shape, plan=plan, origins={"num_steps": Origin(key="trainer.max_steps")}),
        account=Account(params_status="exact", total_params=params, training_tokens=tokens, tokens_per_parameter=tokens / params),
        outlooks={law.law: law},
        judge=law.law,
    )


def fires() -> Run:
    """Return GPT-2 small on 180M tokens: a fourteenth of the optimum."""
    return _example(0.07)


def silent() -> Run:
    """Return GPT-2 small on 2.5B tokens."""
    return _example(1.0)
