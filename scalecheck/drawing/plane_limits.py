"""From where to where the plane goes: around what is on it, with room on every side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from scalecheck.forms import Law

if TYPE_CHECKING:
    from scalecheck.drawing.plane_scene import PlanePoint

Bounds = tuple[float, float]
_MARGIN = 8.0
_LEAST_DECADES = 4.0
_TYPICAL_RATIO = 20.0
"""Tokens per parameter around which the plane is laid where neither a law nor the runs tell (Hoffmann et al. 2022's rule of thumb)."""


def limits(points: Sequence[PlanePoint], law: Law | None) -> tuple[Bounds, Bounds]:
    """Return the bounds of N and of D. Where one of them is unknown of all points, a law's optimum stands in for it, or 20 tokens each."""
    params = [point.params for point in points if point.params is not None]
    tokens = [point.tokens for point in points if point.tokens is not None]
    known = [(point.params, point.tokens) for point in points if point.params is not None and point.tokens is not None]
    if not tokens:
        tokens = [_told(law.tokens_for_model if law else None, value) or value * _TYPICAL_RATIO for value in params]
    if not params:
        params = [_told(law.params_for_tokens if law else None, value) or value / _TYPICAL_RATIO for value in tokens]
    if law is not None and known:
        for flops in (extreme(6 * n * d for n, d in known) for extreme in (min, max)):
            optimum = _optimum(law, flops)
            params, tokens = [*params, *optimum[:1]], [*tokens, *optimum[1:]]
    return _around(params), _around(tokens)


def _around(values: Sequence[float]) -> Bounds:
    low, high = math.log10(min(values) / _MARGIN), math.log10(max(values) * _MARGIN)
    missing = max(0.0, _LEAST_DECADES - (high - low)) / 2
    return 10 ** (low - missing), 10 ** (high + missing)


def _told(function: Callable[[float], float] | None, value: float) -> float | None:
    try:
        found = function(value) if function else None
    except (ArithmeticError, ValueError):
        return None
    return found if found is not None and 0 < found < 1e200 else None


def _optimum(law: Law, flops: float) -> tuple[float, ...]:
    try:
        best = law.optimum(flops)
    except (ArithmeticError, ValueError):
        return ()
    return (best.params, best.tokens) if 0 < best.params < 1e200 and 0 < best.tokens < 1e200 else ()
