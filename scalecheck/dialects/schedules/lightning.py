"""Lightning: ``trainer.{max_steps,devices,num_nodes,accumulate_grad_batches}``, a batch per device, a length.

Defaults are Lightning's own: one node, no accumulation. ``max_steps=-1`` means no limit and tells nothing.
"""

from __future__ import annotations

from scalecheck.facts import Origin, Unknown
from scalecheck.schedule import MICRO_BATCH, Clues, Draft, accumulation
from scalecheck.survey import is_aside, join, shown, whole

RANK = 1
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
    steps = _steps(clues, node)
    factor = accumulation(clues, [join(node, "accumulate_grad_batches")])
    if factor is None and not clues.settled("gradient_accumulation"):
        factor = 1
        clues.notes.origins["gradient_accumulation"] = Origin(because="Lightning accumulates over one batch unless told otherwise")
    return Draft(
        num_steps=steps,
        micro_batch_sequences=clues.one("micro_batch_sequences", MICRO_BATCH),
        gradient_accumulation=factor,
        num_devices=_devices(clues, node),
        sequence_length=clues.length(),
    )


def _trainers(clues: Clues) -> list[str]:
    """Return the nodes with an end of the run and a key that only a Trainer has, without those that evaluate."""
    return [node for node, children in clues.survey.nodes.items() if not is_aside(node) and _is_trainer(clues, node, set(children))]


def _is_trainer(clues: Clues, node: str, names: set[str]) -> bool:
    if not names & {"max_steps", "max_epochs"}:
        return False
    target = clues.view.get(join(node, "_target_")) if "_target_" in names else None
    return (
        bool(names & set(_ONLY_A_TRAINER_HAS))
        or (isinstance(target, str) and target.endswith("Trainer"))
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
    return Draft(micro_batch_sequences=clues.one("micro_batch_sequences", MICRO_BATCH), sequence_length=clues.length())


def _devices(clues: Clues, node: str) -> int | None:
    """Return devices x nodes; a ``num_nodes`` that is no number is not one node."""
    if "num_devices" in clues.given:
        return int(clues.given["num_devices"])
    key = join(node, "num_nodes")
    nodes = clues.view.get(key) if "num_nodes" in clues.survey.nodes[node] else None
    if nodes is None:
        return clues.devices([join(node, "devices")], ())
    checked = whole("num_devices", key, nodes)
    if isinstance(checked, int):
        return clues.devices([join(node, "devices")], [key])
    clues.notes.keep(checked)
    return clues.devices((), ())


def _steps(clues: Clues, node: str) -> int | None:
    key = join(node, "max_steps")
    if "num_steps" in clues.given:
        return int(clues.given["num_steps"])
    if clues.view.get(key) == -1:
        line = f"{key}=100000"
        clues.notes.unknowns.append(Unknown(field="num_steps", key=key, reason=f"{key} is -1: no limit on the steps", remedies=(line,)))
        return None
    return clues.pick("num_steps", [key])
