"""Which file and line, or which override, set a config key last. Knows YAML and Hydra's packages, not Hydra itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import yaml

from scalecheck.facts import Origin

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INDEX = re.compile(r"\[([^\[\]]*)\]")
MAX_NESTING = 100  # libyaml's composer recurses in C: deeper files would end the process, not raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One config file of the defaults list, in merge order: its text, and the package that its keys go to (``""``: the root)."""

    path: str
    display: str
    package: str
    text: str


def locate(key: str, layers: Sequence[Layer], overrides: Sequence[tuple[str, str, bool]]) -> Origin:
    """Return the origin of a key: the last override of it or of a parent, else the last layer whose file holds it.

    ``overrides`` are (text as typed, key, whether it chooses a group's option), in the order typed. A parent that is a
    scalar, such as an interpolation, counts as the holder. A key that is found nowhere keeps its name alone.
    """
    steps = _steps(key)
    if not steps:
        return Origin(key=key)
    for text, changed, is_group in reversed(overrides):
        if not is_group and _sets(text, _steps(changed), steps):
            return Origin(key=key, override=text)
    for layer in reversed(layers):
        package = _steps(layer.package)
        if steps[: len(package)] != package:
            continue
        line = _line(layer.text, tuple(steps[len(package) :]))
        if line is not None:
            return Origin(key=key, file=layer.display, line=line)
    return Origin(key=key)


def locate_all(origins: Mapping[str, Origin], locate_one: Callable[[str], Origin]) -> dict[str, Origin]:
    """Fill file, line and override into every origin that has a key and no place yet."""
    return {name: _located(origin, locate_one) for name, origin in origins.items()}


def _located(origin: Origin, locate_one: Callable[[str], Origin]) -> Origin:
    if origin.key is None or origin.file or origin.override:
        return origin
    found = locate_one(origin.key)
    return replace(origin, file=found.file, line=found.line, override=found.override)


def _sets(text: str, changed: list[str], steps: list[str]) -> bool:
    """Tell whether an override of ``changed`` sets the key: a mapping is merged, so it sets only what it names."""
    if not changed or steps[: len(changed)] != changed:
        return False
    value = text.partition("=")[2].strip()
    below = steps[len(changed) :]
    return not value.startswith("{") or all(re.search(rf"(?<![\w-]){re.escape(step)}(?![\w-])", value) for step in below)


def _steps(key: str) -> list[str]:
    return [step for step in _INDEX.sub(r".\1", key.lstrip("+~")).split(".") if step]


@lru_cache(maxsize=256)
def _tree(text: str) -> yaml.Node | None:
    try:
        if _is_too_deep(text):
            return None
        tree: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return tree


def _is_too_deep(text: str) -> bool:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_NESTING:
            return True
    return False


def _line(text: str, steps: tuple[str, ...]) -> int | None:
    node, line = _tree(text), None
    if not steps and isinstance(node, yaml.MappingNode):  # the package itself
        return int(node.start_mark.line) + 1
    for depth, step in enumerate(steps):
        child = None if depth == 0 and step == "defaults" else _child(node, step, set())
        if child is None:
            is_interpolated = isinstance(node, yaml.ScalarNode) and depth > 0 and "${" in str(node.value)
            return line if is_interpolated else None
        key_node, node = child
        line = key_node.start_mark.line + 1
    return line


def _child(node: yaml.Node | None, step: str, merged: set[int]) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the nodes of a child's key and value; a key of the mapping itself goes before merged (``<<``) ones.

    ``merged`` holds the mappings already searched: anchors may merge a mapping into itself, or many times.
    """
    if isinstance(node, yaml.SequenceNode):
        item = node.value[int(step)] if _is_index(step) and int(step) < len(node.value) else None
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


def _is_index(step: str) -> bool:
    return step.isascii() and step.isdigit() and len(step) < 10
