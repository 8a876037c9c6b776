"""Durations with a unit in ``max_duration``: Composer's ``24800ba``, ``1ep``, ``300e9tok``, ``286720000sp``, OLMo's ``2e12T`` and ``2ep``.

Composer (mosaicml/composer, composer/core/time.py, ``Time.from_timestring``; llm-foundry trains with it) takes a bare number for
epochs (trainer.py, ``ensure_time(max_duration, TimeUnit.EPOCH)``), and ends a run at the first batch that reaches the duration.

OLMo (allenai/OLMo at 59a53e3, olmo/train.py, ``Trainer.max_steps`` and ``Trainer.fit``) takes a bare number for steps. Its loop goes
through ``ceil(max_steps / batches_per_epoch)`` whole epochs and leaves them at ``stop_at`` alone, which without a key is
``max_steps + 10``: OLMo 2 1B, 4e12 tokens in steps of 2,097,152, ended at step 1,907,359, which is 1,907,349 + 10. So a ``stop_at``
up to ``max_steps`` is exact, and anything beyond is reached only if the last epoch has the data. ``scheduler.t_max`` ends no run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from scalecheck.clues import GLOBAL_BATCH, LENGTHS, Clues, Draft, dataset_sequences
from scalecheck.facts import Impossible, Origin, Unknown, Unreadable
from scalecheck.survey import LARGEST_COUNT, is_aside, join
from scalecheck.text import shown
from scalecheck.values import dataclass

RANK = 2
_COMPOSER_TIME = r"(?i)(.+)(iter|ep|ba|sp|tok|dur|sec)"
_CLOCK = r"(?i)(\d+h)?(\d+m)?(\d+s)?|\d+(:\d+)+"
_OWN_UNITS = ("ba", "ep", "sp", "tok")  # nobody else writes these; the other units need evidence beside them
_BESIDE = ("global_train_batch_size", "device_train_microbatch_size", "device_train_batch_size", "train_subset_num_batches")
_STOPPERS = ("early_stopper", "threshold_stopper", "early_stopping")
_OTHER_BATCHES = ("train_batch_size", "batch_size")
_OLMO_EXTRA_STEPS = 10
_OLMO_BATCH = 512  # olmo/config.py, TrainConfig.global_train_batch_size


class Duration(NamedTuple):
    """A length of training and its unit: ``ba`` steps, ``ep`` epochs, ``sp`` sequences, ``tok`` tokens; the others tell no tokens."""

    amount: int
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The node that holds the duration, and what the rest of it says about a step."""

    key: str
    node: str
    value: Any
    is_olmo: bool
    sequences: int | None = None
    length: int | None = None


def applies(clues: Clues) -> bool:
    """Tell whether a key holds the duration of a run in Composer's or OLMo's way."""
    return bool(_keys(clues))


def read(clues: Clues) -> Draft:
    """Read the duration, the global batch and the length. Several durations that differ are not chosen from."""
    key, *others = _keys(clues)
    node = key.rpartition(".")[0]
    run = _Run(key=key, node=node, value=clues.view.get(key), is_olmo=_is_olmo(clues, node))
    draft = _batch(clues, run)
    run = replace(run, sequences=draft.sequences_per_step, length=_length(clues, run))
    draft = replace(draft, sequence_length=run.length)
    if "num_steps" in clues.given or "training_tokens" in clues.given:
        return draft
    different = [other for other in others if shown(clues.view.get(other)) != shown(run.value)]
    if different:
        return _untold(
            clues, run, draft, f"several keys could tell: {', '.join(f'{k}={shown(clues.view.get(k))}' for k in [key, *different])}"
        )
    return _olmo(clues, run, draft) if run.is_olmo else _composer(clues, run, draft)


def _keys(clues: Clues) -> list[str]:
    return [key for key in clues.survey.find(("max_duration",)) if _is_a_duration(clues, key)]


def _is_a_duration(clues: Clues, key: str) -> bool:
    """Tell a run's duration from another's, such as the longest recording of a speech dataset in seconds."""
    node, value = key.rpartition(".")[0], clues.view.get(key)
    if value is None or isinstance(value, bool):
        return False
    parsed = composer_duration(value) if isinstance(value, str) else None
    if parsed is not None and parsed.unit in _OWN_UNITS:
        return True
    names = set(clues.survey.nodes.get(node, ()))
    target = str(clues.view.get(join(node, "_target_"))) if "_target_" in names else ""
    return bool(names & set(_BESIDE)) or target.startswith("composer.") or _is_olmo(clues, node)


def _is_olmo(clues: Clues, node: str) -> bool:
    names = set(clues.survey.nodes.get(join(node, "model"), ()))
    return {"d_model", "n_layers", "max_sequence_length"} <= names


def composer_duration(value: str | float) -> Duration | None:
    """Read Composer's duration; ``None`` for what is none. A clock's (``10h``) has the unit ``sec``.

    Source: mosaicml/composer, composer/core/time.py, ``Time.from_timestring``: case is free, and the number may be written as any float.
    """
    if not isinstance(value, str):
        return _counted(value, "ep")
    if value and len(value) < 40 and re.fullmatch(_CLOCK, value):
        return Duration(0, "sec")
    found = re.fullmatch(_COMPOSER_TIME, value) if len(value) < 60 else None
    return None if found is None else _counted(found[1], found[2].lower())


def olmo_duration(value: str | float) -> Duration | None:
    """Read OLMo's duration; ``None`` for what is none (olmo/train.py, ``Trainer.max_steps``)."""
    if not isinstance(value, str):
        return _counted(value, "ba")
    for suffix, unit in (("T", "tok"), ("ep", "ep"), ("", "ba")):
        if value.endswith(suffix):
            return _counted(value.removesuffix(suffix).strip(), unit)
    return None


def _counted(number: str | float, unit: str) -> Duration | None:
    try:
        amount = float(number)
    except (ValueError, OverflowError):
        return None
    if unit == "dur":
        return Duration(0, unit)
    return Duration(int(amount), unit) if math.isfinite(amount) and 0 < amount <= LARGEST_COUNT and amount.is_integer() else None


def _batch(clues: Clues, run: _Run) -> Draft:
    """Return the sequences of one step, of all devices; a batch that may be one device's or all devices' is not chosen from."""
    if "sequences_per_step" in clues.given:
        return Draft(sequences_per_step=int(clues.given["sequences_per_step"]))
    beside = [key for key in clues.below(run.node, "global_train_batch_size") if clues.view.get(key) is not None]
    keys = beside or clues.set_keys(GLOBAL_BATCH)
    if keys:
        return Draft(sequences_per_step=clues.pick("sequences_per_step", keys))
    if run.is_olmo:
        clues.notes.origins["sequences_per_step"] = Origin(because="the default of OLMo's TrainConfig")
        return Draft(sequences_per_step=_OLMO_BATCH)
    per_device = clues.set_keys(("device_train_batch_size",))
    if per_device:
        return Draft(micro_batch_sequences=clues.pick("micro_batch_sequences", per_device), num_devices=clues.devices(()))
    if "micro_batch_sequences" in clues.given:
        return Draft(num_devices=clues.devices(()))
    found = clues.set_keys(_OTHER_BATCHES) or clues.set_keys(("device_train_microbatch_size",))
    if found:
        lines = (f"+{clues.prefix}.read.sequences_per_step=256", f"+{clues.prefix}.read.sequences_per_step={found[0]}")
        reason = f"{found[0]} may be the batch of all devices, of one, or of one forward pass: global_train_batch_size would tell"
        clues.notes.unknowns.append(Unknown(field="sequences_per_step", key=found[0], reason=reason, remedies=lines))
    return Draft()


def _length(clues: Clues, run: _Run) -> int | None:
    """Return the length of a training sequence: OLMo's is the model's, llm-foundry's is that of the training data."""
    if "sequence_length" in clues.given:
        return int(clues.given["sequence_length"])
    if run.is_olmo:
        return clues.pick("sequence_length", [join(run.node, "model.max_sequence_length")])
    data = [key for key in clues.set_keys(LENGTHS) if "train_loader" in key.split(".") or "train_dataset" in key.split(".")]
    return clues.pick("sequence_length", data) if data else clues.length()


def _composer(clues: Clues, run: _Run, draft: Draft) -> Draft:
    duration = _parsed(clues, run)
    refusal = _refusal(clues, run, duration) if duration else ""
    if refusal or duration is None:
        return _untold(clues, run, draft, refusal)
    at_most = _earlier(clues, run)
    if duration.unit == "tok":  # the last batch that is begun is finished, which is not told: the tokens are the config's word
        clues.notes.origins["training_tokens"] = Origin(key=run.key, because="told in tokens")
        return replace(draft, training_tokens=duration.amount, at_most=at_most)
    at_most = at_most or _padded(clues, run)
    if duration.unit == "ba":
        return _in_steps(clues, draft, duration.amount, run.key, at_most=at_most)
    if duration.unit == "ep":
        return _in_epochs(clues, run, draft, duration.amount, at_most)
    if run.sequences is not None:
        because = f"{duration.amount:,} sequences / {run.sequences:,} a step, rounded up"
        return _in_steps(clues, draft, math.ceil(duration.amount / run.sequences), run.key, because=because, at_most=at_most)
    if run.length is None:
        return draft
    because = f"{duration.amount:,} sequences x {run.length} tokens, as if the last step ended with them"
    clues.notes.origins["training_tokens"] = Origin(key=run.key, assumed=True, because=because)
    return replace(draft, training_tokens=duration.amount * run.length, at_most=at_most)


def _olmo(clues: Clues, run: _Run, draft: Draft) -> Draft:
    duration, stop = _parsed(clues, run), _stop(clues, run)
    if duration is None or clues.notes.speaks_of("num_steps"):
        return draft
    early = [key for key in clues.below(run.node, "early_stopping_factor") if clues.view.get(key) is not None]
    at_most = f"{early[0]}={shown(clues.view.get(early[0]))} may end the run earlier" if early else ""
    if duration.unit == "ep" and stop is None:
        return _in_epochs(clues, run, draft, duration.amount, at_most)
    if duration.unit == "ep" and stop is not None:
        at_most = at_most or f"{run.key}={run.value} may end the run before {stop[0]}={stop[1]:,}"
        return replace(_in_steps(clues, draft, stop[1], stop[0], at_most=at_most), epochs=float(duration.amount))
    max_steps, because = _olmo_steps(run, duration)
    if max_steps is None:
        return draft  # the batch or the length is missing, which is said
    if stop is not None:
        last = "" if stop[1] <= max_steps else f"the data may end after {max_steps:,} steps ({run.key}), before {stop[0]}={stop[1]:,}"
        return _in_steps(clues, draft, stop[1], stop[0], at_most=at_most or last)
    at_most = at_most or f"OLMo's trainer goes on for {_OLMO_EXTRA_STEPS} steps after {run.key} ({max_steps:,} steps), if the data lasts"
    because = f"{because or f'{run.key} {max_steps:,}'} + {_OLMO_EXTRA_STEPS} that OLMo's trainer adds"
    return _in_steps(clues, draft, max_steps + _OLMO_EXTRA_STEPS, run.key, because=because, at_most=at_most)


def _olmo_steps(run: _Run, duration: Duration) -> tuple[int | None, str]:
    if duration.unit == "ba":
        return duration.amount, ""
    if run.sequences is None or run.length is None:
        return None, ""
    because = f"{run.value} / ({run.sequences:,} sequences x {run.length} tokens), rounded up"
    return -(-duration.amount // (run.sequences * run.length)), because


def _stop(clues: Clues, run: _Run) -> tuple[str, int] | None:
    """Return the step at which OLMo stops: the smaller of ``stop_at`` and ``stop_after`` (which counts from where this run starts)."""
    keys = [key for key in clues.below(run.node, "stop_at", "stop_after") if clues.view.get(key) is not None]
    stops: Mapping[str, int | None] = {key: clues.pick("num_steps", [key]) for key in keys}
    found = [(key, steps) for key, steps in stops.items() if steps is not None]
    return min(found, key=lambda item: item[1]) if found and len(found) == len(stops) else None


def _in_steps(clues: Clues, draft: Draft, steps: int, key: str, *, because: str = "", at_most: str = "") -> Draft:
    clues.notes.origins["num_steps"] = Origin(key=key, because=because)
    return replace(draft, num_steps=steps, at_most=at_most)


def _in_epochs(clues: Clues, run: _Run, draft: Draft, epochs: int, at_most: str) -> Draft:
    """Epochs are steps where the config tells how long one is: batches that cut it short, or the sequences of the dataset."""
    draft = replace(draft, epochs=float(epochs))
    cuts = [key for key in clues.below(run.node, "train_subset_num_batches") if clues.view.get(key) not in (None, -1)]
    batches = clues.only(("train_subset_num_batches",)) if cuts else None
    if batches is not None:
        at_most = at_most or f"an epoch may have fewer batches than {batches[0]}={batches[1]:,}"
        because = f"{epochs} epochs x {batches[1]:,} batches ({batches[0]})"
        return _in_steps(clues, draft, epochs * batches[1], run.key, because=because, at_most=at_most)
    dataset = None if cuts else dataset_sequences(clues)
    if dataset is None or run.sequences is None:
        return _untold(clues, run, draft, f"{run.key} is {shown(run.value)}, and nothing tells how many sequences an epoch has")
    drops = [clues.view.get(key) is True for key in clues.set_keys(("drop_last",))]
    is_dropped = run.is_olmo or (bool(drops) and all(drops))
    size = dataset[1] // run.sequences if is_dropped else math.ceil(dataset[1] / run.sequences)
    if not is_dropped and dataset[1] % run.sequences:
        at_most = at_most or "the last batch of an epoch is smaller"
    because = f"{epochs} epochs x {dataset[1]:,} sequences ({dataset[0]}) / {run.sequences:,} a step"
    return _in_steps(clues, draft, epochs * size, run.key, because=because, at_most=at_most)


def _parsed(clues: Clues, run: _Run) -> Duration | None:
    """Return the duration; what cannot be read is filed as unknown, what is none as impossible."""
    if isinstance(run.value, Unreadable):
        _untold(clues, run, Draft(), f"{run.key} cannot be read ({run.value.reason})")
        return None
    written = olmo_duration if run.is_olmo else composer_duration
    duration = written(run.value) if isinstance(run.value, str | int | float) else None
    if duration is None:
        units = "10000 (steps), 2e12T (tokens) or 2ep (epochs)" if run.is_olmo else "24800ba (steps), 1000sp (sequences), 3e9tok or 2ep"
        reason = f"{run.key} is {shown(run.value)}, and the duration of a run is written {units}"
        clues.notes.impossible.append(Impossible(field="num_steps", key=run.key, reason=reason))
    return duration


def _refusal(clues: Clues, run: _Run, duration: Duration) -> str:
    """Say why a duration of Composer tells no steps: a clock, a share, iterations, or a ratio that scales it."""
    ratio = [key for key in clues.survey.find(("scale_schedule_ratio",)) if clues.view.get(key) not in (None, 1)]
    if ratio:
        return f"{ratio[0]}={shown(clues.view.get(ratio[0]))} scales {run.key}={run.value}"
    what = {"sec": "by the clock", "dur": "a share of itself", "iter": "in iterations, whose length the code sets"}.get(duration.unit)
    return f"{run.key}={run.value} is {what}: it tells no number of steps" if what else ""


def _untold(clues: Clues, run: _Run, draft: Draft, reason: str) -> Draft:
    """File the steps as unknown for a reason, if there is one."""
    if reason:
        lines = (f"{run.key}=100000{'' if run.is_olmo else 'ba'}", f"+{clues.prefix}.read.num_steps=100000")
        clues.notes.unknowns.append(Unknown(field="num_steps", key=run.key, reason=reason, remedies=lines))
    return draft


def _earlier(clues: Clues, run: _Run) -> str:
    stoppers = [node for node in clues.survey.nodes if node.rpartition(".")[2].lower() in _STOPPERS]
    return f"{stoppers[0]} may end the run before {run.key}" if stoppers else ""


def _padded(clues: Clues, run: _Run) -> str:
    """Say that llm-foundry's sequences are not full: only its ``text`` loader cuts a stream of tokens (llmfoundry/data/text_data.py)."""
    key = join(run.node, "train_loader.name")
    name = clues.view.get(key) if "name" in clues.survey.nodes.get(join(run.node, "train_loader"), ()) else None
    if isinstance(name, str) and name != "text":
        return f"{key} is {name}: its sequences may be shorter than the length"
    packed = [key for key in clues.survey.find(("sequence_packing", "packing_ratio")) if clues.view.get(key) and not is_aside(key)]
    return f"{packed[0]}={shown(clues.view.get(packed[0]))}: packed sequences need not be full" if packed else ""
