"""The runs on the plane of N and D, with the losses that were fitted to them and the compute-optimal line that follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from scalecheck.bootstrap import Bounds
from scalecheck.drawing import fitted_runs
from scalecheck.drawing.curves import keep_apart
from scalecheck.drawing.fitted_runs import HEAD, MOST_ROWS, FittedRun
from scalecheck.drawing.palette import PALETTE
from scalecheck.drawing.scene import Picture, Table
from scalecheck.fit_pictures import runs_of
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN, LossSurface
from scalecheck.own_fit import LEVEL, OwnFit
from scalecheck.text import clean
from scalecheck.values import dataclass

if TYPE_CHECKING:
    from scalecheck.drawing.canvas import Canvas

ORDER = 10
_MARGIN = 2.5
_GRID = 80
_MOST_LEVELS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimal:
    """The compute-optimal split of one C: where it lies, and N and D at either end of the 95 % interval of D*/N*."""

    flops: float
    place: tuple[float, float]
    low: tuple[float, float]
    high: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is drawn within bounds of N and D; ``optimal`` is empty where the runs have no optimum, ``fitted`` is the range of their C."""

    law: LossSurface
    params: Bounds
    tokens: Bounds
    runs: tuple[FittedRun, ...]
    optimal: tuple[Optimal, ...]
    fitted: Bounds


def picture(found: OwnFit) -> Picture:
    """Return the picture of a fit."""
    runs = runs_of(found)
    made = scene(found, runs)
    worst = fitted_runs.worst_first(runs)[0]
    return Picture(
        name="surface",
        title="The runs and the fitted surface",
        description=(
            f"{len(runs):,} runs by parameters N and training tokens D, with lines of equal fitted loss of {clean(found.law.name)}; "
            f"the fit is off by {fitted_runs.root_mean_square(run.miss for run in runs):.2f} % of the loss (root mean square), "
            f"by {abs(worst.miss):.2f} % at most."
        ),
        table=Table(head=HEAD, rows=tuple(map(fitted_runs.row, made.runs[:MOST_ROWS])), words=()),
        draw=partial(draw, made),
        notes=tuple(_notes(found, runs, made)),
    )


def scene(found: OwnFit, runs: tuple[FittedRun, ...]) -> Scene:
    """Return what is drawn, on a plane that just holds the runs."""
    params, tokens = (fitted_runs.spread((getattr(run, name) for run in runs), _MARGIN) for name in ("params", "tokens"))
    corners = [FLOPS_PER_PARAMETER_PER_TOKEN * n * d for n, d in zip(params, tokens, strict=True)]
    fitted = (runs[0].flops, runs[-1].flops)
    steps = sorted({*fitted_runs.steps(corners[0], corners[1]), *fitted}) if found.advice else []
    optimal = tuple(_optimal(found, flops) for flops in steps)
    return Scene(law=found.law, params=params, tokens=tokens, runs=fitted_runs.drawn_of(runs), optimal=optimal, fitted=fitted)


def _optimal(found: OwnFit, flops: float) -> Optimal:
    best = found.law.optimum(flops)
    product = flops / FLOPS_PER_PARAMETER_PER_TOKEN
    low, high = (((product / ratio) ** 0.5, (product * ratio) ** 0.5) for ratio in found.resampled.ratio_interval(flops, LEVEL))
    return Optimal(flops=flops, place=(best.params, best.tokens), low=low, high=high)


def draw(made: Scene, canvas: Canvas) -> None:
    """Draw the plane."""
    from scalecheck.drawing.canvas import log_axis

    axes = canvas.axes()
    log_axis(axes.xaxis, *made.params, most=4 if canvas.size.is_narrow else 6)
    log_axis(axes.yaxis, *made.tokens)
    axes.set_xlabel("parameters N")
    axes.set_ylabel("training tokens D")
    labels = _draw_losses(made, axes)
    _draw_optimum(made, canvas, axes)
    runs = made.runs
    fitted_runs.marks_by_sign(canvas, axes, runs, [run.params for run in runs], [run.tokens for run in runs])
    fitted_runs.legend(canvas, list(_entries(made)))
    canvas.figure.draw_without_rendering()
    frame, places = axes.get_window_extent(), axes.transData.transform([(run.params, run.tokens) for run in runs])
    kept = []
    for label in labels:
        box = label.get_window_extent()
        is_inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        if is_inside and not box.padded(4).count_contains(places):
            kept.append(label)
        else:
            label.remove()
    keep_apart(canvas.figure, kept)


def levels(runs: Sequence[FittedRun]) -> list[float]:
    """Return the round losses whose lines are drawn: a few about those that were fitted to the runs."""
    from matplotlib.ticker import MaxNLocator

    losses = [run.fitted for run in runs]
    return [float(level) for level in MaxNLocator(_MOST_LEVELS, steps=[1, 2, 5, 10]).tick_values(min(losses), max(losses)) if level > 0]


def _draw_losses(made: Scene, axes: Any) -> list[Any]:
    import numpy as np

    law = made.law
    params, tokens = (np.geomspace(*bounds, _GRID) for bounds in (made.params, made.tokens))
    loss = law.E + law.A * params[None, :] ** -law.alpha + law.B * tokens[:, None] ** -law.beta
    drawn = axes.contour(params, tokens, loss, levels=levels(made.runs), colors=PALETTE["contour"].light, linewidths=0.9, zorder=2)
    return list(axes.clabel(drawn, fontsize=10, fmt=lambda value: f"{value:.6g}", zorder=4))


def _draw_optimum(made: Scene, canvas: Canvas, axes: Any) -> None:
    if not made.optimal:
        return
    outline = [*(best.low for best in made.optimal), *(best.high for best in reversed(made.optimal))]
    axes.fill(*zip(*outline, strict=True), color=PALETTE["band"].light, alpha=0.6, linewidth=0, zorder=1)
    low, high = made.fitted
    pieces = {
        "solid": [best.place for best in made.optimal if low <= best.flops <= high],
        "below": [best.place for best in made.optimal if best.flops <= low],
        "beyond": [best.place for best in made.optimal if best.flops >= high],
    }
    for name, places in pieces.items():
        if len(places) > 1:
            style: dict[str, Any] = {"linestyle": "-"} if name == "solid" else {"linestyle": (0, (4, 2))}
            words = "compute-optimal N and D" if name == "solid" else f"compute-optimal N and D, {name} the compute of the runs"
            canvas.line(axes, *zip(*places, strict=True), role="law", title=words, linewidth=2.2, **style)


def _entries(made: Scene) -> Iterator[Any]:
    yield from fitted_runs.signs_of(made.runs)
    yield fitted_runs.entry("equal fitted loss (nats)", "contour", linewidth=0.9)
    if made.optimal:
        yield fitted_runs.entry("compute-optimal, fitted", "law", linewidth=2.2)
        yield fitted_runs.patch("its 95 % interval", "band")
        yield fitted_runs.entry("outside the runs' compute", "law", linewidth=2.2, linestyle=(0, (4, 2)))


def _notes(found: OwnFit, runs: tuple[FittedRun, ...], made: Scene) -> Iterator[str]:
    yield from fitted_runs.left_out(runs, made.runs)
    if len(made.runs) > MOST_ROWS:
        yield f"The table has the {MOST_ROWS} drawn runs of least compute."
    if not made.optimal:
        yield "No compute-optimal line is drawn: where a coefficient is at the edge of the search, the search decides it, not the runs."
    elif not found.verdict.is_identified:
        yield f"{found.verdict.sentences[0]} So the compute-optimal line may lie elsewhere in its band."
