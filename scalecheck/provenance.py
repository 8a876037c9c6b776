"""Which file and line, or which override, set a config key last, and where its interpolation goes on to. Knows YAML, not Hydra itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

import yaml

from scalecheck.facts import Origin
from scalecheck.interpolation import pointers, steps_of
from scalecheck.values import dataclass
from scalecheck.yaml_places import MISSING, Steps, in_text, is_index, is_not_in, is_too_deep

MAX_CHAIN = 10  # the longest chains of real configs have four steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One config of the defaults list, in merge order: its text, and the package that its keys go to (``""``: the root).

    ``has_lines`` is false where the text is no file of the user's: a dataclass of Hydra's config store. ``is_yaml`` says that it was
    composed, so that it need not be parsed to know that it is YAML.
    """

    path: str
    display: str
    package: str
    text: str
    has_lines: bool = True
    is_yaml: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """One override, as typed: the key that it changes and the value that it was parsed to; ``chooses_group``: an option, no value."""

    text: str
    key: str
    value: Any = None
    chooses_group: bool = False

    @property
    def deletes(self) -> bool:
        """Tell whether it removes its key."""
        return self.text.startswith("~")


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a key was set, what is written there (``None``: a node), and the steps that are left below an interpolated parent."""

    origin: Origin
    written: str | None = None
    below: Steps = ()


def locate(key: str, layers: Sequence[Layer], overrides: Sequence[Typed]) -> Origin:
    """Return the origin of a key: the last override of it or of a parent, else the last layer whose file holds it.

    ``overrides`` stand in the order typed. A parent that is an interpolation counts as the holder, and ``chain`` tells what the
    interpolation points to, each with its own place, at most ``MAX_CHAIN`` of them. A key that is found nowhere, or whose parent
    was replaced by a single value, keeps its name alone.
    """
    return finder(layers, overrides)(key)


def finder(layers: Sequence[Layer], overrides: Sequence[Typed]) -> Callable[[str], Origin]:
    """Return ``locate`` for these layers and overrides; what one key needs is known for the next."""
    search = _Search(
        [(tuple(steps_of(layer.package)), layer) for layer in reversed(layers)],
        [(tuple(steps_of(typed.key)), typed) for typed in reversed(overrides) if not typed.chooses_group],
    )

    def locate_one(key: str) -> Origin:
        steps = tuple(steps_of(key))
        if not steps:
            return Origin(key=key)
        found = search.find(steps)
        return replace(found.origin, key=key, chain=tuple(search.chain(steps, found)))

    return locate_one


def locate_all(origins: Mapping[str, Origin], locate_one: Callable[[str], Origin]) -> dict[str, Origin]:
    """Fill file, line, override and chain into every origin that has a key and no place yet."""
    return {name: _located(origin, locate_one) for name, origin in origins.items()}


def typed_value(text: str) -> Any:
    """Return what YAML makes of the value of an override, as OmegaConf's dotlist does; the text where that cannot be had."""
    try:
        return text if is_too_deep(text) else yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return text


def _located(origin: Origin, locate_one: Callable[[str], Origin]) -> Origin:
    if origin.key is None or origin.file or origin.override:
        return origin
    found = locate_one(origin.key)
    return replace(origin, file=found.file, line=found.line, override=found.override, chain=found.chain)


@dataclasses.dataclass(slots=True)
class _Search:
    """The layers by their packages and the overrides by their keys, the last first."""

    layers: Sequence[tuple[Steps, Layer]]
    overrides: Sequence[tuple[Steps, Typed]]
    _known: dict[Steps, _Found] = field(default_factory=dict)

    def find(self, steps: Steps) -> _Found:
        if steps not in self._known:
            self._known[steps] = self._typed(steps) or self._in_layers(steps)
        return self._known[steps]

    def chain(self, steps: Steps, found: _Found) -> Iterator[str]:
        """Yield what the value at a key points to, and what that points to, each with its place; cycles end."""
        seen = {steps}
        waiting = self._targets(steps, found)
        told = 0
        while waiting and told < MAX_CHAIN:
            target = waiting.pop(0)
            if isinstance(target, str):
                yield target
                told += 1
            elif target not in seen:
                seen.add(target)
                at = self.find(target)
                place = f"override {at.origin.override}" if at.origin.override else _file_and_line(at.origin)
                yield f"{'.'.join(target)} {place}".rstrip()
                told += 1
                waiting = [*self._targets(target, at), *waiting]

    def _targets(self, steps: Steps, found: _Found) -> list[Steps | str]:
        if found.written is None or "${" not in found.written:
            return []
        holder = steps[: len(steps) - len(found.below)]
        told = pointers(found.written, holder, self.plain)
        return [pointer.place or (*pointer.steps, *(found.below if pointer.is_whole else ())) for pointer in told]

    def plain(self, steps: Steps) -> str | None:
        """Return the text of a key's value, through keys that are nothing but another key; ``None`` where that is not plain."""
        for _ in range(MAX_CHAIN):
            found = self.find(steps)
            if found.written is None or "${" not in found.written:
                return None if found.below else found.written
            (target, *more) = pointers(found.written, steps, lambda _: None) or (None,)
            if target is None or more or not target.is_whole or not target.steps:
                return None
            steps = (*target.steps, *found.below)
        return None

    def _typed(self, steps: Steps) -> _Found | None:
        for changed, typed in self.overrides:
            if not changed or steps[: len(changed)] != changed:
                continue
            is_set, written, below = (True, None, ()) if typed.deletes else _in_value(typed.value, steps[len(changed) :])
            if is_set:
                return _Found(Origin(override=typed.text), written, below)
        return None

    def _in_layers(self, steps: Steps) -> _Found:
        found = _Found(Origin())
        for package, layer in self.layers:
            below = steps[len(package) :]
            if steps[: len(package)] != package or (layer.is_yaml and below and is_not_in(layer.text, below[0])):
                continue
            hit = in_text(layer.text, below)
            if hit is None or (hit.written == MISSING and found.origin.file):
                continue
            if hit.line is None:
                break  # a parent was replaced by something that has no such child, or the file cannot be read
            found = _Found(Origin(file=layer.display, line=hit.line if layer.has_lines else None), hit.written, hit.below)
            if hit.written != MISSING:  # ??? leaves an earlier value as it is
                break
        return found


def _file_and_line(origin: Origin) -> str:
    return f"{origin.file or ''}{f':{origin.line}' if origin.line else ''}"


def _in_value(value: Any, below: Steps) -> tuple[bool, str | None, Steps]:
    """Tell whether the value of an override sets what stands below its key: a mapping is merged, so it sets only what it names.

    Returns besides the text that is written there, and the steps that are left where an interpolation stands for a parent.
    """
    for depth, step in enumerate(below):
        if isinstance(value, str) and "${" in value:
            return True, value, below[depth:]
        if isinstance(value, Mapping):
            children = {str(name): child for name, child in value.items()}
            if step not in children:
                return False, None, ()
            value = children[step]
        elif isinstance(value, list) and is_index(step) and int(step) < len(value):
            value = value[int(step)]
        else:  # a list that is extended keeps its items; anything else has replaced the parent
            return not type(value).__name__.startswith("ListExtension"), None, ()
    is_node = isinstance(value, Mapping | list)
    return not (isinstance(value, Mapping) and not value), None if is_node else str(value), ()
