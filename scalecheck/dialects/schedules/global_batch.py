"""An explicit global batch (``global_batch_size``, in sequences) x steps x length. What it says, it says for all devices."""

from __future__ import annotations

from scalecheck.schedule import ACCUMULATION, DEVICES, GLOBAL_BATCH, NODES, STEPS, Clues, Draft, accumulation

RANK = 0


def applies(clues: Clues) -> bool:
    """Tell whether the config, or the policy's mapping, has a global batch."""
    return "sequences_per_step" in clues.given or bool(clues.survey.find(GLOBAL_BATCH))


def read(clues: Clues) -> Draft:
    """Read steps, global batch and length; micro batch, accumulation and devices only to compare them."""
    micro = clues.survey.find(("micro_batch_size", "micro_batch_size_per_gpu", "per_device_train_batch_size"))
    accumulations = clues.survey.find(ACCUMULATION)
    comparable = micro and accumulations
    return Draft(
        num_steps=clues.one("num_steps", STEPS),
        sequences_per_step=clues.one("sequences_per_step", GLOBAL_BATCH),
        sequence_length=clues.length(),
        micro_batch_sequences=clues.pick("micro_batch_sequences", micro) if comparable else None,
        gradient_accumulation=accumulation(clues, accumulations) if comparable else None,
        num_devices=clues.devices(clues.survey.find(DEVICES), clues.survey.find(NODES)) if comparable else None,
    )
