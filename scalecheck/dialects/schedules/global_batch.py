"""An explicit global batch (``global_batch_size``, in sequences) x steps x length. What it says, it says for all devices."""

from __future__ import annotations

from scalecheck.facts import Origin
from scalecheck.schedule import ACCUMULATION, DEVICES, GLOBAL_BATCH, NODES, STEPS, Clues, Draft
from scalecheck.survey import whole

RANK = 0
_MICRO = ("micro_batch_size", "micro_batch_size_per_gpu", "per_device_train_batch_size", "batch_size")
# Megatron and NeMo divide the devices among these, and derive the accumulation from the two batches.
_MODEL_PARALLEL = ("tensor_model_parallel_size", "pipeline_model_parallel_size", "context_parallel_size", "tensor_parallel_size")


def applies(clues: Clues) -> bool:
    """Tell whether the config, or the policy's mapping, has a global batch; a null one is none."""
    return "sequences_per_step" in clues.given or bool(_batches(clues))


def read(clues: Clues) -> Draft:
    """Read steps, global batch and length; micro batch, accumulation and devices only to compare them."""
    given = clues.given.get("sequences_per_step")
    sequences = int(given) if given is not None else clues.pick("sequences_per_step", _batches(clues))
    draft = Draft(num_steps=clues.one("num_steps", STEPS), sequences_per_step=sequences, sequence_length=clues.length())
    factors = _factors(clues) if sequences and given is None else None
    if factors is None:
        return draft
    return Draft(
        num_steps=draft.num_steps,
        sequences_per_step=sequences,
        sequence_length=draft.sequence_length,
        micro_batch_sequences=factors[0],
        gradient_accumulation=factors[1],
        num_devices=factors[2],
    )


def _batches(clues: Clues) -> list[str]:
    """Return the keys of a global batch. ``train_batch_size`` is one where it stands beside the batch of one device (verl)."""
    names: tuple[str, ...] = GLOBAL_BATCH
    if not _set(clues, GLOBAL_BATCH) and _set(clues, ("micro_batch_size", "micro_batch_size_per_gpu", "train_micro_batch_size_per_gpu")):
        names = ("train_batch_size",)
    return _set(clues, names)


def _set(clues: Clues, names: tuple[str, ...]) -> list[str]:
    return [key for key in clues.survey.find(names) if clues.view.get(key) is not None]


def _factors(clues: Clues) -> tuple[int, int, int] | None:
    """Return micro batch, accumulation and devices where all three can be told; what cannot is not missed, D does not need it."""
    if clues.survey.find(_MODEL_PARALLEL):
        return None
    micro, accumulation = _only(clues, _MICRO), _only(clues, ACCUMULATION)
    if micro is None or accumulation is None:
        return None
    devices = clues.devices(clues.survey.find(DEVICES), clues.survey.find(NODES))
    if devices is None or clues.notes.origins.get("num_devices", Origin()).assumed:
        clues.notes.origins.pop("num_devices", None)
        return None
    for name, (key, _) in (("micro_batch_sequences", micro), ("gradient_accumulation", accumulation)):
        clues.notes.origins[name] = Origin(key=key)
    return micro[1], accumulation[1], devices


def _only(clues: Clues, names: tuple[str, ...]) -> tuple[str, int] | None:
    """Return the key and the value that all keys of these names agree on."""
    read = {key: whole(key, key, clues.view.get(key)) for key in _set(clues, names)}
    numbers = {key: value for key, value in read.items() if isinstance(value, int)}
    return next(iter(numbers.items())) if len(set(numbers.values())) == 1 and len(numbers) == len(read) else None
