"""Which file and line, or which override, set a config key last. Knows YAML and Hydra's packages, not Hydra itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import yaml

from scalecheck.facts import Origin

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INDEX = re.compile(r"\[(\d+)\]")


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
    for text, changed, is_group in reversed(overrides):
        if not is_group and _steps(changed) == steps[: len(_steps(changed))]:
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


def _steps(key: str) -> list[str]:
    return [step for step in _INDEX.sub(r".\1", key.lstrip("+~")).split(".") if step]


@lru_cache(maxsize=256)
def _tree(text: str) -> yaml.Node | None:
    try:
        tree: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return tree


def _line(text: str, steps: tuple[str, ...]) -> int | None:
    node, line = _tree(text), None
    for depth, step in enumerate(steps):
        child = _child(node, step, is_root=depth == 0)
        if child is None:
            is_scalar = isinstance(node, yaml.ScalarNode) and depth > 0 and "${" in str(node.value)
            return line if is_scalar else None
        key_node, node = child
        line = key_node.start_mark.line + 1
    return line


def _child(node: yaml.Node | None, step: str, *, is_root: bool) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode):
        item = node.value[int(step)] if step.isdigit() and int(step) < len(node.value) else None
        return (item, item) if item is not None else None
    if not isinstance(node, yaml.MappingNode) or (is_root and step == "defaults"):
        return None
    found = None
    merged = None
    for key_node, value in node.value:
        if key_node.value == step:
            found = (key_node, value)
        elif key_node.tag == "tag:yaml.org,2002:merge" and isinstance(value, yaml.MappingNode):
            merged = merged or _child(value, step, is_root=False)
    return found or merged
