"""OmegaConf alone: files as one config, a ``facts.View`` over a config that resolves only what is asked for, and what may run then."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, ListConfig, Node, OmegaConf
from omegaconf.basecontainer import BaseContainer
from omegaconf.errors import InterpolationKeyError, InterpolationResolutionError, InterpolationToMissingValueError

from scalecheck.errors import ConfigError
from scalecheck.facts import Unreadable

RESOLVE_FAILURES = (Exception, RecursionError)
REFUSAL = "which is not run with --untrusted"
MAX_NODES = 100_000  # the largest real configs have some thousand values
_EMPTY_NOTES = ("", "full_key:", "object_type=dict", "object_type=list")
_NOT_TEXT = re.compile(r"(?:^|\.)(?:-?[0-9]|True|False|b')")  # names that YAML may have made a number, a switch or bytes of
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

    def get(self, key: str) -> Any:
        """Return the value at ``key``, ``None`` when absent or null, or ``Unreadable`` with the resolver's reason.

        A node is a plain dict or list whose leaves are as written, with their ``${}``; an enum is its name.
        """
        if key not in self._read:
            self._read[key] = self._select(key)
        return self._read[key]

    def _select(self, key: str) -> Any:
        try:
            value = OmegaConf.select(self.config, key, throw_on_missing=True)
            if value is None and _NOT_TEXT.search(key):
                value = self._by_written_name(key)
        except RESOLVE_FAILURES as failure:
            return Unreadable(reason=first_line(failure))
        if isinstance(value, Enum):
            return value.name
        if isinstance(value, DictConfig | ListConfig):
            return OmegaConf.to_container(value, resolve=False)
        return value

    def _by_written_name(self, key: str) -> Any:
        """Return the value at a key with a name that is not text: ``stages.1`` where YAML says ``stages: {1: ...}``."""
        node: Any = self.config
        for name in key.split("."):
            names = _names(node) if isinstance(node, DictConfig) else {}
            if name in names:
                node = node[names[name]]
            elif isinstance(node, ListConfig):
                node = OmegaConf.select(node, name, throw_on_missing=True)
            else:
                return None
        return node

    def keys(self, key: str) -> tuple[str, ...]:
        """Return the names of the children of ``key``; a node that is itself an interpolation has none."""
        return tuple(name for name in self._names_at(key) if "." not in name)

    def _names_at(self, key: str) -> dict[str, Any]:
        """Return the children of a key by the names that they are asked for with; looked up once, for trees are wide."""
        if key not in self._named:
            node = self._node(key)
            self._named[key] = _names(node) if _is_open(node) else {}
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


def _names(node: DictConfig) -> dict[str, Any]:
    """Return a node's keys by the name that they are asked for with; where ``1`` and ``"1"`` both stand, the text is meant."""
    return {str(name): name for name in sorted(node.keys(), key=lambda name: isinstance(name, str))}


def _is_open(node: Any) -> bool:
    return isinstance(node, DictConfig) and not (node._is_none() or node._is_missing() or node._is_interpolation())  # noqa: SLF001


def first_line(failure: BaseException) -> str:
    """Return the first line of what an exception says, cut short; the name of its class where it says nothing."""
    text = str(failure).strip().splitlines()
    return text[0][:200] if text else type(failure).__name__


def sentences(failure: BaseException) -> str:
    """Return what an exception says as one line, without the notes of OmegaConf that say nothing."""
    lines = [line.strip() for line in str(failure).strip().splitlines()]
    return " ".join([line for line in lines if line not in _EMPTY_NOTES][:6])[:600] or type(failure).__name__


def load_files(paths: Sequence[Path], overrides: Sequence[str]) -> DictConfig:
    """Merge YAML and JSON files in their order, then ``key=value`` overrides, as ``OmegaConf.merge`` and a dotlist of it do.

    Two things are allowed beyond a dotlist: a leading ``+`` or ``++``, which changes nothing, and ``~key``, which removes a
    key, as torchtune's ``tune run`` does (torchtune/config/_utils.py).

    Raises:
        ConfigError: one sentence, for a file that cannot be read or is no mapping, and for an override that cannot be applied.
    """
    config = OmegaConf.create()
    with no_lost_merges():
        for path in paths:
            with _told_of(f"--config {path}"):
                config.merge_with(_loaded(path))
        for text in overrides:
            with _told_of(f"the override {text[:80]!a} cannot be applied"):
                _override(config, text)
    return config


@contextlib.contextmanager
def _told_of(where: str) -> Iterator[None]:
    try:
        yield
    except RESOLVE_FAILURES as failure:
        message = f"{where}: {_what(failure).rstrip('.')}."
        raise ConfigError(message) from failure


def _what(failure: BaseException) -> str:
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror
    if isinstance(failure, yaml.MarkedYAMLError) and failure.problem and failure.problem_mark:
        said = ", ".join(part for part in (failure.context, failure.problem) if part)
        return f"{said} (line {failure.problem_mark.line + 1})"
    return "it is nested too deeply" if isinstance(failure, RecursionError) else sentences(failure)


def _loaded(path: Path) -> DictConfig:
    text = path.read_text("utf-8")
    found: Any
    if path.suffix == ".json":
        data = json.loads(text)
        found = OmegaConf.create(data) if isinstance(data, dict) else data
    else:
        root = yaml_root(text)
        found = OmegaConf.load(io.StringIO(text)) if root is None or isinstance(root, yaml.MappingNode) else root.value
    if isinstance(found, DictConfig) and isinstance(found._get_node("defaults"), ListConfig):  # noqa: SLF001
        message = "it has a defaults list, whose files Hydra composes: name it with --config-dir and --config-name instead"
        raise ConfigError(message)
    if isinstance(found, DictConfig):
        return found
    message = f"it holds {'a list' if isinstance(found, list) else 'a single value'}, not a mapping of keys to values"
    raise ConfigError(message)


def yaml_root(text: str) -> yaml.Node | None:
    """Parse YAML without making values of it.

    Raises:
        ConfigError: its anchors make it stand for more than any memory holds (OmegaConf 2.4 has such a bound of its own).
    """
    root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    if _size(root, {}) > MAX_NODES:
        message = f"an anchor holds itself, or anchors make it stand for more than {MAX_NODES:,} values"
        raise ConfigError(message)
    return root


def _size(node: yaml.Node | None, known: dict[int, int]) -> int:
    """Return how many values a node stands for: OmegaConf copies what an anchor names, wherever it is named."""
    if node is None:
        return 0
    if id(node) not in known:
        known[id(node)] = MAX_NODES + 1  # met again while it is open, it holds itself
        inner = node.value if isinstance(node, yaml.CollectionNode) else ()
        known[id(node)] = 1 + sum(_size(child, known) for item in inner for child in (item if isinstance(item, tuple) else (item,)))
    return known[id(node)]


def _override(config: DictConfig, text: str) -> None:
    if text.startswith("~"):
        node_key, _, name = text[1:].rpartition(".")
        node = OmegaConf.select(config, node_key) if node_key else config
        names = _names(node) if isinstance(node, DictConfig) else {}
        if name not in names:
            message = f"there is no {text[1:80]}"
            raise ConfigError(message)
        del node[names[name]]
        return
    bare = text.removeprefix("+").removeprefix("+")
    key, equals, _ = bare.partition("=")
    if not equals or not key:
        message = "an override is key=value, +key=value or ~key"
        raise ConfigError(message)
    OmegaConf.select(config, key.rpartition(".")[0])  # a parent that does not resolve would be dropped with all that it stands for
    config.merge_with_dotlist([bare])


@contextlib.contextmanager
def no_lost_merges() -> Iterator[None]:
    """Refuse to merge a mapping over an interpolation whose resolver cannot be run here.

    Where the app registers the resolver, the mapping is merged into what it makes; without it OmegaConf would silently keep the
    mapping alone (``BaseContainer._map_merge``).
    """
    merge = BaseContainer._map_merge  # noqa: SLF001 - there is no public place between the nodes and their merge

    def checked(dest: BaseContainer, src: BaseContainer, *more: Any, **named: Any) -> None:
        if _is_open(dest) and _is_open(src):
            for name in list(src):
                under, over = (node._get_node(name, validate_access=False) for node in (dest, src))  # noqa: SLF001
                if isinstance(over, BaseContainer) and isinstance(under, Node) and under._is_interpolation():  # noqa: SLF001
                    _refuse_lost(under)
        merge(dest, src, *more, **named)

    BaseContainer._map_merge = staticmethod(checked)  # type: ignore[method-assign]  # noqa: SLF001
    try:
        yield
    finally:
        BaseContainer._map_merge = staticmethod(merge)  # type: ignore[method-assign]  # noqa: SLF001


def _refuse_lost(under: Node) -> None:
    try:
        under._dereference_node()  # noqa: SLF001
    except (InterpolationKeyError, InterpolationToMissingValueError):
        return  # the app's own merge loses it too
    except RESOLVE_FAILURES as failure:
        key = under._get_full_key(None)  # noqa: SLF001
        message = f"keys are merged into {key}, and what that stands for is not known: {first_line(failure)}"
        raise ConfigError(message) from failure


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


def resolvers_are_refused() -> bool:
    """Tell whether ``harmless_resolvers`` is in force."""
    return isinstance(BaseContainer._resolvers, _Registry)  # noqa: SLF001
