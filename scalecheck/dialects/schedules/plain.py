"""Plain steps x batch x length, by names that mean one thing, wherever they stand.

Devices: what the config says, else WORLD_SIZE, else ``assume.devices``; one, marked assumed, where nothing speaks of several.
In nanoGPT ``gradient_accumulation_steps`` is the sum over all processes, so the devices are in it already.
"""

from __future__ import annotations

from scalecheck.facts import Origin
from scalecheck.schedule import ACCUMULATION, DEVICES, MICRO_BATCH, NODES, STEPS, Clues, Draft, accumulation
from scalecheck.survey import shown

RANK = 2


def applies(clues: Clues) -> bool:
    """Tell whether there are steps or a batch under a known name, or mapped ones."""
    return bool(clues.survey.find(STEPS) or clues.survey.find(MICRO_BATCH) or {"num_steps", "micro_batch_sequences"} & set(clues.given))


def read(clues: Clues) -> Draft:
    """Read steps, batch, accumulation, devices and length."""
    factor = accumulation(clues, clues.survey.find(ACCUMULATION))
    return Draft(
        num_steps=clues.one("num_steps", STEPS),
        micro_batch_sequences=clues.one("micro_batch_sequences", MICRO_BATCH),
        gradient_accumulation=factor,
        num_devices=_devices(clues, factor),
        sequence_length=clues.length(),
    )


def _devices(clues: Clues, factor: int | None) -> int | None:
    if factor and clues.survey.find(("max_iters",)) and clues.survey.find(("block_size",)):
        key = clues.notes.origins["gradient_accumulation"].key
        clues.notes.origins["num_devices"] = Origin(because=f"{key} is nanoGPT's: summed over all processes")
        return 1
    if "num_devices" in clues.given:
        return int(clues.given["num_devices"])
    # A world size counts every process of every node already.
    totals = _set(clues, ("world_size",))
    keys = totals or _set(clues, DEVICES)
    if len({shown(clues.view.get(key)) for key in keys}) > 1:
        return clues.pick("num_devices", keys)
    found = clues.devices(keys, () if totals else clues.survey.find(NODES))
    if found is None and not clues.hints_at_several_devices():
        clues.notes.origins["num_devices"] = Origin(assumed=True, because="one process: neither the config nor WORLD_SIZE says otherwise")
        return 1
    return found


def _set(clues: Clues, names: tuple[str, ...]) -> list[str]:
    return [key for key in clues.survey.find(names) if clues.view.get(key) is not None]
