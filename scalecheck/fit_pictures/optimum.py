"""How sure the optimum is: N* and D*/N* against compute, with the interval of the bootstrap, over the runs' range and beyond."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from scalecheck.bootstrap import Bounds
from scalecheck.drawing import fitted_runs
from scalecheck.drawing.palette import PALETTE
from scalecheck.drawing.scene import Picture, Table
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN
from scalecheck.isoflop import IsoflopFit
from scalecheck.own_fit import LEVEL, Advice, OwnFit
from scalecheck.text import clean
from scalecheck.units import format_count, format_ratio, format_scientific
from scalecheck.values import dataclass

if TYPE_CHECKING:
    from scalecheck.drawing.canvas import Canvas

ORDER = 40
_HEAD = ("budget C (FLOPs)", "N*", "95 % interval of N*", "D*", "D*/N*", "95 % interval of D*/N*", "approach 2: D*/N*", "beyond the runs")
_TITLE = "The compute-optimal split, and how sure it is"
_NARROW_HEIGHT = 700
_MOST_BEYOND = 1e3
"""How far the axis follows a band beyond the line itself: an interval of a hundred decades would leave the line flat."""
_USUAL_RATIO = 20.0
"""The tokens per parameter that Hoffmann et al. 2022, arXiv 2203.15556, Table 3 has in round numbers: a line to compare with."""
_MOST_LOWEST = 60
"""Lowest points of budgets that are drawn, evenly by C."""
_FEW_DECADES = 1e3
"""Below this many times from end to end, an axis has 2 and 5 beside the powers of ten."""
_DASHED = (0, (4, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The optimum at one C: D*/N* and its 95 % interval, and that of approach 2, ``None`` where there is none."""

    flops: float
    ratio: float
    interval: Bounds
    second: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is drawn; ``fitted`` is the range of the runs' C, ``lowest`` are C and D*/N* of approach 2's budgets."""

    splits: tuple[Split, ...]
    fitted: Bounds
    lowest: tuple[tuple[float, float], ...]


def picture(found: OwnFit) -> Picture:
    """Return the picture of a fit; nothing is drawn where an edge of the search decides the optimum."""
    if not found.advice:
        why = "No optimum is drawn: where a coefficient is at the edge of the search, the search decides it, not the runs."
        empty = Table(head=_HEAD, rows=(), words=())
        return Picture(name="optimum", title=_TITLE, description="Nothing is drawn.", table=empty, draw=None, notes=(why,))
    largest = found.advice[1]
    low, high = largest.interval
    return Picture(
        name="optimum",
        title=_TITLE,
        description=(
            f"Compute-optimal parameters and tokens per parameter of {clean(found.law.name)} against training compute C; at the largest C "
            f"of the runs, {format_scientific(largest.flops)} FLOPs, {format_ratio(largest.tokens_per_parameter)} tokens per parameter "
            f"(95 % interval {format_ratio(low)} to {format_ratio(high)})."
        ),
        table=Table(head=_HEAD, rows=tuple(map(_row, found.advice)), words=()),
        draw=partial(draw, scene(found)),
        notes=tuple(_notes(found)),
    )


def scene(found: OwnFit) -> Scene:
    """Return the optimum from a tenth of the runs' smallest C to the largest of the advice."""
    smallest, largest, *_, last = (advice.flops for advice in found.advice)
    isoflop = found.isoflop if isinstance(found.isoflop, IsoflopFit) else None
    splits = []
    for flops in sorted({*fitted_runs.steps(smallest / 10, last), smallest, largest}):
        ratio = found.law.optimum(flops).tokens_per_parameter
        second = None if isoflop is None else second_opinion(isoflop, flops)
        splits.append(Split(flops=flops, ratio=ratio, interval=found.resampled.ratio_interval(flops, LEVEL), second=second))
    optima = () if isoflop is None else isoflop.optima
    step = max(1, -(-len(optima) // _MOST_LOWEST))
    lowest = tuple((best.flops, best.tokens / best.params) for best in optima[::step])
    return Scene(splits=tuple(splits), fitted=(smallest, largest), lowest=lowest)


def second_opinion(isoflop: IsoflopFit, flops: float) -> float:
    """Return D*/N* = C/6/N*^2 with the N* = k C^a of approach 2."""
    log_params = math.log(isoflop.k) + isoflop.a * math.log(flops)
    return math.exp(math.log(flops / FLOPS_PER_PARAMETER_PER_TOKEN) - 2 * log_params)


def params_of(flops: float, ratio: float) -> float:
    """Return the N of a budget whose D/N is ``ratio``: (C / 6 / ratio)^1/2."""
    return math.sqrt(flops / FLOPS_PER_PARAMETER_PER_TOKEN / ratio)


def _as_ratio(_: float, ratio: float) -> float:
    return ratio


def draw(made: Scene, canvas: Canvas) -> None:
    """Draw both panels, side by side or, narrow, below each other."""
    narrow = canvas.size.is_narrow
    if narrow:
        canvas.figure.set_size_inches(canvas.size.width / 72, _NARROW_HEIGHT / 72)
    left, right = canvas.axes(*((2, 1) if narrow else (1, 2)))
    _panel(made, canvas, left, params_of)
    left.set_ylabel("compute-optimal parameters N*")
    _panel(made, canvas, right, _as_ratio)
    right.set_ylabel("tokens per parameter D*/N*")
    low, high = right.get_ylim()
    if low < _USUAL_RATIO < high:
        xs = (made.splits[0].flops, made.splits[-1].flops)
        canvas.line(right, xs, (_USUAL_RATIO,) * 2, role="muted", title="20 tokens per parameter", linewidth=1, linestyle=(0, (1, 2)))
    fitted_runs.legend(canvas, list(_entries(made, has_usual=low < _USUAL_RATIO < high)))


def _panel(made: Scene, canvas: Canvas, axes: Any, height: Callable[[float, float], float]) -> None:
    from matplotlib.ticker import LogLocator

    from scalecheck.drawing.canvas import log_axis, tick

    xs = [split.flops for split in made.splits]
    line = [height(split.flops, split.ratio) for split in made.splits]
    ends = [[height(split.flops, split.interval[end]) for split in made.splits] for end in (0, 1)]
    second = [height(split.flops, split.second) for split in made.splits if split.second is not None]
    lowest = [height(flops, ratio) for flops, ratio in made.lowest]
    low, high = _limits([*line, *lowest], [*ends[0], *ends[1], *second])
    log_axis(axes.xaxis, xs[0], xs[-1], shown=fitted_runs.power, most=5)
    log_axis(axes.yaxis, low, high, shown=lambda value: f"{value:g}" if 1e-3 < value < 1e4 else tick(value))
    if high < low * _FEW_DECADES:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.set_xlabel("training compute C (FLOPs)")
    axes.axvspan(*made.fitted, color=PALETTE["fitted"].light, linewidth=0, zorder=0)
    held = [[min(max(value, low), high) for value in end] for end in ends]
    axes.fill_between(xs, *held, color=PALETTE["band"].light, alpha=0.8, linewidth=0, zorder=1)
    if second:
        _line(made, canvas, axes, second, role="part_2", words="approach 2 (isoFLOP parabolas)", width=1.5)
    _line(made, canvas, axes, line, role="law", words="compute-optimal by the fitted surface", width=2.2)
    places = list(zip((flops for flops, _ in made.lowest), lowest, strict=True))
    titles = [f"lowest point at C {format_scientific(flops)}: D*/N* {format_ratio(ratio)}" for flops, ratio in made.lowest]
    fitted_runs.marks(canvas, axes, places, titles, role="part_2", marker="*", markersize=12)


def _line(made: Scene, canvas: Canvas, axes: Any, ys: Sequence[float], **told: Any) -> None:
    """Draw a line, dashed where C lies outside the runs."""
    places = list(zip((split.flops for split in made.splits), ys, strict=True))
    low, high = made.fitted
    for words, some in (
        ("", [place for place in places if low <= place[0] <= high]),
        (", below the runs", [place for place in places if place[0] <= low]),
        (", extrapolated", [place for place in places if place[0] >= high]),
    ):
        style: dict[str, Any] = {"linewidth": told["width"], "linestyle": _DASHED if words else "-"}
        canvas.line(axes, *zip(*some, strict=True), role=told["role"], title=f"{told['words']}{words}", **style)


def _limits(inner: Sequence[float], outer: Sequence[float]) -> Bounds:
    """Return limits that hold the line, and the band as far as it is not absurd."""
    low, high = min(inner), max(inner)
    return max(min(low, *outer), low / _MOST_BEYOND) / 1.3, min(max(high, *outer), high * _MOST_BEYOND) * 1.3


def _entries(made: Scene, *, has_usual: bool) -> Iterator[Any]:
    yield fitted_runs.entry("by the fitted surface", "law", linewidth=2.2)
    yield fitted_runs.patch("95 % interval (bootstrap)", "band")
    if made.lowest:
        yield fitted_runs.entry("approach 2 (isoFLOP)", "part_2", linewidth=1.5, marker="*", markersize=10)
    yield fitted_runs.patch("compute of the runs", "fitted")
    yield fitted_runs.entry("dashed: outside it", "law", linewidth=2.2, linestyle=_DASHED)
    if has_usual:
        yield fitted_runs.entry("20 tokens per parameter", "muted", linewidth=1, linestyle=(0, (1, 2)))


def _row(advice: Advice) -> tuple[str, ...]:
    low, high = advice.interval
    return (
        format_scientific(advice.flops),
        format_count(advice.params),
        f"{format_count(params_of(advice.flops, high))} to {format_count(params_of(advice.flops, low))}",
        format_count(advice.tokens),
        format_ratio(advice.tokens_per_parameter),
        f"{format_ratio(low)} to {format_ratio(high)}",
        "" if advice.isoflop is None else format_ratio(advice.isoflop),
        f"{format_ratio(advice.beyond)}x" if advice.beyond > 1 else "",
    )


def _notes(found: OwnFit) -> Iterator[str]:
    yield f"The band is the 95 % percentile interval of {found.resamples:,} fits to runs drawn again with replacement (seed {found.seed})."
    if not found.verdict.is_identified:
        yield found.verdict.sentences[0]
    if isinstance(found.isoflop, str):
        yield found.isoflop
    elif len(found.isoflop.optima) > _MOST_LOWEST:
        yield f"Of the lowest points of {len(found.isoflop.optima)} budgets at most {_MOST_LOWEST} are drawn, evenly by compute."
    last = found.advice[-1]
    if last.interval[1] > last.interval[0] * _MOST_BEYOND:
        yield f"The interval goes beyond the picture where it lies over {_MOST_BEYOND:,.0f} times off the line; the table has it in full."
