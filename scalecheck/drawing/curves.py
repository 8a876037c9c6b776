"""Predicted loss against C, N and D in three panels: the compute-optimal line, what limits a run, the runs, and what more compute buys.

The height is logarithmic in L - E, so that L - E = A/N^alpha + B/D^beta (Hoffmann et al. 2022, arXiv 2203.15556, Eq. 2) is straight
wherever one term is all of it, and so is the compute-optimal line; the ticks are written as L, which is what a training log shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from scalecheck.drawing.palette import MARKERS, PALETTE
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN, LossSurface
from scalecheck.values import dataclass

if TYPE_CHECKING:
    from scalecheck.drawing.canvas import Canvas

_POINTS_OF_A_CURVE = 80
_MARGIN = 30.0
"""How far the compute axis goes beyond what is on it, to either side; the other two go its square root."""
_AXES = (("flops", "training compute C (FLOPs)"), ("params", "parameters N"), ("tokens", "training tokens D"))
_NARROW_SIZE = (360, 1080)
_VERDICTS = {"pass": "run that passes", "warn": "run with warnings", "stop": "run that is stopped", "silent": "run without a verdict"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A run, or a compute-optimal split, in the law's own N; ``label`` stands beside it, ``title`` is what a pointer is told."""

    params: float
    tokens: float
    role: str
    label: str = ""
    title: str = ""

    @property
    def flops(self) -> float:
        """C = 6ND, as the laws count it."""
        return FLOPS_PER_PARAMETER_PER_TOKEN * self.params * self.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class LossScene:
    """What is drawn. ``base`` is the run from which ``bought`` starts; ``whose`` names it: ``this run's``."""

    law: LossSurface
    runs: tuple[Spot, ...]
    base: Spot
    bought: tuple[Spot, ...]
    whose: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A line in one panel: places of x and L - E; ``kind`` is a key of ``_STYLES``."""

    kind: str
    places: tuple[tuple[float, float], ...]


_STYLES: dict[str, tuple[str, dict[str, Any]]] = {
    "optimal": ("law", {"linewidth": 2}),
    "optimal, extrapolated": ("law", {"linewidth": 2, "linestyle": (0, (4, 2))}),
    "run": ("contour", {"linewidth": 1.5}),
    "run, extrapolated": ("contour", {"linewidth": 1.5, "linestyle": (0, (4, 2))}),
    "limit": ("other_law", {"linewidth": 1.2, "linestyle": (0, (1, 1.5))}),
}


def above_floor(law: LossSurface, params: float, tokens: float) -> float:
    """Return L - E without the rounding of a difference; an infinite N or D leaves its term out. Zero where it leaves a float's range."""
    try:
        return law.A * math.pow(params, -law.alpha) + law.B * math.pow(tokens, -law.beta)
    except (ArithmeticError, ValueError):
        return 0.0


def curves(scene: LossScene, axis: str, low: float, high: float) -> Iterator[Curve]:
    """Yield the lines of one panel between two values of its axis, those outside the law's fitted range by themselves."""
    law, base = scene.law, scene.base
    xs = [low * (high / low) ** (step / (_POINTS_OF_A_CURVE - 1)) for step in range(_POINTS_OF_A_CURVE)]
    optimum: Callable[[float], tuple[float, float]]
    if axis == "flops":
        yield from _split(law, "optimal", [(x, *_optimum(law, x)) for x in xs])
        return
    if axis == "params":
        optimum = lambda x: (x, law.tokens_for_model(x))  # noqa: E731
        run, limit = [(x, x, base.tokens) for x in xs], [(x, x, math.inf) for x in xs]
    else:
        optimum = lambda x: (law.params_for_tokens(x), x)  # noqa: E731
        run, limit = [(x, base.params, x) for x in xs], [(x, math.inf, x) for x in xs]
    yield Curve("limit", tuple((x, above_floor(law, params, tokens)) for x, params, tokens in limit))
    yield from _split(law, "run", run)
    yield from _split(law, "optimal", [(x, *found) for x in xs if (found := _tried(optimum, x))])


def ticks(floor: float, low: float, high: float, most: int = 6) -> list[float]:
    """Return round losses L, at most so many, about evenly spaced between two values of L - E on its logarithmic axis."""
    found: dict[float, None] = {}
    for step in range(most):
        above = low * (high / low) ** ((step + 0.5) / most)
        unit = 10.0 ** math.floor(math.log10(above / 2))
        unit *= 5 if above / 2 >= 5 * unit else 2 if above / 2 >= 2 * unit else 1
        found[float(f"{round((floor + above) / unit) * unit:.12g}")] = None
    return [loss for loss in found if low <= loss - floor <= high]


def draw(scene: LossScene, canvas: Canvas) -> None:
    """Draw the three panels, side by side or, narrow, below each other."""
    from matplotlib.ticker import FixedLocator, FuncFormatter

    from scalecheck.drawing.canvas import log_axis, tick

    narrow = canvas.size.is_narrow
    if narrow:
        canvas.figure.set_size_inches(_NARROW_SIZE[0] / 72, _NARROW_SIZE[1] / 72)
    panels = canvas.axes(*((3, 1) if narrow else (1, 3)), sharey=True)
    low, high = _heights(scene)
    labels: list[Any] = []
    for axes, (axis, words) in zip(panels, _AXES, strict=True):
        limits = _limits(scene, axis)
        log_axis(axes.xaxis, *limits, shown=_power if axis == "flops" else tick, most=5 if narrow else 4)
        log_axis(axes.yaxis, low, high)
        axes.set_xlabel(words)
        _panel(scene, canvas, axes, axis, limits)
        labels += _labelled(scene, axes, axis)
        if narrow or axis == "flops":
            axes.set_ylabel("predicted loss L (nats)" if narrow else "predicted loss L, nats per token (log of L - E)")
    floor = scene.law.E
    shown = ticks(floor, low, high)
    panels[0].yaxis.set_major_locator(FixedLocator([loss - floor for loss in shown]))
    panels[0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value + floor:.6g}"))
    _legend(scene, canvas)
    keep_apart(canvas.figure, labels)


def keep_apart(figure: Any, labels: Sequence[Any]) -> None:
    """Take away each label that would lie on an earlier one, or outside the figure; what it says is in the mark's title too."""
    from scalecheck.drawing.canvas import settle

    settle(figure)
    kept: list[Any] = []
    for label in labels:
        box = label.get_window_extent()
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height
        if inside and not any(box.overlaps(other) for other in kept):
            kept.append(box)
        else:
            label.remove()


def _panel(scene: LossScene, canvas: Canvas, axes: Any, axis: str, limits: tuple[float, float]) -> None:
    fitted = getattr(scene.law.fitted_range, axis, None)
    if fitted:
        axes.axvspan(*(min(max(bound, limits[0]), limits[1]) for bound in fitted), color=PALETTE["fitted"].light, linewidth=0, zorder=0)
    for curve in curves(scene, axis, *limits):
        role, style = _STYLES[curve.kind]
        places = [place for place in curve.places if place[1] > 0]
        canvas.line(axes, *zip(*places, strict=True), role=role, title=_words(scene)[curve.kind], **style) if places else None
    for spot in scene.bought:
        style = {"linestyle": "none", "marker": "o", "markersize": 7, "markerfacecolor": PALETTE["ground"].light, "zorder": 5}
        height = above_floor(scene.law, spot.params, spot.tokens)
        canvas.line(axes, [getattr(spot, axis)], [height], role=spot.role, title=spot.title, markeredgewidth=1.6, **style)
    for role in dict.fromkeys(spot.role for spot in scene.runs):
        spots = [spot for spot in scene.runs if spot.role == role]
        places = [(getattr(spot, axis), above_floor(scene.law, spot.params, spot.tokens)) for spot in spots]
        canvas.points(axes, places, [spot.title for spot in spots], role=role, size=9 if len(scene.runs) < 50 else 6)


def _labelled(scene: LossScene, axes: Any, axis: str) -> Iterator[Any]:
    """Yield the labels: of the runs, then what compute buys, dearest first; losses stand in the first panel only."""
    from scalecheck.drawing import svg

    for spot in (*scene.runs, *reversed(scene.bought)):
        if not spot.label:
            continue
        is_run = spot.role != "law"
        above = above_floor(scene.law, spot.params, spot.tokens)
        words = f"{spot.label}: {scene.law.E + above:.2f}" if axis == "flops" else spot.label
        offset, across, up = ((4, 9), "left", "bottom") if is_run else ((7, 3), "left", "bottom")
        if spot.label == "1x":
            offset, across, up = (-6, -4), "right", "top"
        yield axes.annotate(
            svg.harmless(words),
            (getattr(spot, axis), above),
            xytext=offset,
            textcoords="offset points",
            ha=across,
            va=up,
            fontsize=11,
            color=PALETTE["ink" if is_run else "muted"].light,
            parse_math=False,
            bbox={"facecolor": PALETTE["ground"].light, "alpha": 0.7, "linewidth": 0, "pad": 0.8},
            zorder=4,  # above the lines, below the marks
        )


def _words(scene: LossScene) -> dict[str, str]:
    return {
        "optimal": f"{scene.law.name}: compute-optimal N and D",
        "optimal, extrapolated": f"{scene.law.name}: compute-optimal N and D, extrapolated",
        "run": f"with {scene.whose} D (or N)",
        "run, extrapolated": f"with {scene.whose} D (or N), extrapolated",
        "limit": "with unlimited D (or N)",
    }


def _legend(scene: LossScene, canvas: Canvas) -> None:
    from matplotlib.lines import Line2D

    dashes = {"color": PALETTE["muted"].light, "linestyle": (0, (4, 2)), "linewidth": 1.5}
    rows: list[tuple[str, dict[str, Any]]] = [("compute-optimal N and D", _line("optimal"))]
    rows += [(_words(scene)["run"], _line("run")), ("with unlimited D (or N)", _line("limit"))]
    rows.append(("outside the fitted range" if canvas.size.is_narrow else "dashed: outside the range the law was fitted on", dashes))
    mark = {"color": PALETTE["law"].light, "linestyle": "none", "marker": "o", "markerfacecolor": PALETTE["ground"].light}
    rows += [(f"multiples of {scene.whose} compute", mark)] if scene.bought else []
    roles = dict.fromkeys(spot.role for spot in scene.runs) if len(scene.runs) > 1 else ()
    rows += [(_VERDICTS.get(role, role), {"color": PALETTE[role].light, "linestyle": "none", "marker": MARKERS[role]}) for role in roles]
    handles = [Line2D([], [], label=label, **style) for label, style in rows]
    legend = canvas.figure.legend(
        handles=handles, loc="outside lower center", ncols=1 if canvas.size.is_narrow else 3, frameon=False, fontsize=11
    )
    for text in legend.get_texts():
        text.set_color(PALETTE["ink"].light)


def _line(kind: str) -> dict[str, Any]:
    role, style = _STYLES[kind]
    return {"color": PALETTE[role].light, **style}


def _split(law: LossSurface, kind: str, triples: Sequence[tuple[float, float, float]]) -> Iterator[Curve]:
    """Yield a line of (x, N, D) in pieces, inside and outside the fitted range; neighbours share the place where they meet."""
    piece: list[tuple[float, float]] = []
    was_inside: bool | None = None
    for x, params, tokens in triples:
        is_inside = _is_inside(law, params, tokens)
        if was_inside not in (None, is_inside):
            yield Curve(kind if was_inside else f"{kind}, extrapolated", tuple(piece))
            piece = piece[-1:]
        piece.append((x, above_floor(law, params, tokens)))
        was_inside = is_inside
    if piece:
        yield Curve(kind if was_inside else f"{kind}, extrapolated", tuple(piece))


def _is_inside(law: LossSurface, params: float, tokens: float) -> bool:
    flops = FLOPS_PER_PARAMETER_PER_TOKEN * params * tokens
    return law.fitted_range.factor_beyond(params=params, flops=flops, tokens_per_parameter=tokens / params) <= 1


def _optimum(law: LossSurface, flops: float) -> tuple[float, float]:
    best = law.optimum(flops)
    return best.params, best.tokens


def _tried(function: Callable[[float], tuple[float, float]], x: float) -> tuple[float, float] | None:
    try:
        found = function(x)
    except (ArithmeticError, ValueError):
        return None
    return found if all(math.isfinite(value) and value > 0 for value in found) else None


def _power(value: float) -> str:
    return f"{value:.0e}".replace("e+0", "e").replace("e+", "e")


def _limits(scene: LossScene, axis: str) -> tuple[float, float]:
    margin = _MARGIN if axis == "flops" else math.sqrt(_MARGIN)
    values = [getattr(spot, axis) for spot in (*scene.runs, *scene.bought)]
    return min(values) / margin, max(values) * margin


def _heights(scene: LossScene) -> tuple[float, float]:
    values = [above_floor(scene.law, spot.params, spot.tokens) for spot in (*scene.runs, *scene.bought)]
    return min(values) / 1.7, max(values) * 1.7
