"""What a written ``${...}`` points to, told from its text alone: nothing is resolved and no resolver runs.

OmegaConf's grammar (omegaconf/grammar/OmegaConfGrammarParser.g4) has two kinds: of a node, ``${a.b}`` or relative ``${..a}``, and
of a resolver, ``${name:argument,...}``, whose arguments may hold both kinds again, inside quotes too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from scalecheck.values import dataclass

MAX_LENGTH, MAX_DEPTH = 4_000, 20  # no config is written so; beyond it a text points to nothing that is told
# Resolvers whose first argument is a key: omegaconf/resolvers/oc/__init__.py and dict.py.
_OF_KEYS = ("oc.select", "oc.deprecated", "oc.dict.keys", "oc.dict.values")
_STANDS_FOR = ("oc.select", "oc.deprecated")
_INDEX = r"\[([^\[\]]*)\]"
_ENVIRONMENT, _OF_HYDRA = "oc.env", "hydra"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """One thing that a text points to: a key of the config, as steps from its root, or another ``place``, such as the environment.

    ``is_whole`` says that the text is this key and nothing else, so that what stands below the text's key stands below the target.
    """

    steps: tuple[str, ...] = ()
    place: str = ""
    is_whole: bool = False


def steps_of(key: str) -> list[str]:
    """Return the steps of a dotted key; ``a[0].b`` is ``a.0.b``, and the sign of an override is no part of it."""
    return [step for step in re.sub(_INDEX, r".\1", key.lstrip("+~")).split(".") if step]


def pointers(text: str, holder: tuple[str, ...], plain: Callable[[tuple[str, ...]], str | None]) -> tuple[Pointer, ...]:
    """Return what a text that stands at the key ``holder`` points to, in the order in which it is written.

    A key that is itself written with ``${}`` is known where ``plain`` tells the text of the inner key.
    """
    if len(text) > MAX_LENGTH:
        return ()
    bodies = list(_bodies(text))
    found = [pointer for body in bodies for pointer in _of_body(body, holder, plain, 0)]
    if found and len(bodies) == 1 and text.strip() == f"${{{bodies[0]}}}" and _stands_for_a_key(bodies[0]):
        found[-1] = replace(found[-1], is_whole=True)  # the keys inside of it come before
    return tuple(found)


def _stands_for_a_key(body: str) -> bool:
    name, colon, arguments = _split(body, ":")
    return not colon or (name.strip() in _STANDS_FOR and not _split(arguments, ",")[1])


def _bodies(text: str) -> Iterator[str]:
    """Yield what stands between ``${`` and its ``}``, of the outermost ones; after a backslash it is text."""
    place = text.find("${")
    while place >= 0:
        backslashes = len(text[:place]) - len(text[:place].rstrip("\\"))
        end = _end(text, place + 2) if backslashes % 2 == 0 else None
        if end is not None:
            yield text[place + 2 : end]
        place = text.find("${", place + 2 if end is None else end)


def _end(text: str, start: int) -> int | None:
    depth = 1
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return None


def _of_body(body: str, holder: tuple[str, ...], plain: Callable[[tuple[str, ...]], str | None], depth: int) -> Iterator[Pointer]:
    if depth > MAX_DEPTH:
        return
    name, colon, arguments = _split(body, ":")
    if not colon:
        yield from _of_key(body.strip(), holder, plain, depth)
        return
    name, (first, comma, rest) = name.strip(), _split(arguments, ",")
    if name in _OF_KEYS:
        yield from _of_key(first.strip().strip("'\""), holder, plain, depth)
        arguments = rest if comma else ""
    elif name == _OF_HYDRA:
        yield from _of_key(f"hydra.{first.strip()}", holder, plain, depth)
        arguments = ""
    elif name == _ENVIRONMENT and "${" not in first:
        variable = first.strip().strip("'\"")
        yield Pointer(place=f"{variable} in the environment")
        arguments = rest
    for inner in _bodies(arguments):
        yield from _of_body(inner, holder, plain, depth + 1)


def _of_key(written: str, holder: tuple[str, ...], plain: Callable[[tuple[str, ...]], str | None], depth: int) -> Iterator[Pointer]:
    """Yield the key that is written, after the keys that stand inside it: ``${sizes.${name}}``."""
    key = written
    for inner in _bodies(written):
        named = list(_of_body(inner, holder, plain, depth + 1))
        yield from named
        text = plain(named[0].steps) if len(named) == 1 and named[0].steps else None
        key = key.replace(f"${{{inner}}}", text, 1) if text is not None else key
    if "${" in key or not key.strip("."):
        return
    dots = len(key) - len(key.lstrip("."))
    # One dot is the mapping that the holder stands in, each further dot one level up.
    above = list(holder[: max(len(holder) - dots, 0)]) if dots else []
    yield Pointer(steps=(*above, *steps_of(key[dots:])))


def _split(text: str, mark: str) -> tuple[str, str, str]:
    """Split at the first mark that stands outside of all braces."""
    depth = 0
    for place, character in enumerate(text):
        if character == mark and depth == 0:
            return text[:place], mark, text[place + 1 :]
        depth += {"{": 1, "}": -1}.get(character, 0)
    return text, "", ""
