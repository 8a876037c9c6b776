"""Counts in and out of text: ``"300B"`` to 300,000,000,000 and back to ``"300B"``."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING

from scalecheck.errors import ScalecheckError

if TYPE_CHECKING:
    from fractions import Fraction

_SUFFIXES = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_SCALES = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))
_COUNT = r"\s*([0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?)\s*([KMBGTPkE]?)\s*"


def parse_count(text: str) -> int | float:
    """Return the number in ``"300B"``, ``"1.5T"``, ``"1e21"`` or ``"1_000"``; integral values as ints.

    Raises:
        ScalecheckError: anything else.

    """
    match = re.fullmatch(_COUNT, text) if len(text) <= 60 else None
    if not match or not math.isfinite(float(match.group(1).replace("_", "")) * 1e18):
        message = f"{text[:60]!r} is not a count: write a number such as 300000, 1e21, 1_000, or with a suffix K, M, B, T as in 300B."
        raise ScalecheckError(message)
    found = exact(match.group(1).replace("_", "")) * _SUFFIXES[match.group(2).upper()]
    return found.numerator if found.denominator == 1 else float(found)


def exact(value: float | Fraction | str) -> Fraction:
    """Return a number as the fraction that it is exactly. Most launches need none, so the class is only imported here."""
    from fractions import Fraction

    return Fraction(value)


def format_count(value: float | None) -> str:
    """Return three or four significant digits with a suffix: ``124.4M``, ``8.03B``; small ints in full, ``unknown`` for ``None``."""
    if value is None:
        return "unknown"
    if abs(value) < (10_000 if isinstance(value, int) else 9_999.5):
        return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
    if not abs(value) < 10**17:
        return format_scientific(value)
    scale, suffix = next((scale, suffix) for scale, suffix in _SCALES if abs(value) >= scale)
    text = _three_digits(value / scale)
    if text.lstrip("-") == "1000.0" and scale < 10**12:  # 999,999,999 rounds up to the next suffix
        larger = _SCALES[_SCALES.index((scale, suffix)) - 1]
        return f"{_three_digits(value / larger[0])}{larger[1]}"
    return f"{text}{suffix}"


def _three_digits(value: float) -> str:
    digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 1000 else 0
    return f"{value:.{digits}f}"


def format_scientific(value: float) -> str:
    """Return ``3.10e19``; ints of any size."""
    if value == 0 or (isinstance(value, float) and not math.isfinite(value)):
        return f"{value:g}".removeprefix("-0") or "0"
    # an int beyond 1e308 is no float, but it is a Decimal
    mantissa, exponent = f"{Decimal(value):.2e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def format_flops(value: float | None) -> str:
    """Return ``3.10e19 FLOPs``."""
    return "unknown FLOPs" if value is None else f"{format_scientific(value)} FLOPs"


def format_ratio(value: float) -> str:
    """Return two significant digits: ``0.07``, ``1.5``, ``16``, ``1,900``; with an exponent where that would be a row of zeros."""
    if value == 0 or (isinstance(value, float) and not math.isfinite(value)):
        return f"{value:g}"
    if not 1e-4 <= abs(value) < 10**9:
        return format_scientific(value)
    rounded = float(f"{value:.1e}")
    decimals = max(1 - math.floor(math.log10(abs(rounded))), 0)
    return f"{rounded:,.{decimals}f}"
