"""Plain steps x batch x length, by names that mean one thing, wherever they stand.

Devices: what the config says, else the environment, else ``assume.devices``; where nothing tells, D is that of one device.
"""

from __future__ import annotations

from scalecheck.clues import (
    ACCUMULATION,
    DATA_PARALLEL,
    DEVICES,
    MICRO_BATCH,
    NODES,
    PER_NODE,
    REPLICAS,
    SIBLINGS_OF_STEPS,
    STEPS,
    Clues,
    Draft,
    accumulation,
    micro_batch,
    steps,
)
from scalecheck.facts import Origin
from scalecheck.text import shown

RANK = 30


def applies(clues: Clues) -> bool:
    """Tell whether there are steps or a batch under a known name, or mapped ones."""
    return bool(_steps(clues) or clues.survey.find(MICRO_BATCH) or {"num_steps", "micro_batch_sequences"} & set(clues.given))


def read(clues: Clues) -> Draft:
    """Read steps, batch, accumulation, devices and length."""
    return Draft(
        num_steps=steps(clues, _steps(clues)),
        micro_batch_sequences=micro_batch(clues),
        gradient_accumulation=accumulation(clues, clues.survey.find(ACCUMULATION)),
        num_devices=_devices(clues),
        sequence_length=clues.length(),
        may_end_by_epochs=True,
    )


def _steps(clues: Clues) -> tuple[str, ...]:
    """Return the keys of the run's steps; a bare ``steps`` is one where the accumulation or the batch stands beside it."""
    told = clues.survey.find(STEPS)
    bare = (key for key in clues.survey.find(("steps",)) if set(clues.survey.nodes[key.rpartition(".")[0]]) & set(SIBLINGS_OF_STEPS))
    return told or tuple(bare)


def _devices(clues: Clues) -> int | None:
    if "num_devices" in clues.given:
        return int(clues.given["num_devices"])
    replicas = clues.only(DATA_PARALLEL)
    if replicas is not None and replicas[1] > 0:
        clues.notes.origins["num_devices"] = Origin(key=replicas[0], because=REPLICAS)
        return replicas[1]
    # A world size counts every process of every node already; so does a bare count where there is one per node beside it.
    totals, per_node = clues.set_keys(("world_size",)), clues.set_keys(PER_NODE)
    keys = totals or per_node or clues.set_keys(DEVICES)
    if len({shown(clues.view.get(key)) for key in keys}) > 1:
        return clues.pick("num_devices", keys)
    nodes = clues.set_keys(NODES)
    found = clues.devices(keys, () if totals else nodes)
    origin = clues.notes.origins.get("num_devices", Origin())
    if not totals and not nodes and origin.key in per_node:
        because = f"{origin.key} on one node, as nothing tells how many there are"
        clues.notes.origins["num_devices"] = Origin(key=origin.key, assumed=True, because=because)
    return found
