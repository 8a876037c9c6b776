"""An explicit global batch (``global_batch_size``, in sequences) x steps x length. What it says, it says for all devices."""

from __future__ import annotations

from dataclasses import replace

from scalecheck.clues import ACCUMULATION, DEVICES, GLOBAL_BATCH, MICRO_BATCH, MODEL_PARALLEL, NODES, STEPS, Clues, Draft, steps
from scalecheck.facts import Origin

RANK = 10


def applies(clues: Clues) -> bool:
    """Tell whether the config, or the policy's mapping, has a global batch; a null one is none."""
    return "sequences_per_step" in clues.given or bool(_batches(clues))


def read(clues: Clues) -> Draft:
    """Read steps, global batch and length; micro batch, accumulation and devices only to compare them."""
    given = clues.given.get("sequences_per_step")
    sequences = int(given) if given is not None else clues.pick("sequences_per_step", _batches(clues))
    draft = Draft(
        num_steps=steps(clues, clues.survey.find(STEPS)),
        sequences_per_step=sequences,
        sequence_length=clues.length(),
        may_end_by_epochs=True,
    )
    factors = _factors(clues) if sequences and given is None else None
    if factors is None:
        return draft
    return replace(draft, micro_batch_sequences=factors[0], gradient_accumulation=factors[1], num_devices=factors[2])


def _batches(clues: Clues) -> list[str]:
    """Return the keys of a global batch. ``train_batch_size`` is one where it stands beside the batch of one device (verl)."""
    explicit = clues.set_keys(GLOBAL_BATCH)
    per_device = clues.set_keys(("micro_batch_size", "micro_batch_size_per_gpu", "train_micro_batch_size_per_gpu"))
    return explicit or (clues.set_keys(("train_batch_size",)) if per_device else [])


def _derives_accumulation(clues: Clues, micro_key: str, accumulation_key: str) -> bool:
    """Tell whether the two batches stand side by side as NeMo's do, whose code accumulates as needed whatever a trainer says."""
    node, _, name = micro_key.rpartition(".")
    beside = name == "micro_batch_size" and "global_batch_size" in clues.survey.nodes.get(node, ())
    return beside and accumulation_key.rpartition(".")[0] != node


def _factors(clues: Clues) -> tuple[int, int, int] | None:
    """Return micro batch, accumulation and devices where all three can be told; what cannot is not missed, D does not need it."""
    if any(clues.view.get(key) not in (None, 1, -1) for key in clues.survey.find(MODEL_PARALLEL)):
        return None  # the devices share batches among them, and how many is not told
    # A comparison is not worth a command that a resolver would run, and what is computed from the global batch agrees with it.
    micro = clues.only([name for name in MICRO_BATCH if name != "train_batch_size"], may_run_code=False)
    accumulation = clues.only(ACCUMULATION, may_run_code=False)
    if micro is None or accumulation is None or _derives_accumulation(clues, micro[0], accumulation[0]):
        return None
    devices = clues.devices(clues.survey.find(DEVICES), clues.survey.find(NODES))
    if devices is None or clues.notes.origins.get("num_devices", Origin()).assumed:
        clues.notes.origins.pop("num_devices", None)
        return None
    for name, (key, _) in (("micro_batch_sequences", micro), ("gradient_accumulation", accumulation)):
        clues.notes.origins[name] = Origin(key=key)
    return micro[1], accumulation[1], devices
