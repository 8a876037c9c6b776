"""Counts in and out of text: ``"300B"`` to 300,000,000,000 and back to ``"300B"``."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from scalecheck.errors import ScalecheckError

_SUFFIXES = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_COUNT = re.compile(r"\s*([0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?)\s*([KMBGTPkE]?)\s*")


def parse_count(text: str) -> int | float:
    """Return the number in ``"300B"``, ``"1.5T"``, ``"1e21"`` or ``"1_000"``; integral values as ints.

    Raises:
        ScalecheckError: anything else.

    """
    match = _COUNT.fullmatch(text) if len(text) <= 60 else None
    if not match or not math.isfinite(float(match.group(1).replace("_", "")) * 1e18):
        message = f"{text[:60]!r} is not a count: write a number such as 300000, 1e21, 1_000, or with a suffix K, M, B, T as in 300B."
        raise ScalecheckError(message)
    exact = Fraction(match.group(1).replace("_", "")) * _SUFFIXES[match.group(2).upper()]
    return exact.numerator if exact.denominator == 1 else float(exact)


def format_count(value: float | None) -> str:
    """Return three significant digits with a suffix: ``124M``, ``8.03B``; small ints in full, ``unknown`` for ``None``."""
    if value is None:
        return "unknown"
    if abs(value) < 10_000:
        return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
    if abs(value) >= 10**17:
        return format_scientific(value)
    for suffix, scale in (("T", 10**12), ("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if abs(value) >= scale:
            return f"{_three_digits(value / scale)}{suffix}"
    return f"{value}"


def _three_digits(value: float) -> str:
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    return f"{value:.{digits}f}"


def format_scientific(value: float) -> str:
    """Return ``3.10e19``; ints of any size."""
    if value == 0:
        return "0"
    if isinstance(value, int) and abs(value) >= 10**300:
        exponent = len(str(abs(value))) - 1
        return f"{value // 10 ** (exponent - 2) / 100:.2f}e{exponent}"
    mantissa, exponent_text = f"{value:.2e}".split("e")
    return f"{mantissa}e{int(exponent_text)}"


def format_flops(value: float | None) -> str:
    """Return ``3.10e19 FLOPs``."""
    return "unknown FLOPs" if value is None else f"{format_scientific(value)} FLOPs"


def format_ratio(value: float) -> str:
    """Return two significant digits without an exponent: ``0.07``, ``1.5``, ``16``, ``1,900``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    return f"{rounded:,.{max(digits, 0) if abs(rounded) < 10 else 0}f}"
