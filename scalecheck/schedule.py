"""Stage 1, schedule side: the dialect is chosen by its evidence, and its draft becomes a plan by arithmetic."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from math import ceil, prod
from types import ModuleType

from scalecheck import registry
from scalecheck.clues import ACCUMULATION, ANY_BATCH, EPOCHS, Clues, Draft, dataset_sequences, epochs_alone, hinted_sequences
from scalecheck.facts import Impossible, Origin, TokensStatus, TrainingPlan, Unknown
from scalecheck.limits import shared_key, why_at_most
from scalecheck.survey import PLAN_NUMBERS, Survey, join, plain_name

_AMPLE = 10  # what a hint at the dataset's size may be off by without a limit in epochs ending the run
_LARGEST_STEP = 2**27  # tokens; published runs stay below 100 million a step
_LARGE_STEP = 2**24  # from here a batch that is a multiple of the length, and much more, is more likely told in tokens
_ACCUMULATES = r"accum|num_micro_?batch|micro_?batches$|(^|_)iter_size$|^update_freq$|(batches|passes)_per_(step|update)$"
_WHOLE_BATCH = (
    r"^(global|total|eff|effective|target|desired|full)_?(\w*_)?(batch|bsz|bs)(_size)?|tokens_per_(step|batch|update)|batch_(\w+_)?tokens"
)
_FACTORS = ("sequences_per_step", "micro_batch_sequences", "gradient_accumulation", "num_devices", "sequence_length")


def read_plan(clues: Clues) -> tuple[TrainingPlan, str | None]:
    """Choose the schedule dialect by its evidence, read it, and do the arithmetic. Returns the plan and the dialect's name."""
    modules = _modules()
    chosen = next((name for name, module in modules.items() if module.applies(clues)), None)
    draft: Draft = modules[chosen].read(clues) if chosen else Draft(num_steps=_given(clues, "num_steps"), sequence_length=clues.length())
    return _plan(clues, _with_given(clues, draft)), chosen


@cache
def _modules() -> Mapping[str, ModuleType]:
    """Return the dialects by their names, that of the lowest rank first."""
    modules = {name: registry.load("dialects/schedules", name) for name in registry.names("dialects/schedules")}
    return dict(sorted(modules.items(), key=lambda item: item[1].RANK))


def _given(clues: Clues, name: str) -> int | None:
    return int(clues.given[name]) if name in clues.given else None


def _with_given(clues: Clues, draft: Draft) -> Draft:
    """Let the policy's mapping win over what a dialect read."""
    mapped = {name: int(clues.given[name]) for name in PLAN_NUMBERS if name in clues.given}
    return replace(draft, **mapped) if mapped else draft  # type: ignore[arg-type]


def _plan(clues: Clues, draft: Draft) -> TrainingPlan:
    draft = _in_tokens(clues, draft)
    sequences, per_device = _sequences(clues, draft)
    draft = _within_epochs(clues, draft, None if per_device else sequences)
    tokens_per_step = draft.tokens_per_step or (sequences * draft.sequence_length if sequences and draft.sequence_length else None)
    tokens = draft.training_tokens or (draft.num_steps * tokens_per_step if draft.num_steps and tokens_per_step else None)
    if tokens is None:
        _note_missing(clues, draft)
    elif draft.training_tokens is None:
        step = f"{tokens_per_step} tokens" if draft.tokens_per_step else f"{sequences} sequences x {draft.sequence_length} tokens"
        clues.notes.origins["training_tokens"] = Origin(because=f"{draft.num_steps} steps x {step}")
    per_device = per_device and draft.tokens_per_step is None and draft.training_tokens is None
    if per_device and tokens is not None and not clues.notes.speaks_of("num_devices"):
        _note_devices(clues)
    return TrainingPlan(
        num_steps=draft.num_steps,
        tokens_per_step=tokens_per_step,
        sequence_length=draft.sequence_length,
        target_length=draft.target_length,
        sequences_per_step=sequences,
        micro_batch_sequences=draft.micro_batch_sequences,
        gradient_accumulation=draft.gradient_accumulation,
        num_devices=draft.num_devices,
        training_tokens=tokens,
        tokens_status=_status(clues, draft, tokens, per_device=per_device),
        unique_tokens=draft.unique_tokens,
        epochs=draft.epochs,
    )


def _within_epochs(clues: Clues, draft: Draft, sequences: int | None) -> Draft:
    """Let Lightning's ``max_epochs`` beside ``max_steps`` end the run first where it does, or say that it may."""
    steps_key = clues.notes.origins.get("num_steps", Origin()).key
    node, _, name = (steps_key or "").rpartition(".")
    key = join(node, "max_epochs")
    epochs = clues.view.get(key) if name == "max_steps" and "max_epochs" in clues.survey.nodes.get(node, ()) else None
    if epochs is None and draft.may_end_by_epochs:
        found = clues.only(EPOCHS)
        key, epochs = found if found is not None else (key, None)
    if draft.num_steps is None or isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 0:
        return draft
    dataset, hint = dataset_sequences(clues), hinted_sequences(clues)
    if dataset is None and hint is not None and sequences and epochs * hint[1] >= _AMPLE * draft.num_steps * sequences:
        return draft
    if dataset is None or sequences is None:
        return replace(draft, at_most=draft.at_most or f"{key}={epochs} may end the run before {draft.num_steps:,} steps")
    in_epochs = epochs * ceil(dataset[1] / sequences)
    if in_epochs >= draft.num_steps:
        return draft
    because = f"{key} {epochs} x {dataset[1]:,} sequences ({dataset[0]}) / {sequences:,} a step, fewer than {steps_key}"
    clues.notes.origins["num_steps"] = Origin(key=key, because=because)
    return replace(draft, num_steps=in_epochs)


def _in_tokens(clues: Clues, draft: Draft) -> Draft:
    """Refuse a global batch that would be more tokens than any run takes a step: it may be told in tokens already."""
    sequences, length = draft.sequences_per_step, draft.sequence_length
    if not sequences or not length or "sequences_per_step" in clues.given:
        return draft
    is_likely_in_tokens = sequences * length > _LARGE_STEP and sequences % length == 0 and sequences >= 16 * length
    if sequences * length <= _LARGEST_STEP and not is_likely_in_tokens:
        return draft
    key = clues.notes.origins.get("sequences_per_step", Origin()).key
    reason = f"{key}={sequences} would be {sequences * length:,} tokens a step as sequences of {length}; it may count tokens"
    lines = (f"+{clues.prefix}.read.tokens_per_step={key}", f"+{clues.prefix}.read.sequences_per_step={key}")
    clues.notes.unknowns.append(Unknown(field="sequences_per_step", key=key, reason=reason, remedies=lines))
    return replace(draft, sequences_per_step=None, micro_batch_sequences=None)


def _note_devices(clues: Clues) -> None:
    lines: tuple[str, ...] = (f"{clues.prefix}.assume.devices=8", f"+{clues.prefix}.read.num_devices=8")
    reason = "neither the config nor the environment tells on how many devices the run trains, so D counts one of them"
    batch = clues.notes.origins.get("micro_batch_sequences", Origin())
    if batch.key and batch.key.rpartition(".")[2] in ANY_BATCH and not batch.because:
        reason += f"; if {batch.key} is the whole step's batch, it is D of the run"
        lines = (*lines, f"+{clues.prefix}.read.sequences_per_step={batch.key}")
    clues.notes.unknowns.append(Unknown(field="num_devices", reason=reason, remedies=lines))


def _sequences(clues: Clues, draft: Draft) -> tuple[int | None, bool]:
    """Return the sequences of one step, and whether they are those of one device only."""
    if draft.sequences_per_step is None and clues.notes.speaks_of("gradient_accumulation"):
        return None, False  # it is set, to something that cannot be read: taking it for 1 would be a guess
    if draft.sequences_per_step is None and draft.micro_batch_sequences and _accumulates_otherwise(clues, draft):
        return None, False
    factors = [draft.micro_batch_sequences, draft.gradient_accumulation or 1, draft.num_devices or 1]
    product = prod(factors) if draft.micro_batch_sequences else None  # type: ignore[arg-type]
    if draft.sequences_per_step is None:
        return product, product is not None and draft.num_devices is None
    explicit = draft.micro_batch_sequences and draft.gradient_accumulation and draft.num_devices and not shared_key(clues)
    if explicit and product != draft.sequences_per_step and "sequences_per_step" not in clues.given:
        key = clues.notes.origins["sequences_per_step"].key
        reason = (f"{key}={draft.sequences_per_step} sequences, but micro batch x accumulation x devices = "
                  f"{' x '.join(str(factor) for factor in factors)} = {product}")  # fmt: skip
        clues.notes.impossible.append(Impossible(field="sequences_per_step", key=key, reason=reason))
        return None, False
    return draft.sequences_per_step, False


def _accumulates_otherwise(clues: Clues, draft: Draft) -> bool:
    """Tell, and note, whether a key that no dialect reads speaks of several forward passes a step."""
    accumulates = draft.gradient_accumulation in (None, 1) and "gradient_accumulation" not in clues.given

    for key in clues.survey.by_names(_of_a_whole_step):
        name = plain_name(key)
        is_passes = accumulates and _counts_passes(name)
        is_whole = draft.tokens_per_step is None and bool(re.search(_WHOLE_BATCH, name))
        value = clues.view.get(key) if is_passes or is_whole else None
        if type(value) is int and value > 1:
            field = "gradient_accumulation" if is_passes else "tokens_per_step" if "token" in name else "sequences_per_step"
            what = "forward passes a step" if is_passes else "what a whole step takes"
            reason = f"{key}={value} may be {what}, and is read by no dialect"
            line = f"+{clues.prefix}.read.{field}={key}"
            clues.notes.unknowns.append(Unknown(field=field, key=key, reason=reason, remedies=(line,)))
            return True
    return False


def _counts_passes(name: str) -> bool:
    return name not in ACCUMULATION and bool(re.search(_ACCUMULATES, name))


def _of_a_whole_step(survey: Survey) -> tuple[str, ...]:
    return survey.leaves_where(lambda name: _counts_passes(name) or bool(re.search(_WHOLE_BATCH, name)))


def _note_missing(clues: Clues, draft: Draft) -> None:
    """Say once what D lacks, naming the usual key and the line that maps another one."""
    batch = draft.sequences_per_step or draft.micro_batch_sequences or draft.tokens_per_step or draft.epochs
    lacking = (
        ("num_steps", draft.num_steps or draft.epochs, "how many steps the run takes", "trainer.max_steps"),
        ("micro_batch_sequences", batch, "how many sequences a batch has", "data.batch_size"),
        ("sequence_length", draft.sequence_length or draft.tokens_per_step, "how many tokens a sequence has", "data.seq_len"),
    )
    if all(value is None for _, value, _, _ in lacking) and not any(clues.settled(name) for name, _, _, _ in lacking):
        lines = (f"+{clues.prefix}.read.training_tokens=300B",)
        clues.notes.unknowns.append(
            Unknown(field="training_tokens", reason="no steps, batch or length with names that are known", remedies=lines)
        )
        return
    for name, value, what, example in lacking:
        told = clues.notes.speaks_of(name) or (name == "micro_batch_sequences" and clues.notes.speaks_of("sequences_per_step"))
        if value is None and not told:
            lines = (f"+{clues.prefix}.read.{name}={example}",)
            reason = f"nothing that can be read tells {what}{epochs_alone(clues) if name == 'num_steps' else ''}"
            clues.notes.unknowns.append(Unknown(field=name, reason=reason, remedies=lines))


def _status(clues: Clues, draft: Draft, tokens: int | None, *, per_device: bool) -> TokensStatus:
    if tokens is None:
        return "unknown"
    if "training_tokens" in clues.given:
        return "exact"
    if per_device:
        return "per_device"
    at_most = draft.at_most or why_at_most(clues, draft)
    names = ["num_steps"] if draft.training_tokens is None else ["training_tokens"]
    names += _FACTORS if draft.tokens_per_step is None and draft.training_tokens is None else []
    is_assumed = any(clues.notes.origins.get(name, Origin()).assumed for name in names)
    if at_most:
        clues.notes.origins["upper_bound"] = Origin(because=at_most)
    # A bound on what is assumed is no bound.
    return "assumed" if is_assumed else "upper_bound" if at_most else "exact"
