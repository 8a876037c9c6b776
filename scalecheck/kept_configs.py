"""Configs that are kept, to be copied often, and how many of them are."""

from __future__ import annotations

import copy
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from omegaconf import DictConfig, ListConfig, Node, UnionNode, ValueNode

_KINDS = (DictConfig, ListConfig, UnionNode, ValueNode)

Kept = TypeVar("Kept")


class Recent(OrderedDict[Any, Kept]):
    """A mapping of the keys that were asked for last."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def get_or_make(self, key: Any, make: Callable[[], Kept]) -> Kept:
        """Return what is kept at a key, made now where nothing is."""
        if key not in self:
            self.put(key, make())
        return self.used(key)

    def used(self, key: Any) -> Kept:
        """Return what is kept at a key, which is the one asked for last now."""
        self.move_to_end(key)
        return self[key]

    def put(self, key: Any, value: Kept) -> None:
        """Keep a value, and let go of the one that was not asked for longest."""
        self[key] = value
        while len(self) > self._size:
            self.popitem(last=False)


class Original:
    """A config that is kept, to be copied often."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._is_tree = _is_tree(config, set())

    def copied(self) -> Any:
        """Return what ``copy.deepcopy`` makes of it, to the last flag, in a fifth of its time."""
        return _grown(self._config, None) if self._is_tree else copy.deepcopy(self._config)


def _is_tree(node: Any, seen: set[int]) -> bool:
    """Tell whether nodes of the known kinds stand in a tree, none of whose parts is another's too."""
    inside = node.__dict__
    metadata, content = inside["_metadata"], inside.get("_content")
    parts = {id(node), id(metadata), id(metadata.flags)}
    if parts & seen or metadata.flags is None or not isinstance(node, _KINDS):
        return False
    seen |= parts
    children = content.values() if isinstance(content, dict) else content if isinstance(content, list) else [content]
    return all(_is_tree(child, seen) for child in children if isinstance(child, Node))


def _grown(node: Any, parent: Any) -> Any:
    kind, told = type(node), node.__dict__
    metadata = told["_metadata"]
    made, about = object.__new__(kind), object.__new__(type(metadata))
    inside = made.__dict__
    inside.update(told)
    inside["_metadata"], inside["_parent"], inside["_flags_cache"] = about, parent, None
    about.__dict__.update(metadata.__dict__)
    about.__dict__["flags"] = dict(metadata.flags)
    resolved = metadata.resolver_cache
    about.__dict__["resolver_cache"] = copy.deepcopy(resolved) if resolved else defaultdict(dict)
    content = told.get("_content")
    if isinstance(content, dict):
        inside["_content"] = {key: _grown(child, made) for key, child in content.items()}
    elif isinstance(content, list):
        inside["_content"] = [_grown(child, made) for child in content]
    elif isinstance(content, Node):
        inside["_content"] = _grown(content, made)
    return made
