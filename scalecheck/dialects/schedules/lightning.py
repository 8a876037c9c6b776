"""Lightning: ``trainer.{max_steps,devices,num_nodes,accumulate_grad_batches}``, a batch per device, a length.

Defaults are Lightning's own: one node, no accumulation. ``max_steps=-1`` means no limit and tells nothing.
"""

from __future__ import annotations

from scalecheck.facts import Origin, Unknown
from scalecheck.schedule import MICRO_BATCH, Clues, Draft, accumulation, trainer_node
from scalecheck.survey import join

RANK = 1


def applies(clues: Clues) -> bool:
    """Tell whether there is a Lightning trainer."""
    return trainer_node(clues) is not None


def read(clues: Clues) -> Draft:
    """Read the trainer's keys and the batch of the data node."""
    node = trainer_node(clues) or ""
    steps = _steps(clues, node)
    factor = accumulation(clues, [join(node, "accumulate_grad_batches")])
    if factor is None and not clues.settled("gradient_accumulation"):
        factor = 1
        clues.notes.origins["gradient_accumulation"] = Origin(because="Lightning accumulates over one batch unless told otherwise")
    return Draft(
        num_steps=steps,
        micro_batch_sequences=clues.one("micro_batch_sequences", MICRO_BATCH),
        gradient_accumulation=factor,
        num_devices=clues.devices([join(node, "devices")], [join(node, "num_nodes")]),
        sequence_length=clues.length(),
    )


def _steps(clues: Clues, node: str) -> int | None:
    key = join(node, "max_steps")
    if "num_steps" in clues.given:
        return int(clues.given["num_steps"])
    if clues.view.get(key) == -1:
        line = f"{key}=100000"
        clues.notes.unknowns.append(Unknown(field="num_steps", key=key, reason=f"{key} is -1: no limit on the steps", remedies=(line,)))
        return None
    return clues.pick("num_steps", [key])
