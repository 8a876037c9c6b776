"""fairseq (facebookresearch/fairseq): ``optimization.max_update`` steps of ``update_freq`` batches on every device, under any prefix.

A batch is filled on each device by ``dataset.batch_size`` samples or ``dataset.max_tokens`` tokens, whichever comes first
(fairseq/data/data_utils_fast.pyx, ``batch_by_size_vec``), and a sample holds up to ``task.tokens_per_sample`` tokens
(fairseq/data/token_block_dataset.py). In audio tasks max_tokens counts audio samples, and sentence pairs have lengths of their own: of
such tasks D is not told. Read at commit 3d262bb.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import Any

from scalecheck.clues import Clues, Draft
from scalecheck.facts import Impossible, Origin, Unknown, Unreadable
from scalecheck.survey import join, whole
from scalecheck.text import shown

RANK = 0
_ENDS = frozenset(("max_update", "max_epoch", "update_freq", "stop_time_hours"))
# The tasks whose samples are blocks of text, with tokens_per_sample where the config does not set it (the dataclasses of fairseq/tasks).
_BLOCKS = {"masked_lm": 1024, "language_modeling": 1024, "multilingual_language_modeling": 1024, "span_masked_lm": 1024, "denoising": 512,
           "multilingual_denoising": 512}  # fmt: skip
_FILLED = ("masked_lm", "language_modeling")
"""Tasks in which ``sample_break_mode: none``, their default, fills every sample; the others cut or extend the blocks they get."""
_TOLD = ("micro_batch_sequences", "sequence_length")
_MULTIPLE = 8
"""``required_batch_size_multiple`` where the config does not set it (fairseq/dataclass/configs.py, ``DatasetConfig``)."""
_LAUNCHED = frozenset(("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK"))


def applies(clues: Clues) -> bool:
    """Tell whether a node is laid out as fairseq's config: a named task beside the dataset and how optimisation ends."""
    return bool(_frames(clues))


def read(clues: Clues) -> Draft:
    """Read steps, batches and devices of a task whose samples are blocks of text; of another task nothing in tokens."""
    frames = _frames(clues)
    task = _task(clues, frames[0])
    if len(frames) > 1:
        reason = f"there are {len(frames)} fairseq runs: {', '.join(frame or 'the root' for frame in frames)}"
        return _refused(clues, ("num_steps", *_TOLD), join(frames[1], "optimization"), reason)
    frame = frames[0]
    num_steps = _steps(clues, frame)
    if task not in _BLOCKS:
        reason = f"the task is {shown(task)}: fairseq does not fill its samples with a set number of text tokens"
        return replace(_refused(clues, _TOLD, join(frame, "task._name"), reason), num_steps=num_steps)
    length, factor = _length(clues, frame, str(task)), _accumulation(clues, frame)
    is_filled = task in _FILLED and clues.view.get(join(frame, "task.sample_break_mode")) in (None, "none")
    batch, short = _batch(clues, frame, length, is_filled=is_filled)
    return Draft(
        num_steps=num_steps,
        sequence_length=length,
        micro_batch_sequences=batch,
        gradient_accumulation=None if factor is None else factor[0],
        num_devices=_devices(clues, frame),
        at_most=_earlier_end(clues, frame) or short or ("" if factor is None else factor[1]),
    )


def _frames(clues: Clues) -> list[str]:
    nodes = clues.survey.nodes
    found = clues.survey.nodes_with("task", "dataset", "optimization")
    ends = [node for node in found if _ENDS & set(nodes.get(join(node, "optimization"), ()))]
    return [node for node in ends if isinstance(_task(clues, node), str)]


def _task(clues: Clues, frame: str) -> Any:
    node = join(frame, "task")
    return clues.view.get(join(node, "_name") if node in clues.survey.nodes else node)


def _refused(clues: Clues, names: tuple[str, ...], key: str, reason: str) -> Draft:
    lines = (f"+{clues.prefix}.read.training_tokens=300B",)
    clues.notes.unknowns.extend(Unknown(field=name, key=key, reason=reason, remedies=lines) for name in names if name not in clues.given)
    return Draft()


def _steps(clues: Clues, frame: str) -> int | None:
    """Return max_update; 0, its default, is no limit (fairseq_cli/train.py)."""
    key, epochs = join(frame, "optimization.max_update"), join(frame, "optimization.max_epoch")
    if "num_steps" in clues.given:
        return int(clues.given["num_steps"])
    if clues.view.get(key) not in (None, 0):
        return clues.pick("num_steps", [key])
    said = f"{epochs}={shown(clues.view.get(epochs))} does not, without the size of the dataset"
    reason = f"{key}, which would tell the steps, is not set{f'; {said}' if clues.is_set(epochs) else ''}"
    lines = (f"{key}=100000", f"+{clues.prefix}.read.training_tokens=300B")
    clues.notes.unknowns.append(Unknown(field="num_steps", key=key, reason=reason, remedies=lines))
    return None


def _length(clues: Clues, frame: str, task: str) -> int | None:
    key = join(frame, "task.tokens_per_sample")
    if "sequence_length" in clues.given:
        return int(clues.given["sequence_length"])
    if clues.view.get(key) is not None:
        return clues.pick("sequence_length", [key])
    clues.notes.origins["sequence_length"] = Origin(key=key, because=f"the default of fairseq's task {task}")
    return _BLOCKS[task]


def _accumulation(clues: Clues, frame: str) -> tuple[int, str] | None:
    """Return the batches of one update, and why that is only an upper bound: the list has an entry per epoch, the last one stays."""
    key = join(frame, "optimization.update_freq")
    value = clues.view.get(key)
    if value is None:
        clues.notes.origins["gradient_accumulation"] = Origin(key=key, because="fairseq updates after every batch unless told otherwise")
        return 1, ""
    entries = value if isinstance(value, list | tuple) and value else [value]
    # A list is handed over as it is written: what stands in it for another key is not resolved.
    written = [Unreadable(reason=f"{entry} within a list") if isinstance(entry, str) and "${" in entry else entry for entry in entries]
    counts = [whole("gradient_accumulation", key, entry) for entry in written]
    wrong = next((count for count in counts if not isinstance(count, int)), None)
    if wrong is not None:
        clues.notes.keep(wrong)
        return None
    clues.notes.origins["gradient_accumulation"] = Origin(key=key, because="" if len(entries) == 1 else f"the largest of {shown(value)}")
    largest = max(count for count in counts if isinstance(count, int))
    return largest, "" if len(set(entries)) == 1 else f"{key} is {shown(value)}, an entry per epoch, and the largest is counted"


def _batch(clues: Clues, frame: str, length: int | None, *, is_filled: bool) -> tuple[int | None, str]:
    """Return the samples of one device's batch, and why their tokens are only an upper bound."""
    if "micro_batch_sequences" in clues.given:
        return int(clues.given["micro_batch_sequences"]), ""
    node, limits = join(frame, "dataset"), []
    samples, tokens = _size(clues, join(node, "batch_size"), join(node, "max_sentences")), _size(clues, join(node, "max_tokens"))
    if samples is not None:
        limits.append((samples[1], samples[0], "samples of one device and forward pass, as fairseq has it"))
    if tokens is not None and length is not None:
        most = tokens[1] // length if is_filled else ceil(tokens[1] / length)
        limits.append((most, tokens[0], f"{tokens[1]:,} tokens of one device and forward pass / {length} a sample"))
    if not limits or clues.notes.speaks_of("micro_batch_sequences"):
        return None, ""
    most, key, because = min(limits)
    if most == 0:
        reason = f"{key} is less than one sample of {length} tokens: no batch can be made"
        clues.notes.impossible.append(Impossible(field="micro_batch_sequences", key=key, reason=reason))
        return None, ""
    clues.notes.origins["micro_batch_sequences"] = Origin(key=key, because=because)
    if not is_filled:
        mode = join(frame, "task.sample_break_mode")
        return most, f"{mode} is {shown(clues.view.get(mode))}: samples end with sentences, and have at most {length} tokens"
    told = clues.view.get(join(node, "required_batch_size_multiple"))
    multiple = told if isinstance(told, int) and told > 0 else _MULTIPLE
    if most > multiple and most % multiple:
        clues.notes.origins["micro_batch_sequences"] = Origin(key=key, because=f"{because}, cut to a multiple of {multiple}")
        return most - most % multiple, ""
    return most, ""


def _size(clues: Clues, *keys: str) -> tuple[str, int] | None:
    key = next((key for key in keys if clues.view.get(key) is not None), None)
    kept = None if key is None else clues.notes.keep(whole("micro_batch_sequences", key, clues.view.get(key)))
    return None if key is None or kept is None else (key, kept)


def _devices(clues: Clues, frame: str) -> int | None:
    """Return the devices that train on data of their own; torchrun's world size wins over the config's (fairseq/distributed/utils.py)."""
    key = join(frame, "distributed_training.distributed_world_size")
    is_launched = set(clues.environ) >= _LAUNCHED and clues.view.get(key) != 1
    devices = clues.devices([] if is_launched else [key])
    if "num_devices" in clues.given:
        return devices
    sharing, pipeline = join(frame, "common.model_parallel_size"), join(frame, "distributed_training.pipeline_model_parallel")
    together = clues.view.get(sharing)
    if together in (None, 1) and clues.view.get(pipeline) in (None, False):
        return devices
    if devices and type(together) is int and together > 1 and devices % together == 0 and clues.view.get(pipeline) in (None, False):
        because = f"{devices} devices / {together} that share a batch ({sharing})"
        clues.notes.origins["num_devices"] = Origin(key=clues.notes.origins["num_devices"].key, because=because)
        return devices // together
    place = sharing if together not in (None, 1) else pipeline
    reason = f"by {place} devices share a batch, and how many batches there are cannot be told"
    clues.notes.origins.pop("num_devices", None)
    _refused(clues, ("num_devices",), place, reason)
    return None


def _earlier_end(clues: Clues, frame: str) -> str:
    """Say which other key may end the run before its steps are done (fairseq_cli/train.py)."""
    for name in ("optimization.max_epoch", "optimization.stop_time_hours", "optimization.stop_min_lr", "checkpoint.patience"):
        key = join(frame, name)
        value = clues.view.get(key)
        is_off = value is None or (isinstance(value, int | float) and value <= 0)
        if not is_off and clues.is_set(key):
            return f"{key}={shown(value)} may end the run earlier"
    return ""
