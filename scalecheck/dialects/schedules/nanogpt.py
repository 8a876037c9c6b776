"""nanoGPT (karpathy/nanoGPT, train.py): ``max_iters`` x ``batch_size`` x ``gradient_accumulation_steps`` x ``block_size``.

Its ``gradient_accumulation_steps`` is the sum over all processes: train.py divides it by the world size. So D does not depend on it.
"""

from __future__ import annotations

from scalecheck.clues import DEVICES, Clues, Draft, accumulation, steps
from scalecheck.facts import Origin

RANK = 0
_ITS_OWN = {"eval_iters", "lr_decay_iters", "warmup_iters", "init_from", "always_save_checkpoint"}
_ENOUGH = 2


def applies(clues: Clues) -> bool:
    """Tell whether the run's keys are nanoGPT's, which has none for the devices."""
    return bool(_node(clues)) and bool(clues.set_keys(("block_size",))) and not clues.set_keys(DEVICES)


def read(clues: Clues) -> Draft:
    """Read steps, batch and accumulation of the node that has them, and the block size."""
    factor = accumulation(clues, clues.survey.find(("gradient_accumulation_steps",)))
    batch = clues.one("micro_batch_sequences", ("batch_size",))
    for name, because in (
        ("micro_batch_sequences", "sequences of one forward pass, as nanoGPT has it"),
        ("num_devices", "gradient_accumulation_steps is nanoGPT's: summed over all processes"),
    ):
        clues.notes.origins[name] = Origin(key=clues.notes.origins.get(name, Origin()).key, because=because)
    return Draft(
        num_steps=steps(clues, clues.survey.find(("max_iters",))),
        micro_batch_sequences=batch,
        gradient_accumulation=factor,
        num_devices=1,
        sequence_length=clues.length(),
    )


def _node(clues: Clues) -> list[str]:
    found = clues.survey.nodes_with("max_iters", "batch_size", "gradient_accumulation_steps")
    return [node for node in found if len(_ITS_OWN.intersection(clues.survey.nodes[node])) >= _ENOUGH]
