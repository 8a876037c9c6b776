"""By how much a figure may grow: ``1.5x`` and ``50%`` as a team writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.values import dataclass

_FACTOR = re.compile(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([x%])\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A factor as it was written: ``1.5x``, or ``20%``, which is 1.2."""

    text: str
    value: float


def parse_factor(text: Any, where: str) -> Factor:
    """Return the factor that ``1.5x`` or ``50%`` says.

    Raises:
        ScalecheckError: anything else; ``where`` says what it was written for.
    """
    match = _FACTOR.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        message = f"{where}: {str(text)[:40]!r} is no increase: write 1.5x or 50%."
        raise ScalecheckError(message)
    number = float(match.group(1))
    value = number if match.group(2) == "x" else 1 + number / 100
    if value < 1:
        message = f"{where}: {text.strip()!r} is a decrease, and every run that stays as it is would be beyond it: write 1x or more."
        raise ScalecheckError(message)
    return Factor(text=text.strip(), value=value)


def parse_limits(stated: Iterable[tuple[str, Any]], figures: Sequence[str], where: str) -> dict[str, Factor]:
    """Return the limit of each figure, of two for one figure the last.

    Raises:
        ScalecheckError: a figure that is none of ``figures``, or a limit that is none.
    """
    limits = {}
    for name, text in stated:
        if name not in figures:
            message = f"{where}: {str(name)[:60]!r} is no figure whose increase can be limited.{did_you_mean(str(name)[:60], figures)}"
            raise ScalecheckError(message)
        limits[name] = parse_factor(text, f"{where} {name}")
    return limits
