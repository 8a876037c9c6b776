"""What is on the plane of N and D: budgets, losses, the laws' optima, the range that was fitted, and runs; no matplotlib.

N and D are those of the laws (C = 6ND, Kaplan et al. 2020, arXiv 2001.08361, Sec. 2.1), so budgets are straight lines of slope -1, and
the optimum of a law is straight where its exponents add up to 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from scalecheck.drawing.curves import above_floor, ticks
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN, FittedRange, Law, LossSurface
from scalecheck.values import dataclass

Bounds = tuple[float, float]
Place = tuple[float, float]
_STEPS = 160
_MOST_LEVELS = 7
_LARGEST_POWER = 300
"""No C beyond 10 to this power is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanePoint:
    """A run, a remedy or a law's optimum; ``None`` is unknown, and the point a line. ``role`` is one of the palette."""

    params: float | None
    tokens: float | None
    role: str
    label: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneScene:
    """What is drawn between two bounds of N (``params``) and of D (``tokens``).

    ``laws`` are those whose optimum is a line, the judge first; ``band`` the one whose 80 % interval is drawn, ``surface`` the one whose
    losses are, ``fitted`` the range that the judge was fitted on. What was asked for is a line: ``budget`` is one C that is drawn besides
    the round ones, ``asked_params`` one N and ``asked_tokens`` one D.
    """

    params: Bounds
    tokens: Bounds
    points: tuple[PlanePoint, ...]
    known: tuple[PlanePoint, ...] = ()
    laws: tuple[Law, ...] = ()
    band: Law | None = None
    surface: LossSurface | None = None
    fitted: FittedRange | None = None
    budget: float | None = None
    asked_params: float | None = None
    asked_tokens: float | None = None


def budgets(scene: PlaneScene, most: int = 6) -> list[float]:
    """Return the powers of ten of C whose lines cross the plane, at most so many, evenly spaced."""
    low, high = (log_flops / math.log(10) for log_flops in _log_budgets(scene))
    inside = math.log10(3)  # a line that only cuts a corner has no room for its label
    powers = range(math.ceil(low + inside), min(math.floor(high - inside), _LARGEST_POWER) + 1)
    step = max(1, -(-len(powers) // most))
    return [10.0**power for power in powers if power % step == 0]


def optimum_line(law: Law, scene: PlaneScene) -> list[Place]:
    """Return places of a law's compute-optimal line that lie within the plane."""
    return [place for place in _along(law, scene) if is_inside(place, scene)]


def band_line(law: Law, scene: PlaneScene) -> tuple[list[Place], list[Place]]:
    """Return the places where D/N is the lower and the upper end of a law's 80 % interval at each C: N = (C/6/r)^1/2, D = N r."""
    ends: tuple[list[Place], list[Place]] = ([], [])
    for flops in _budget_steps(scene):
        interval = _tried(law, flops)
        for places, ratio in zip(ends, interval or (), strict=False):
            params = math.sqrt(flops / FLOPS_PER_PARAMETER_PER_TOKEN / ratio)
            places.append((params, params * ratio))
    return ends


def fitted_polygon(scene: PlaneScene) -> list[Place]:
    """Return the corners of the part of the plane that the judge was fitted on: its bounds of N, of C = 6ND and of D/N; empty for none."""
    if scene.fitted is None or not any((scene.fitted.params, scene.fitted.flops, scene.fitted.tokens_per_parameter)):
        return []  # nothing is known of the runs that it was fitted on
    (x_low, x_high), (y_low, y_high) = (tuple(map(math.log10, bounds)) for bounds in (scene.params, scene.tokens))
    corners = [(x_low, y_low), (x_high, y_low), (x_high, y_high), (x_low, y_high)]
    six = math.log10(FLOPS_PER_PARAMETER_PER_TOKEN)
    # Each bound is linear in (log N, log D): which multiple of either, and what is to be added.
    for (a, b, c), bounds in (
        ((1, 0, 0.0), scene.fitted.params),
        ((1, 1, six), scene.fitted.flops),
        ((-1, 1, 0.0), scene.fitted.tokens_per_parameter),
    ):
        for bound, sign in zip(bounds or (), (1, -1), strict=False):
            corners = _clipped(corners, (sign * a, sign * b, sign * (c - math.log10(bound))))
    return [(10**x, 10**y) for x, y in corners]


def levels(scene: PlaneScene) -> list[float]:
    """Return the round losses whose contours are drawn."""
    law = scene.surface
    if law is None:
        return []
    low, high = (above_floor(law, scene.params[end], scene.tokens[end]) for end in (1, 0))
    return ticks(law.E, low, high, _MOST_LEVELS) if 0 < low < high < math.inf else []


def _along(law: Law, scene: PlaneScene) -> Iterator[Place]:
    for flops in _budget_steps(scene):
        try:
            best = law.optimum(flops)
        except (ArithmeticError, ValueError):
            continue
        yield best.params, best.tokens


def _budget_steps(scene: PlaneScene) -> list[float]:
    low, high = _log_budgets(scene)
    high = min(high, _LARGEST_POWER * math.log(10))
    return [math.exp(low + (high - low) * step / _STEPS) for step in range(_STEPS + 1)] if low < high else []


def _log_budgets(scene: PlaneScene) -> list[float]:
    """Return log C = log 6ND at the plane's lower left and upper right corner, where C itself may leave the range of a float."""
    six = math.log(FLOPS_PER_PARAMETER_PER_TOKEN)
    return [six + math.log(n) + math.log(d) for n, d in zip(scene.params, scene.tokens, strict=True)]


def has_interval(law: Law) -> bool:
    """Tell whether a law has an 80 % interval."""
    return _tried(law, 1e21) is not None


def _tried(law: Law, flops: float) -> Bounds | None:
    try:
        found = law.interval(flops)
    except (ArithmeticError, ValueError):
        return None
    return found if found and all(0 < bound < math.inf for bound in found) else None


def is_inside(place: Place, scene: PlaneScene) -> bool:
    """Tell whether a place lies within the plane."""
    return all(low <= value <= high for value, (low, high) in zip(place, (scene.params, scene.tokens), strict=True))


def _clipped(corners: Sequence[Place], line: tuple[float, float, float]) -> list[Place]:
    """Return the part of a convex polygon where a x + b y + c >= 0 (Sutherland and Hodgman 1974)."""
    a, b, c = line
    sides = [a * x + b * y + c for x, y in corners]
    kept: list[Place] = []
    for number, (place, side) in enumerate(zip(corners, sides, strict=True)):
        before, side_before = corners[number - 1], sides[number - 1]
        if (side >= 0) is not (side_before >= 0):
            share = side_before / (side_before - side)
            kept.append((before[0] + share * (place[0] - before[0]), before[1] + share * (place[1] - before[1])))
        if side >= 0:
            kept.append(place)
    return kept
