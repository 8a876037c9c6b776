"""Stage 1, the purpose: the evidence for it, key by key. The names that tell stand in ``intent_signs``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from scalecheck import intent_signs as signs
from scalecheck.facts import ModelShape, Unreadable
from scalecheck.survey import Survey, is_aside, join


class Leaf(NamedTuple):
    """A key with a value: its name and the names of the nodes that it is in, in lower case."""

    key: str
    node: str
    name: str
    steps: tuple[str, ...]

    def is_of_the_run(self) -> bool:
        """Tell whether every node that it is in is about the whole run."""
        return all(step in signs.RUN_NODES for step in self.steps)

    def is_at(self, nodes: Iterable[str]) -> bool:
        """Tell whether the node that it stands in has one of these names."""
        return bool(self.steps) and self.steps[-1] in nodes

    def is_beside_the_model(self) -> bool:
        """Tell whether it is about something else than the model that is trained: a tokenizer, a teacher, a metric."""
        return any(step in signs.SIDE_NODES or step.startswith("tokenizer") for step in self.steps)

    def is_about_data(self) -> bool:
        """Tell whether it is about the data; a model that is named there has the tokenizer."""
        return any(step in signs.DATA_NODES for step in self.steps)


@dataclasses.dataclass(slots=True)
class Evidence:
    """A survey by the last names of its leaves, without what concerns evaluation, optimisers and callbacks."""

    survey: Survey
    shape: ModelShape | None
    choices: Mapping[str, str]

    @property
    def leaves(self) -> Mapping[str, list[Leaf]]:
        """The leaves by their names."""
        return self.survey.by_names(_leaves)

    @property
    def nodes(self) -> Mapping[str, tuple[str, ...]]:
        """The nodes, each with its steps."""
        return self.survey.by_names(split_nodes)

    def find(self, names: Iterable[str], where: Callable[[Leaf], bool] = lambda _: True) -> Iterator[tuple[Leaf, Any]]:
        """Yield the leaves of these names that are on, with their values: not null, false, empty, or a word for one of these.

        Those that are not ``where`` they tell something are not read.
        """
        get = self.survey.view.get
        for leaf in self._named(names):
            if where(leaf):
                value = get(leaf.key)
                if not isinstance(value, Unreadable) and not is_off(value):
                    yield leaf, value

    def find_false(self, names: Iterable[str]) -> Iterator[Leaf]:
        """Yield the leaves of these names that are false."""
        return (leaf for leaf in self._named(names) if self.survey.view.get(leaf.key) is False)

    def _named(self, names: Iterable[str]) -> Iterator[Leaf]:
        leaves, wanted = self.leaves, names if isinstance(names, tuple | frozenset) else tuple(names)
        return chain.from_iterable([leaves[name] for name in _in_order(wanted) if name in leaves])

    def is_there(self, name: str) -> bool:
        """Tell whether the root has a child of this name."""
        return name in self.survey.nodes.get("", ())


@lru_cache(maxsize=256)
def _in_order(names: tuple[str, ...] | frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def split_nodes(survey: Survey) -> dict[str, tuple[str, ...]]:
    """Return the nodes with their steps. A checkpoint is no side matter here: what a run starts from may stand there."""
    split = {node: tuple(step for step in node.lower().split(".") if step) for node in survey.nodes}
    return {node: steps for node, steps in split.items() if not is_aside(".".join(step for step in steps if step not in signs.START_NODES))}


def _leaves(survey: Survey) -> dict[str, list[Leaf]]:
    leaves: dict[str, list[Leaf]] = {}
    for node, steps in survey.by_names(split_nodes).items():
        for child in survey.nodes[node]:
            key = join(node, child)
            if key not in survey.nodes:
                leaves.setdefault(child.lower(), []).append(Leaf(key, node, child.lower(), steps))
    return leaves


def is_off(value: Any) -> bool:
    """Tell whether a value says no: null, false, zero, nothing, or a word for one of these."""
    if isinstance(value, str):
        return value.strip().lower() in signs.OFF
    return value is None or value is False or value == 0 or (isinstance(value, list | dict | tuple) and not value)


def must_be_given(value: Any) -> bool:
    """Tell whether a value is one that whoever launches has to give: ``???``."""
    return isinstance(value, Unreadable) and ("???" in value.reason or value.reason.startswith("Missing mandatory value"))
