"""What a fit leaves over: measured minus fitted loss of each run, against its compute."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from scalecheck.drawing import fitted_runs
from scalecheck.drawing.curves import keep_apart
from scalecheck.drawing.fitted_runs import HEAD, FittedRun
from scalecheck.drawing.palette import PALETTE
from scalecheck.drawing.scene import Picture, Table
from scalecheck.fit_pictures import runs_of
from scalecheck.own_fit import OwnFit
from scalecheck.units import format_count
from scalecheck.values import dataclass

if TYPE_CHECKING:
    from scalecheck.drawing.canvas import Canvas

ORDER = 30
NUM_NAMED = 20
_LABELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is drawn: the runs, and the root mean square of all misses, in percent."""

    runs: tuple[FittedRun, ...]
    rms: float


def picture(found: OwnFit) -> Picture:
    """Return the picture of a fit."""
    runs = runs_of(found)
    worst = fitted_runs.worst_first(runs)
    made = Scene(runs=fitted_runs.drawn_of(runs), rms=fitted_runs.root_mean_square(run.miss for run in runs))
    largest = worst[0]
    return Picture(
        name="residuals",
        title="What the fit leaves over",
        description=(
            f"Measured minus fitted loss of {len(runs):,} runs, in percent of the measured loss, against training compute C; the largest "
            f"is {largest.miss:+.2f} %, of N {format_count(largest.params)} and D {format_count(largest.tokens)}."
        ),
        table=Table(head=HEAD, rows=tuple(map(fitted_runs.row, worst[:NUM_NAMED])), words=()),
        draw=partial(draw, made),
        notes=tuple(_notes(runs, made)),
    )


def draw(made: Scene, canvas: Canvas) -> None:
    """Draw the misses about their zero line."""
    from scalecheck.drawing.canvas import log_axis

    axes = canvas.axes()
    xs, ys = [run.flops for run in made.runs], [run.miss for run in made.runs]
    limits = fitted_runs.spread(xs)
    log_axis(axes.xaxis, *limits, shown=fitted_runs.power, most=4 if canvas.size.is_narrow else 6)
    height = 1.25 * max(*map(abs, ys), made.rms, 1e-9)  # a fit without any miss has a height too
    axes.set_ylim(-height, height)
    axes.set_xlabel("training compute C = 6ND (FLOPs)")
    axes.set_ylabel("measured - fitted loss (%)")
    axes.axhspan(-made.rms, made.rms, color=PALETTE["fitted"].light, linewidth=0, zorder=0)
    canvas.line(axes, limits, (0, 0), role="ink", title="as fitted", linewidth=1.2)
    fitted_runs.marks_by_sign(canvas, axes, made.runs, xs, ys)
    fitted_runs.legend(canvas, [*fitted_runs.signs_of(made.runs), fitted_runs.patch("within the root mean square", "fitted")])
    keep_apart(canvas.figure, list(_labels(made, axes, canvas.size.is_narrow)))


def _labels(made: Scene, axes: Any, is_narrow: bool) -> Iterator[Any]:
    """Yield what names the runs of the largest misses."""
    for run in fitted_runs.worst_first(made.runs)[: 1 if is_narrow else _LABELS]:
        low, high = axes.get_xlim()
        is_right = run.flops / low > (high / low) ** 0.6
        yield axes.annotate(
            f"N {format_count(run.params)}, D {format_count(run.tokens)}",
            (run.flops, run.miss),
            xytext=(-8 if is_right else 8, 0),
            textcoords="offset points",
            ha="right" if is_right else "left",
            va="center",
            fontsize=11,
            color=PALETTE["muted"].light,
            parse_math=False,
            zorder=7,
        )


def _notes(runs: tuple[FittedRun, ...], made: Scene) -> Iterator[str]:
    misses = [run.miss for run in runs]
    above = sum(miss > 0 for miss in misses)
    yield (
        f"The root mean square is {made.rms:.2f} %, the median size {statistics.median(map(abs, misses)):.2f} %, the mean "
        f"{statistics.fmean(misses):+.2f} %; {above:,} of {len(runs):,} runs lie above the fit."
    )
    yield from fitted_runs.left_out(runs, made.runs)
    if len(runs) > NUM_NAMED:
        least = fitted_runs.worst_first(runs)[NUM_NAMED - 1]
        yield f"The table has the {NUM_NAMED} runs of the largest misses, down to {abs(least.miss):.2f} %."
