"""The test by extrapolation: a fit to the runs of least compute, and what it predicts of the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from scalecheck.drawing import fitted_runs
from scalecheck.drawing.fitted_runs import MOST_ROWS, FittedRun
from scalecheck.drawing.palette import PALETTE
from scalecheck.drawing.scene import Picture, Table
from scalecheck.extrapolation import Extrapolation
from scalecheck.fitting import predict
from scalecheck.own_fit import OwnFit
from scalecheck.units import format_ratio, format_scientific
from scalecheck.values import dataclass

if TYPE_CHECKING:
    from scalecheck.drawing.canvas import Canvas

ORDER = 50
_HEAD = ("N", "D (tokens)", "D/N", "C (FLOPs)", "loss", "predicted", "predicted - measured")
_TITLE = "Held out: what the fit to the smaller runs predicts of the larger ones"
_NARROW_HEIGHT = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is drawn: runs at or below the cut in C, which were fitted, and those above, which were not."""

    fitted: tuple[FittedRun, ...]
    held_out: tuple[FittedRun, ...]
    cut: float


def picture(found: OwnFit) -> Picture:
    """Return the picture of a fit; nothing is drawn where no run was held out, and the note says why."""
    test = found.held_out
    if test is None:
        why = "Nothing was held out: the runs of least compute are too few, or too alike, to fit them alone and predict the others."
        empty = Table(head=_HEAD, rows=(), words=())
        return Picture(name="extrapolation", title=_TITLE, description="Nothing is drawn.", table=empty, draw=None, notes=(why,))
    fitted, held_out = sides(found, test)
    most = fitted_runs.MOST_RUNS // 2  # each is drawn twice
    made = Scene(fitted=fitted_runs.drawn_of(fitted, most), held_out=fitted_runs.drawn_of(held_out, most), cut=test.cut_flops)
    worst = fitted_runs.worst_first(held_out)
    return Picture(
        name="extrapolation",
        title=_TITLE,
        description=(
            f"A fit to the {test.num_fitted:,} runs up to {format_scientific(test.cut_flops)} FLOPs predicts the loss of the "
            f"{test.num_predicted:,} above (up to {format_ratio(test.factor)} times the compute) with a relative error of "
            f"{100 * test.rms_relative_error:.2f} % (root mean square), {100 * test.max_relative_error:.2f} % at most."
        ),
        table=Table(head=_HEAD, rows=tuple(map(_row, worst[:MOST_ROWS])), words=()),
        draw=partial(draw, made),
        notes=tuple(_notes(test, made, fitted, held_out)),
    )


def sides(found: OwnFit, test: Extrapolation) -> tuple[tuple[FittedRun, ...], tuple[FittedRun, ...]]:
    """Return the runs up to the cut and those above, beside what the fit to the former has for them."""
    seen = found.table.observations
    runs = fitted_runs.fitted_runs(seen.params, seen.tokens, seen.loss, predict(test.fit, seen.params, seen.tokens))
    return tuple(run for run in runs if run.flops <= test.cut_flops), tuple(run for run in runs if run.flops > test.cut_flops)


def draw(made: Scene, canvas: Canvas) -> None:
    """Draw predicted against measured loss, and the error against compute, where the cut is; narrow, below each other."""
    narrow = canvas.size.is_narrow
    if narrow:
        canvas.figure.set_size_inches(canvas.size.width / 72, _NARROW_HEIGHT / 72)
    left, right = canvas.axes(*((2, 1) if narrow else (1, 2)))
    _losses(made, canvas, left)
    _errors(made, canvas, right)
    entries = [
        _mark_entry("fitted, up to the cut", "known"),
        _mark_entry("predicted, above it", "part_1"),
        fitted_runs.entry("the cut in C", "ink", linewidth=1.2, linestyle=(0, (5, 3))),
        fitted_runs.entry("predicted as measured", "muted", linewidth=1.2),
    ]
    fitted_runs.legend(canvas, entries, columns=4)


def _losses(made: Scene, canvas: Canvas, axes: Any) -> None:
    losses = [value for run in (*made.fitted, *made.held_out) for value in (run.loss, run.fitted)]
    room = 0.06 * (max(losses) - min(losses)) or 0.1
    limits = (min(losses) - room, max(losses) + room)
    axes.set_xlim(*limits)
    axes.set_ylim(*limits)
    axes.locator_params(nbins=5)
    axes.set_xlabel("measured loss (nats per token)")
    axes.set_ylabel("predicted loss (nats per token)")
    canvas.line(axes, limits, limits, role="muted", title="predicted as measured", linewidth=1.2)
    _marks(canvas, axes, made.fitted, [(run.loss, run.fitted) for run in made.fitted], role="known")
    _marks(canvas, axes, made.held_out, [(run.loss, run.fitted) for run in made.held_out], role="part_1")


def _errors(made: Scene, canvas: Canvas, axes: Any) -> None:
    from scalecheck.drawing.canvas import log_axis

    runs = (*made.fitted, *made.held_out)
    limits = fitted_runs.spread(run.flops for run in runs)
    height = 1.15 * max(1e-9, *(abs(run.miss) for run in runs))
    log_axis(axes.xaxis, *limits, shown=fitted_runs.power, most=5)
    axes.set_ylim(-height, height)
    axes.set_xlabel("training compute C = 6ND (FLOPs)")
    axes.set_ylabel("predicted - measured loss (%)")
    axes.axvspan(limits[0], made.cut, color=PALETTE["fitted"].light, linewidth=0, zorder=0)
    words = f"the cut: C {format_scientific(made.cut)} FLOPs"
    canvas.line(axes, (made.cut, made.cut), (-height, height), role="ink", title=words, linewidth=1.2, linestyle=(0, (5, 3)))
    canvas.line(axes, limits, (0, 0), role="muted", title="predicted as measured", linewidth=1.2)
    _marks(canvas, axes, made.fitted, [(run.flops, -run.miss) for run in made.fitted], role="known")
    _marks(canvas, axes, made.held_out, [(run.flops, -run.miss) for run in made.held_out], role="part_1")


def _marks(canvas: Canvas, axes: Any, runs: Sequence[FittedRun], places: Sequence[tuple[float, float]], *, role: str) -> None:
    style: dict[str, Any] = {"marker": "o", "markersize": 5} if role == "known" else {"marker": "D", "markersize": 6.5}
    fitted_runs.marks(canvas, axes, places, [_told(run, is_fitted=role == "known") for run in runs], role=role, **style)


def _mark_entry(words: str, role: str) -> Any:
    marker = "o" if role == "known" else "D"
    return fitted_runs.entry(words, role, linestyle="none", marker=marker, markersize=7, markeredgecolor=PALETTE["ground"].light)


def _told(run: FittedRun, *, is_fitted: bool) -> str:
    cells = _row(run)
    what = "fitted" if is_fitted else "predicted"
    return f"N {cells[0]}, D {cells[1]}, C {cells[3]} FLOPs\nmeasured {cells[4]}, {what} {cells[5]} ({cells[6]})"


def _row(run: FittedRun) -> tuple[str, ...]:
    return (*fitted_runs.row(run)[:-1], f"{-run.miss:+.2f} %")


def _notes(test: Extrapolation, made: Scene, fitted: Sequence[FittedRun], held_out: Sequence[FittedRun]) -> Iterator[str]:
    law = test.fit
    yield (
        f"The mean error is {100 * test.bias:+.2f} % of the loss; the fit to the smaller runs is {law.E:.4g} + "
        f"{law.A:.4g} / N^{law.alpha:.4g} + {law.B:.4g} / D^{law.beta:.4g}."
    )
    yield from fitted_runs.left_out(fitted, made.fitted)
    yield from fitted_runs.left_out(held_out, made.held_out)
    if len(held_out) > MOST_ROWS:
        yield f"The table has the {MOST_ROWS} held-out runs of the largest errors."
