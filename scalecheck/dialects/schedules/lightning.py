"""Lightning: ``trainer.{max_steps,devices,num_nodes,accumulate_grad_batches}``, a batch per device, a length.

Defaults are Lightning's own: one node, no accumulation. ``max_steps=-1`` means no limit and tells nothing.
"""

from __future__ import annotations

from dataclasses import replace

from scalecheck.clues import ANY_BATCH, Clues, Draft, accumulation, micro_batch, steps
from scalecheck.facts import Origin, Unknown
from scalecheck.survey import Survey, is_aside, join
from scalecheck.text import shown

RANK = 20
_ONLY_A_TRAINER_HAS = ("accumulate_grad_batches", "num_nodes", "limit_train_batches")


def applies(clues: Clues) -> bool:
    """Tell whether there is a Lightning trainer."""
    return bool(_trainers(clues))


def read(clues: Clues) -> Draft:
    """Read the trainer's keys and the batch of the data node."""
    node, *others = _trainers(clues)
    ambiguous = [other for other in others if _said(clues, other) != _said(clues, node)]
    if ambiguous and "num_steps" not in clues.given:
        return _several(clues, [node, *ambiguous])
    run_steps = steps(clues, clues.below(node, "max_steps"))
    factor = accumulation(clues, [join(node, "accumulate_grad_batches")])
    if factor is None and not clues.settled("gradient_accumulation"):
        factor = 1
        clues.notes.origins["gradient_accumulation"] = Origin(because="Lightning accumulates over one batch unless told otherwise")
    devices = clues.devices([join(node, "devices")], clues.below(node, "num_nodes"))
    draft = Draft(num_steps=run_steps, gradient_accumulation=factor, num_devices=devices, sequence_length=clues.length())
    return replace(draft, micro_batch_sequences=_batch(clues, (factor or 1) * (devices or 1)))


def _batch(clues: Clues, times: int) -> int | None:
    """Return the batch of one device. A bare ``batch_size`` is one by what DataLoaders do; data modules may divide it by the devices."""
    found = micro_batch(clues)
    key = clues.notes.origins.get("micro_batch_sequences", Origin()).key
    if found is not None and "micro_batch_sequences" not in clues.given and key and key.rpartition(".")[2] in ANY_BATCH and times > 1:
        because = f"{key} is read as the batch of one device, as Lightning's DataLoaders make it"
        clues.notes.origins["micro_batch_sequences"] = Origin(key=key, assumed=True, because=because)
    return found


def _trainers(clues: Clues) -> list[str]:
    """Return the nodes with an end of the run and a key that only a Trainer has, without those that evaluate."""
    return [node for node in clues.survey.by_names(_with_an_end) if _is_trainer(clues, node, set(clues.survey.nodes[node]))]


def _with_an_end(survey: Survey) -> list[str]:
    ends = ("max_steps", "max_epochs")
    return [node for node, names in survey.nodes.items() if not is_aside(node) and any(end in names for end in ends)]


def _is_trainer(clues: Clues, node: str, names: set[str]) -> bool:
    target = clues.view.get(join(node, "_target_")) if "_target_" in names else None
    return (
        bool(names & set(_ONLY_A_TRAINER_HAS))
        or (isinstance(target, str) and target.endswith(".Trainer") and "lightning" in target)
        or ("devices" in names and node.rpartition(".")[2] == "trainer")
    )


def _said(clues: Clues, node: str) -> list[str]:
    names = ("max_steps", "devices", "num_nodes", "accumulate_grad_batches")
    return [shown(clues.view.get(join(node, name))) for name in names]


def _several(clues: Clues, nodes: list[str]) -> Draft:
    """File several trainers that differ as unknown steps: which one runs is not ours to choose."""
    keys = [join(node, "max_steps") for node in nodes]
    listed = ", ".join(f"{key}={shown(clues.view.get(key))}" for key in keys[:4])
    lines = tuple(f"+{clues.prefix}.read.num_steps={key}" for key in keys[:4])
    reason = f"there are {len(nodes)} trainers that differ: {listed}"
    clues.notes.unknowns.append(Unknown(field="num_steps", key=keys[0], reason=reason, remedies=lines))
    return Draft(micro_batch_sequences=micro_batch(clues), sequence_length=clues.length())
