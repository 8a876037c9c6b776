"""Looking over a config without resolving it: which nodes there are, and which leaves carry a name that we know."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from functools import lru_cache
from typing import Any, TypeVar

from scalecheck.errors import ScalecheckError
from scalecheck.facts import Impossible, Origin, Unknown, Unreadable, View
from scalecheck.keys import Kind
from scalecheck.text import shown
from scalecheck.units import parse_count
from scalecheck.values import dataclass

_ASIDE_WHOLE = ("schedule", "schedules", "cosine", "wsd", "anneal", "decay")  # of the learning rate, where a node is called so
MAX_KEYS, MAX_DEPTH, MAX_WIDTH = 20_000, 30, 1_000
_LONGEST_NAME, _NAMES_KEPT, _CONFIGS_KEPT = 100, 4096, 4
LARGEST_SIZE, LARGEST_COUNT = 10**15, 10**18
_COUNTS = ("num_steps", "tokens_per_step", "training_tokens", "unique_tokens")
PLAN_NUMBERS = (*_COUNTS, "sequence_length", "sequences_per_step", "micro_batch_sequences", "gradient_accumulation", "num_devices")
_ASIDE = frozenset((
    "eval", "val", "valid", "validation", "test", "inference", "infer", "predict", "sample", "generation", "scheduler", "lr", "optim",
    "optimizer", "callbacks", "callback", "logger", "logging", "ema", "warmup", "checkpoint", "profiler", "sampling", "generate", "gen",
    "decode", "decoding", "prompt", "rollout", "benchmark", "tuner", "space", "serve", "evaluate", "evaluation", "evaluator", "dev",
))  # fmt: skip
_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True)
class Survey:
    """Every node of a config with the names of its children, in order; Hydra's own node is left out."""

    view: View
    nodes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    is_cut_short: bool = False
    _shared: list[dict[Any, Any]] = field(default_factory=list, compare=False)

    def by_names(self, work: Callable[[Survey], _Told]) -> _Told:
        """Return what a function makes of the names alone, worked out once for all configs of the same keys, as a sweep's are.

        It may look at ``nodes``, ``keys`` and ``leaves``, never at a value; what it returns is shared, and nobody may change it.
        """
        told = self._told()
        if work not in told:
            told[work] = work(self)
        found: _Told = told[work]
        return found

    def _told(self) -> dict[Any, Any]:
        if not self._shared:
            self._shared.append(_told_of(tuple(self.nodes.items())))
        return self._shared[0]

    def nodes_with(self, *names: str) -> tuple[str, ...]:
        """Return the nodes that have all of these children."""
        told = self._told()
        if ("with", names) not in told:
            told["with", names] = tuple(node for node, children in self.nodes.items() if set(names) <= set(children))
        found: tuple[str, ...] = told["with", names]
        return found

    def find(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the leaf keys whose last name is one of ``names``, without what concerns evaluation, optimisers or callbacks."""
        wanted = names if type(names) is tuple else tuple(names)
        told = self._told()
        if ("find", wanted) not in told:
            by_name = self.by_names(_leaves_by_name)
            found = {item for name in wanted for item in by_name.get(name, ())}
            told["find", wanted] = tuple(key for _, key in sorted(found))
        keys: tuple[str, ...] = told["find", wanted]
        return keys

    def leaves_where(self, test: Callable[[str], bool]) -> tuple[str, ...]:
        """Return the leaf keys whose last name, as ``plain_name`` has it, passes a test; in order, without what ``find`` leaves out."""
        found = (item for name, items in self.by_names(_leaves_by_name).items() if test(name) for item in items)
        return tuple(key for _, key in sorted(found))

    def leaves(self) -> Iterator[str]:
        """Yield every key that is no node, without what concerns evaluation, optimisers or callbacks."""
        for node, children in self.nodes.items():
            if not is_aside(node):
                below = (join(node, child) for child in children if not is_aside(child))
                yield from (key for key in below if key not in self.nodes)

    def keys(self) -> Iterator[str]:
        """Yield every key, nodes and leaves."""
        for node, children in self.nodes.items():
            for child in children:
                yield join(node, child)


@dataclasses.dataclass(slots=True, kw_only=True)
class Notes:
    """What stage 1 collects on its way: origins by field, unknowns, impossible values."""

    origins: dict[str, Origin] = field(default_factory=dict)
    unknowns: list[Unknown] = field(default_factory=list)
    impossible: list[Impossible] = field(default_factory=list)

    def speaks_of(self, name: str) -> bool:
        """Tell whether a field has been filed as unknown or impossible."""
        return any(item.field == name for item in self.unknowns) or any(item.field == name for item in self.impossible)

    def keep(self, value: Any) -> Any:
        """Return a value, or file it under what it is and return ``None``."""
        if isinstance(value, Unknown):
            self.unknowns.append(value)
        elif isinstance(value, Impossible):
            self.impossible.append(value)
        else:
            return value
        return None


def survey(view: View, root: str = "") -> Survey:
    """Walk a config's nodes from ``root`` down; nothing is resolved. Stops at bounds that no real config reaches, and says so.

    A node of more than ``MAX_WIDTH`` children is a table (labels, a vocabulary), not settings: it is not searched, so that it
    cannot use up the bound before the model is found.
    """
    nodes: dict[str, tuple[str, ...]] = {}
    waiting = deque([(root, 0)])
    seen = 0
    is_cut_short = False
    while waiting and seen < MAX_KEYS:
        node, depth = waiting.popleft()
        children = view.keys(node) if node else tuple(name for name in view.keys(node) if name != "hydra")
        if not children or (node != root and len(children) > MAX_WIDTH):
            continue
        nodes[node] = children
        seen += len(children)
        if depth < MAX_DEPTH:
            prefix, below = f"{node}." if node else "", depth + 1
            waiting.extend([(prefix + child, below) for child in children])
        else:
            is_cut_short = True
    return Survey(view, nodes, is_cut_short=is_cut_short or bool(waiting))


def plain_name(key: str) -> str:
    """Return a key's last name as names are compared: in lower case, a dash as an underscore; of a name that is no name, nothing."""
    name = key.rpartition(".")[2]
    return _plain(name) if len(name) <= _LONGEST_NAME else ""  # in lower case no name is shorter


@lru_cache(maxsize=_NAMES_KEPT)
def _plain(name: str) -> str:
    name = name.lower().replace("-", "_")
    return name if len(name) <= _LONGEST_NAME else ""


def join(node: str, child: str) -> str:
    """Return the dotted key of a node's child."""
    return f"{node}.{child}" if node else child


def is_aside(key: str) -> bool:
    """Tell whether a key is about something else than the training run: evaluation, schedules, callbacks."""
    return any(_is_aside_step(step) if len(step) <= _LONGEST_NAME else _speaks_of_aside(step) for step in key.split("."))


def _speaks_of_aside(step: str) -> bool:
    words = step.lower()
    return words in _ASIDE_WHOLE or words in _ASIDE or not _ASIDE.isdisjoint(words.split("_"))


_is_aside_step = lru_cache(maxsize=_NAMES_KEPT)(_speaks_of_aside)


def _leaves_by_name(survey: Survey) -> dict[str, list[tuple[int, str]]]:
    """Return the leaves by their last names, as ``find`` compares them, each with its place in the config."""
    by_name: dict[str, list[tuple[int, str]]] = {}
    for place, key in enumerate(survey.leaves()):
        by_name.setdefault(plain_name(key), []).append((place, key))
    return by_name


@lru_cache(maxsize=_CONFIGS_KEPT)
def _told_of(_: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[Any, Any]:
    """Return where what is told by these nodes and names is kept."""
    return {}


def transformers_class(view: View, root: str) -> str | None:
    """Return the model or config class that a node, or its parent, takes from transformers; the Auto classes tell nothing."""
    for node in (root, root.rpartition(".")[0]):
        target = view.get(join(node, "_target_")) if "_target_" in view.keys(node) else None
        if not isinstance(target, str) or target.partition(".")[0] != "transformers":
            continue
        name = next((part for part in target.split(".") if part[:1].isupper()), "")
        if name.endswith(("Config", "ForCausalLM", "LMHeadModel", "Model")) and not name.startswith("Auto"):
            return name
    return None


def said(value: Any) -> str:
    """Return a value for a sentence, or that it cannot be read."""
    return f"not readable ({value.reason})" if isinstance(value, Unreadable) else shown(value)


def assigned(key: str, value: Any) -> str:
    """Return a key and its value for a sentence, or that it cannot be read."""
    return f"{key} cannot be read ({value.reason})" if isinstance(value, Unreadable) else f"{key}={shown(value)}"


def whole(field_name: str, key: str, value: Any) -> int | Impossible | Unknown:
    """Read a positive whole number, or say why it is none."""
    if isinstance(value, Unreadable):
        return Unknown(field=field_name, key=key, reason=f"{key} cannot be read ({value.reason})")
    if field_name in PLAN_NUMBERS and isinstance(value, str | list | tuple | dict):
        untold = _untold(field_name, key, value)
        if untold.remedies or field_name != "num_steps":  # a trainer takes no word and no list for its steps
            return untold
    problem = _problem(value, LARGEST_COUNT if field_name in _COUNTS else LARGEST_SIZE)
    if problem:
        return Impossible(field=field_name, key=key, reason=f"{key} is {shown(value)}; {field_name} {problem}")
    return int(value)


def _untold(field_name: str, key: str, value: Any) -> Unknown:
    """Return what a word, a list or a mapping leaves unknown: the code of the repo makes a number of it, or several."""
    if not isinstance(value, str):
        return Unknown(field=field_name, key=key, reason=f"{key} is {shown(value)}: a schedule or several values, not one number")
    number = None
    with contextlib.suppress(ScalecheckError):
        number = parse_count(value)
    is_whole = number is not None and 0 < number <= LARGEST_COUNT and number == int(number)
    lines = (f"{key}={int(number)}",) if number is not None and is_whole else ()
    return Unknown(field=field_name, key=key, reason=f"{key} is the text {shown(value)}, not a number", remedies=lines)


def checked(field_name: str, key: str, value: Any, kind: Kind) -> Any:
    """Read a value of a kind (see ``keys.Key``), or say why it is none: an ``Impossible`` or an ``Unknown``."""
    if kind == "size" and type(value) is int and 0 < value <= LARGEST_SIZE:  # most values, and configs are read in microseconds
        return value
    if isinstance(value, Unreadable):
        return Unknown(field=field_name, key=key, reason=f"{key} cannot be read ({value.reason})")
    if kind in ("size", "auto_size"):
        return None if kind == "auto_size" and value == "auto" else whole(field_name, key, value)
    if kind in ("counts", "texts"):
        return _listed(field_name, key, value, kind)
    if kind == "entries":
        problem = None if isinstance(value, dict | list | tuple) and len(value) else "must be a list or a mapping with entries"
        return _wrong(field_name, key, value, problem) if problem else len(value)
    problem = _PROBLEMS[kind](value)
    return _wrong(field_name, key, value, problem) if problem else value if kind in ("switch", "text", "number") else int(value)


def _wrong(field_name: str, key: str, value: Any, problem: str) -> Impossible:
    return Impossible(field=field_name, key=key, reason=f"{key} is {shown(value)}; {field_name} {problem}")


def _listed(field_name: str, key: str, value: Any, kind: Kind) -> Any:
    if not isinstance(value, list | tuple):
        return _wrong(field_name, key, value, "must be a list")
    one: Kind = "count" if kind == "counts" else "text"
    for number, item in enumerate(value):
        problem = _PROBLEMS[one](item)
        if problem:
            return _wrong(field_name, f"{key}[{number}]", item, problem)
    return tuple(int(item) if one == "count" else item for item in value)


def _problem(value: Any, largest: int) -> str | None:
    if isinstance(value, str):
        return "must be a positive whole number, not text; write it without quotes"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "must be a positive whole number"
    if isinstance(value, float) and not (math.isfinite(value) and value.is_integer()):
        return "must be a positive whole number"
    if value <= 0:
        return "must be above zero"
    return "is larger than any run" if value > largest else None


def _count_problem(value: Any) -> str | None:
    is_zero = isinstance(value, int | float) and not isinstance(value, bool) and value == 0
    return (
        None if is_zero else (_problem(value, LARGEST_SIZE) or "").replace("positive whole number", "whole number, zero or above") or None
    )


def _number_problem(value: Any) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return None if is_number and math.isfinite(value) and 0 < value <= LARGEST_SIZE else "must be a finite number above zero"


_PROBLEMS: Mapping[Kind, Callable[[Any], str | None]] = {
    "count": _count_problem,
    "number": _number_problem,
    "switch": lambda value: None if isinstance(value, bool) else "must be true or false",
    "text": lambda value: None if isinstance(value, str) else "must be a word",
}
