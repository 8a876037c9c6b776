"""Looking over a config without resolving it: which nodes there are, and which leaves carry a name that we know."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from scalecheck.facts import Impossible, Unknown, Unreadable, View

MAX_KEYS, MAX_DEPTH = 20_000, 30
LARGEST = 10**18
_ASIDE = (
    "eval", "val", "valid", "validation", "test", "inference", "infer", "predict", "sample", "generation", "scheduler", "lr", "optim",
    "optimizer", "callbacks", "callback", "logger", "logging", "ema", "warmup", "checkpoint", "profiler",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Survey:
    """Every node of a config with the names of its children, in order; Hydra's own node is left out."""

    view: View
    nodes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def nodes_with(self, *names: str) -> tuple[str, ...]:
        """Return the nodes that have all of these children."""
        return tuple(node for node, children in self.nodes.items() if set(names) <= set(children))

    def find(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the leaf keys whose last name is one of ``names``, without what concerns evaluation, optimisers or callbacks."""
        wanted = set(names)
        found = (join(node, child) for node, children in self.nodes.items() for child in children if child.lower() in wanted)
        return tuple(key for key in found if key not in self.nodes and not is_aside(key))

    def keys(self) -> Iterator[str]:
        """Yield every key, nodes and leaves."""
        for node, children in self.nodes.items():
            for child in children:
                yield join(node, child)


def survey(view: View) -> Survey:
    """Walk a config's nodes; nothing is resolved. Stops at a bound that no real config reaches."""
    nodes: dict[str, tuple[str, ...]] = {}
    waiting = [("", 0)]
    seen = 0
    while waiting and seen < MAX_KEYS:
        node, depth = waiting.pop(0)
        children = tuple(name for name in view.keys(node) if node or name != "hydra")
        if not children:
            continue
        nodes[node] = children
        seen += len(children)
        if depth < MAX_DEPTH:
            waiting += [(join(node, child), depth + 1) for child in children]
    return Survey(view, nodes)


def join(node: str, child: str) -> str:
    """Return the dotted key of a node's child."""
    return f"{node}.{child}" if node else child


def is_aside(key: str) -> bool:
    """Tell whether a key is about something else than the training run: evaluation, schedules, callbacks."""
    return any(word in _ASIDE for step in key.lower().split(".") for word in (step, *step.split("_")))


def shown(value: Any) -> str:
    """Return a value for a sentence, cut short; integers of any size."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to print integers of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def whole(field_name: str, key: str, value: Any) -> int | Impossible | Unknown:
    """Read a positive whole number, or say why it is none."""
    if isinstance(value, Unreadable):
        return Unknown(field=field_name, key=key, reason=f"{key} cannot be read ({value.reason})")
    problem = _problem(value)
    if problem:
        return Impossible(field=field_name, key=key, reason=f"{key} is {shown(value)}; {field_name} {problem}")
    return int(value)


def _problem(value: Any) -> str | None:
    if isinstance(value, str):
        return "must be a positive whole number, not text; write it without quotes"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "must be a positive whole number"
    if isinstance(value, float) and not (math.isfinite(value) and value.is_integer()):
        return "must be a positive whole number"
    if value <= 0:
        return "must be above zero"
    return "is larger than any run" if value > LARGEST else None
