"""A ``facts.View`` over an OmegaConf config: only what is asked for is resolved, and what may run then."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from omegaconf import AnyNode, BooleanNode, DictConfig, EnumNode, FloatNode, IntegerNode, ListConfig, OmegaConf, StringNode
from omegaconf.basecontainer import BaseContainer
from omegaconf.errors import InterpolationResolutionError

from scalecheck.facts import Unreadable
from scalecheck.redaction import note, note_leaf, reads, redacted

RESOLVE_FAILURES = (Exception, RecursionError)
REFUSAL = "which is not run with --untrusted"
_EMPTY_NOTES = ("", "full_key:", "object_type=dict", "object_type=list")
_NOT_TEXT = r"(?:^|\.)(?:-?[0-9]|True|False|b')"  # names that YAML may have made a number, a switch or bytes of
# A key that OmegaConf splits at its dots alone, and that nothing takes long to look up.
_SIMPLE_KEY = r"[\w-]+(?:\.[\w-]+){0,40}"
_LEAVES = frozenset((AnyNode, BooleanNode, EnumNode, FloatNode, IntegerNode, StringNode))
_CHILDLESS = _LEAVES | {ListConfig}
_SIMPLE_VALUES = frozenset((int, float, bool, type(None)))
_ASK_OMEGACONF: Any = object()
HARMLESS_RESOLVERS = frozenset(
    ("oc.select", "oc.create", "oc.decode", "oc.deprecated", "oc.dict.keys", "oc.dict.values", "now", "hydra", "python_version")
)
"""Resolvers that look at nothing but the config, the clock and Python's version: of OmegaConf 2.2-2.4 (omegaconf/resolvers/oc) all
but ``oc.env`` and ``oc.coerce``, which imports the module of the type it is given; and those of hydra/core/utils.py, setup_globals."""


@dataclass(slots=True)
class ConfigView:
    """A read-only ``facts.View`` over a DictConfig. Only the leaves that are asked for are resolved, each on its own."""

    config: DictConfig
    _read: dict[str, Any] = field(default_factory=dict)
    _nodes: dict[str, Any] = field(default_factory=dict)
    _named: dict[str, dict[str, Any]] = field(default_factory=dict)
    _children: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _below: dict[str, Any] = field(default_factory=dict)  # what stands in mappings of which every key is text, by its dotted key

    def __post_init__(self) -> None:
        """See to it that what is read from the environment is noted."""
        note_environment()

    def get(self, key: str) -> Any:
        """Return the value at ``key``, ``None`` when absent or null, or ``Unreadable`` with the resolver's reason.

        A node is a plain dict or list whose leaves are as written, with their ``${}``; an enum is its name.
        """
        if key not in self._read:
            value = self._as_written(key)
            self._read[key] = self._select(key) if value is _ASK_OMEGACONF else value
        return self._read[key]

    def _as_written(self, key: str) -> Any:
        """Return the value at a key that there is nothing to resolve for, which is most of them; else that OmegaConf must be asked.

        OmegaConf walks to every key from the root and wraps each step, about a hundred times as long.
        """
        if re.fullmatch(_SIMPLE_KEY, key) is None:
            return _ASK_OMEGACONF
        node = self._stands_at(key)
        if node is not None:
            return _value_of(node)
        above = key.rpartition(".")[0]
        parent = self._below.get(above) if above else self.config
        is_absent = bool(self._children.get(above)) and _is_by_text(parent)
        return None if is_absent else _ASK_OMEGACONF

    def _stands_at(self, key: str) -> Any:
        """Return what stands at a key below mappings of which every key is text; ``None`` where nothing does, or on another way."""
        if key not in self._below:
            self.keys(key.rpartition(".")[0])
        return self._below.get(key)

    def _select(self, key: str) -> Any:
        before = reads()
        try:
            value = OmegaConf.select(self.config, key, throw_on_missing=True)
            if value is None and re.search(_NOT_TEXT, key):
                value = self._by_written_name(key)
        except RESOLVE_FAILURES as failure:
            return Unreadable(reason=first_line(failure))
        if reads() != before:
            note_leaf(key, value, _written_at(self._stands_at(key)))
        if isinstance(value, Enum):
            return value.name
        if isinstance(value, DictConfig | ListConfig):
            return OmegaConf.to_container(value, resolve=False)
        return value

    def _by_written_name(self, key: str) -> Any:
        """Return the value at a key with a name that is not text: ``stages.1`` where YAML says ``stages: {1: ...}``."""
        node: Any = self.config
        for name in key.split("."):
            names = names_of(node) if isinstance(node, DictConfig) else {}
            if name in names:
                node = node[names[name]]
            elif isinstance(node, ListConfig):
                node = OmegaConf.select(node, name, throw_on_missing=True)
            else:
                return None
        return node

    def keys(self, key: str) -> tuple[str, ...]:
        """Return the names of the children of ``key``; a node that is itself an interpolation has none."""
        if key not in self._children:
            self._children[key] = self._list(key)
        return self._children[key]

    def _list(self, key: str) -> tuple[str, ...]:
        node = self._stands_at(key) if key else self.config
        content = node.__dict__["_content"] if type(node) is DictConfig else None
        if type(content) is not dict or not _is_by_text(node):
            return tuple(name for name in self._names_at(key) if "." not in name)
        prefix = f"{key}." if key else ""
        names = tuple([name for name in content if "." not in name])
        for name in filter(None, names):
            child = content[name]
            self._below[prefix + name] = child
            if type(child) in _CHILDLESS:
                self._children[prefix + name] = ()
        return names

    def _names_at(self, key: str) -> dict[str, Any]:
        """Return the children of a key by the names that they are asked for with; looked up once, for trees are wide."""
        if key not in self._named:
            node = self._node(key)
            self._named[key] = names_of(node) if is_open(node) else {}
        return self._named[key]

    def _node(self, key: str) -> Any:
        """Return the node at a key without resolving anything, ``None`` where there is none."""
        if not key:
            return self.config
        if key not in self._nodes:
            above, _, step = key.rpartition(".")
            parent, name = self._node(above), self._names_at(above).get(step)
            is_closed = name is None or OmegaConf.is_interpolation(parent, name) or OmegaConf.is_missing(parent, name)
            self._nodes[key] = None if is_closed else parent[name]
        return self._nodes[key]

    def runs_code(self, key: str) -> bool:
        """Tell whether reading ``key`` would run a resolver that is not harmless, directly or through the keys that it refers to."""
        if self._as_written(key) is not _ASK_OMEGACONF:
            return False
        try:
            with harmless_resolvers():
                OmegaConf.select(self.config, key)
        except InterpolationResolutionError as refusal:
            return REFUSAL in str(refusal)
        except RESOLVE_FAILURES:
            return False
        return False

    @property
    def read_keys(self) -> frozenset[str]:
        """Every key that was asked for."""
        return frozenset(self._read)


def _is_by_text(node: Any) -> bool:
    """Tell whether a node is a mapping whose names are all text, so that each is found under the very name that is asked for."""
    if type(node) is not DictConfig:
        return False
    inside = node.__dict__
    content = inside["_content"]
    return type(content) is dict and inside["_metadata"].key_type in (Any, str) and set(map(type, content)) <= {str}


def _value_of(node: Any) -> Any:
    """Return what ``ConfigView.get`` says of a node in which nothing is to be resolved, else that OmegaConf must be asked."""
    if type(node) not in _LEAVES:
        try:
            return _copied(node)
        except RecursionError:
            return _ASK_OMEGACONF
    value = node._val  # noqa: SLF001 - _value() is the same, and a call
    if type(value) in _SIMPLE_VALUES:
        return value
    if type(value) is str:
        return _ASK_OMEGACONF if "${" in value or value == "???" else value
    return value.name if isinstance(value, Enum) and not isinstance(value, str) else _ASK_OMEGACONF


def _copied(node: Any) -> Any:
    """Do as ``OmegaConf.to_container(node, resolve=False)`` where every node within is of a kind that is known here."""
    kind, content = type(node), node.__dict__.get("_content")
    if kind in _LEAVES:
        return node._val  # noqa: SLF001
    if kind is DictConfig and type(content) is dict:
        mapping = {name: _copied(child) for name, child in content.items()}
        return _ASK_OMEGACONF if any(value is _ASK_OMEGACONF for value in mapping.values()) else mapping
    if kind is ListConfig and type(content) is list:
        items = [_copied(child) for child in content]
        return _ASK_OMEGACONF if any(item is _ASK_OMEGACONF for item in items) else items
    return _ASK_OMEGACONF


def names_of(node: DictConfig) -> dict[str, Any]:
    """Return a node's keys by the name that they are asked for with; where ``1`` and ``"1"`` both stand, the text is meant."""
    return {str(name): name for name in sorted(node.keys(), key=lambda name: isinstance(name, str))}


def is_open(node: Any) -> bool:
    """Tell whether a node is a mapping that stands there itself: not null, not missing, no interpolation."""
    return isinstance(node, DictConfig) and not (node._is_none() or node._is_missing() or node._is_interpolation())  # noqa: SLF001


def _written_at(node: Any) -> str:
    """Return what is written at a leaf, for what is said in place of a value of the environment."""
    written = getattr(node, "_val", None) or getattr(node, "__dict__", {}).get("_content")
    return written if isinstance(written, str) and "${" in written else "${oc.env:...}"


def first_line(failure: BaseException) -> str:
    """Return the first line of what an exception says, cut short; the name of its class where it says nothing."""
    text = redacted(str(failure)).strip().splitlines()
    return text[0][:200] if text else type(failure).__name__


def sentences(failure: BaseException) -> str:
    """Return what an exception says as one line, without the notes of OmegaConf that say nothing."""
    lines = [line.strip() for line in redacted(str(failure)).strip().splitlines()]
    return " ".join([line for line in lines if line not in _EMPTY_NOTES][:6])[:600] or type(failure).__name__


class _Registry(dict[str, Callable[..., Any]]):
    """OmegaConf's resolvers by name, of which it is given only those that are harmless; for any other name one that refuses."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name in HARMLESS_RESOLVERS and (found := self.get(name)) is not None:
            return found

        def refuse(*_: Any) -> Any:
            message = f"it needs the resolver {name}, {REFUSAL}"
            raise InterpolationResolutionError(message)

        return refuse


@contextlib.contextmanager
def harmless_resolvers() -> Iterator[None]:
    """Let OmegaConf run no resolver but the harmless ones, in composing and in reading; what needs another does not resolve.

    ``OmegaConf._get_resolver`` is the one place where 2.2, 2.3 and 2.4 look a resolver up, in ``BaseContainer._resolvers``; nested
    interpolations, ``oc.decode`` and names that are themselves interpolated come past it too.
    """
    trusted = BaseContainer._resolvers  # noqa: SLF001 - OmegaConf has no public way
    BaseContainer._resolvers = _Registry(trusted)  # noqa: SLF001
    try:
        yield
    finally:
        BaseContainer._resolvers = trusted  # noqa: SLF001


def note_environment() -> None:
    """See to it that ``oc.env`` notes each variable that it gives a config (redaction.py); what it gives stays the same."""
    resolvers: Any = BaseContainer._resolvers  # noqa: SLF001
    read = resolvers.get("oc.env")
    if read is None or hasattr(read, "notes_for_scalecheck"):
        return

    def noting(*arguments: Any) -> Any:
        value = read(*arguments)
        names = [str(name) for given in arguments if isinstance(given, tuple) for name in given[:1]]
        for name in names[:1]:
            if value is not None and os.environ.get(name) == value:  # else it is the default, which the config itself tells
                note(name, value)
        return value

    noting.notes_for_scalecheck = True  # type: ignore[attr-defined]
    resolvers["oc.env"] = noting


def resolvers_are_refused() -> bool:
    """Tell whether ``harmless_resolvers`` is in force."""
    return isinstance(BaseContainer._resolvers, _Registry)  # noqa: SLF001
