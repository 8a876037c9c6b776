"""How the options of a policy are read: a value of the right kind, or one sentence with the dotted key."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from scalecheck.errors import PolicyError, ScalecheckError, did_you_mean
from scalecheck.text import shown
from scalecheck.units import parse_count


class Above:
    """A bound of a number, for ``Annotated``; to pydantic it is ``annotated_types.Gt``.

    A policy whose rules are shipped needs no validation, so its launch must not pay for that package, 20 ms: this imports it only
    when pydantic asks (annotated_types calls that a ``GroupedMetadata``).
    """

    __slots__ = ("bound",)
    __is_annotated_types_grouped_metadata__: Literal[True] = True

    def __init__(self, bound: float) -> None:
        self.bound = bound

    def __iter__(self) -> Iterator[object]:
        from annotated_types import Gt

        yield Gt(self.bound)


class Below(Above):
    """The same from the other side, ``annotated_types.Lt``."""

    __slots__ = ()

    def __iter__(self) -> Iterator[object]:
        from annotated_types import Lt

        yield Lt(self.bound)


def mapping(value: Any, key: str) -> dict[str, Any]:
    """Return a mapping with text for keys; null is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        message = f"{key} is {shown(value)}; it needs a mapping of options to values."
        raise PolicyError(message)
    return {str(name): item for name, item in value.items()}


def refuse_unknown(given: Mapping[str, Any], known: Sequence[str], key: str) -> None:
    """Refuse the first name that is not known, naming the nearest."""
    for name in given:
        if name not in known:
            message = f"{key}.{name}: there is no '{name}' in {key}.{did_you_mean(name, known)}"
            raise PolicyError(message)


def choice(value: Any, choices: Sequence[str], key: str) -> str:
    """Return one of the words that may stand here."""
    if value is False and "off" in choices:  # YAML 1.1 reads a bare `off` as a boolean
        return "off"
    if isinstance(value, str) and value in choices:
        return value
    near = did_you_mean(value, choices).split(" Known: ")[0] if isinstance(value, str) else ""
    message = f"{key} is {shown(value)}; it must be one of {', '.join(choices)}.{near}"
    raise PolicyError(message)


def switch(value: Any, key: str) -> bool:
    """Return what is on or off."""
    if isinstance(value, bool):
        return value
    message = f"{key} is {shown(value)}; it must be true or false."
    raise PolicyError(message)


def count_or_none(text: str) -> int | float | None:
    """Return a count written as people write them, ``300B``; ``None`` where a text is none."""
    try:
        return parse_count(text)
    except ScalecheckError:
        return None


def number(value: Any, key: str) -> int | float:
    """Return a finite number; a text is read as a count."""
    count = count_or_none(value) if isinstance(value, str) else value
    if isinstance(count, bool) or not isinstance(count, int | float):
        message = f"{key} is {shown(value)}; it needs a number such as 1e21, 300_000_000 or 300B."
        raise PolicyError(message)
    try:
        finite = math.isfinite(count)
    except OverflowError:  # an int beyond 1.8e308
        finite = False
    if not finite:
        message = f"{key} is {shown(value)}; it needs a finite number."
        raise PolicyError(message)
    return count


def positive(value: Any, key: str) -> int | float:
    """Return a finite number above zero."""
    count = number(value, key)
    if count <= 0:
        message = f"{key} is {shown(value)}; it must be above 0."
        raise PolicyError(message)
    return count
