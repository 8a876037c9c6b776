"""Where a key stands in a YAML text: its line and what is written there, from the text alone."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import yaml

from scalecheck.errors import ScalecheckError
from scalecheck.values import dataclass

MISSING = "???"
MAX_NESTING = 100  # libyaml's composer recurses in C: deeper files would end the process, not raise
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"  # an index of a list is written nowhere
Steps = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A key in a text: its line, what is written there, the steps left below an interpolation. Without a line it cannot be there."""

    line: int | None = None
    written: str | None = None
    below: Steps = ()


class _CannotTell:
    """In place of the tree of a text that is no YAML, or is nested too deeply to be read."""


@lru_cache(maxsize=256)
def _tree(text: str) -> yaml.Node | _CannotTell | None:
    try:
        tree: yaml.Node | _CannotTell | None = _CannotTell() if is_too_deep(text) else yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError, ValueError):
        return _CannotTell()
    return tree


def root_value(text: str, name: str) -> Any:
    """Return what a YAML text has at a key of its root, as plain values; ``None`` without it.

    Raises:
        ScalecheckError: it is no YAML, or is nested too deeply to be read.
        yaml.YAMLError: what stands there cannot be made a value.
    """
    if is_not_in(text, name):
        return None
    tree = _tree(text)
    if isinstance(tree, _CannotTell):
        message = "it cannot be read"
        raise ScalecheckError(message)
    found = _child(tree, name, set()) if isinstance(tree, yaml.MappingNode) else None
    return yaml.constructor.SafeConstructor().construct_document(found[1]) if found else None


def is_not_in(text: str, name: str) -> bool:
    """Tell without parsing that no key of a YAML text has this name: only in a text with a backslash may it be written otherwise."""
    return name not in text and "\\" not in text and re.fullmatch(_NAME, name) is not None


def is_too_deep(text: str) -> bool:
    """Tell whether a YAML text is nested more deeply than ``MAX_NESTING``.

    Raises:
        yaml.YAMLError: it is no YAML; not told of every text.
    """
    if _deepest(text) <= MAX_NESTING:
        return False
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_NESTING:
            return True
    return False


def _deepest(text: str) -> int:
    """Return a nesting that a text cannot exceed, told in a twentieth of the time that parsing takes.

    A bracket opens one level. Any other mapping or list begins at a column of its own, except that a list may stand at its
    mapping's; on one line that takes leading blanks, ``-`` or ``?``.
    """
    lines = text.splitlines()
    return (
        text.count("[")
        + text.count("{")
        + 2 * max((len(line) - len(line.lstrip()) + line.count("-") + line.count("?") + 1 for line in lines), default=0)
    )


def in_text(text: str, steps: Steps) -> Hit | None:
    """Look a key up in a YAML text; ``None`` where the text says nothing about it."""
    node = _tree(text)
    if isinstance(node, _CannotTell):
        return Hit()
    if not steps:  # the package itself
        return Hit(int(node.start_mark.line) + 1) if isinstance(node, yaml.MappingNode) else None
    line = 0
    for depth, step in enumerate(steps):
        child = None if depth == 0 and step == "defaults" else _child(node, step, set())
        if child is None:
            return _instead(node, line, steps[depth:]) if depth > 0 else None
        key_node, node = child
        line = key_node.start_mark.line + 1
    return Hit(line, str(node.value) if isinstance(node, yaml.ScalarNode) else None)


def _instead(node: yaml.Node | None, line: int, below: Steps) -> Hit | None:
    """Return what a parent that has no such child means for it: an interpolation may stand for it, a value or a list has replaced it."""
    if isinstance(node, yaml.MappingNode) or node is None:
        return None
    written = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    return Hit(line, written, below) if "${" in written or written == MISSING else Hit()


def _child(node: yaml.Node | None, step: str, merged: set[int]) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the nodes of a child's key and value; a key of the mapping itself goes before merged (``<<``) ones.

    ``merged`` holds the mappings already searched: anchors may merge a mapping into itself, or many times.
    """
    if isinstance(node, yaml.SequenceNode):
        item = node.value[int(step)] if is_index(step) and int(step) < len(node.value) else None
        return (item, item) if item is not None else None
    if not isinstance(node, yaml.MappingNode) or id(node) in merged:
        return None
    merged.add(id(node))
    own = [(key, value) for key, value in node.value if key.value == step]
    if own:
        return own[-1]
    sources = [value for key, value in node.value if key.tag == "tag:yaml.org,2002:merge"]
    for source in sources:
        for mapping in source.value if isinstance(source, yaml.SequenceNode) else [source]:
            if len(merged) <= MAX_NESTING and isinstance(mapping, yaml.MappingNode) and (found := _child(mapping, step, merged)):
                return found
    return None


def is_index(step: str) -> bool:
    """Tell whether a step of a key is an item's number."""
    return step.isascii() and step.isdigit() and len(step) < 10
