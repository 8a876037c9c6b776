"""Runs beside what a fit predicts of them: which are drawn, what a pointer is told, and marks by the sign of the miss; no matplotlib."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from scalecheck.drawing.palette import PALETTE
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN
from scalecheck.units import format_count, format_ratio, format_scientific
from scalecheck.values import dataclass

if TYPE_CHECKING:
    from scalecheck.drawing.canvas import Canvas

MOST_RUNS = 500
"""Runs that one picture draws: more would lie on each other, and make a file of megabytes."""
MOST_ROWS = 300
"""Rows of runs in one table."""
NUM_WORST = 25
"""Runs of the largest miss that are drawn whatever else is left out."""
HEAD = ("N", "D (tokens)", "D/N", "C (FLOPs)", "loss", "fitted", "measured - fitted")
SIGNS = {"above": ("part_2", "^", "measured above the fit"), "below": ("part_3", "v", "measured below the fit")}
"""The role, the marker and the words of each sign of a miss: they differ in shape as well as in colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRun:
    """A run: N, D, its loss and the loss that a fit has for it, both in nats per token."""

    params: float
    tokens: float
    loss: float
    fitted: float

    @property
    def flops(self) -> float:
        """C = 6ND."""
        return FLOPS_PER_PARAMETER_PER_TOKEN * self.params * self.tokens

    @property
    def miss(self) -> float:
        """Measured minus fitted, in percent of the measured loss."""
        return 100 * (self.loss - self.fitted) / self.loss

    @property
    def sign(self) -> str:
        """``above`` where more was measured than is fitted, else ``below``."""
        return "above" if self.miss > 0 else "below"


def fitted_runs(*columns: Iterable[float]) -> tuple[FittedRun, ...]:
    """Return the runs of columns of N, D, loss and fitted loss, those of least C first."""
    made = [FittedRun(params=float(n), tokens=float(d), loss=float(y), fitted=float(f)) for n, d, y, f in zip(*columns, strict=True)]
    return tuple(sorted(made, key=lambda run: (run.flops, run.params, run.loss)))


def worst_first(runs: Iterable[FittedRun]) -> list[FittedRun]:
    """Return the runs by the size of their miss, the largest first."""
    return sorted(runs, key=lambda run: -abs(run.miss))


def drawn_of(runs: Sequence[FittedRun], most: int = MOST_RUNS) -> tuple[FittedRun, ...]:
    """Return the runs that are drawn: all, or those of the largest misses and others spread evenly over the order of C."""
    if len(runs) <= most:
        return tuple(runs)
    numbers = sorted(range(len(runs)), key=lambda number: -abs(runs[number].miss))[:NUM_WORST]
    step = (len(runs) - 1) / (most - NUM_WORST - 1)
    return tuple(runs[number] for number in sorted({*numbers, *(round(step * place) for place in range(most - NUM_WORST))}))


def left_out(runs: Sequence[FittedRun], drawn: Sequence[FittedRun]) -> Iterator[str]:
    """Yield the note on runs that are not drawn; nothing where all are."""
    if len(drawn) < len(runs):
        yield f"Of {len(runs):,} runs {len(drawn)} are drawn: those of the {NUM_WORST} largest misses, and others evenly by compute."


def row(run: FittedRun) -> tuple[str, ...]:
    """Return the cells of ``HEAD``."""
    return (
        format_count(run.params),
        format_count(run.tokens),
        format_ratio(run.tokens / run.params),
        format_scientific(run.flops),
        f"{run.loss:.4f}",
        f"{run.fitted:.4f}",
        f"{run.miss:+.2f} %",
    )


def title(run: FittedRun) -> str:
    """Return what a pointer is told of a run."""
    sizes = f"N {format_count(run.params)}, D {format_count(run.tokens)}, C {format_scientific(run.flops)} FLOPs"
    return f"{sizes}\nloss {run.loss:.4f}, fitted {run.fitted:.4f} ({run.miss:+.2f} %)"


def root_mean_square(values: Iterable[float]) -> float:
    """Return the root of the mean of the squares."""
    squares = [value**2 for value in values]
    return math.sqrt(sum(squares) / len(squares))


def spread(values: Iterable[float], margin: float = 1.5) -> tuple[float, float]:
    """Return the limits of a logarithmic axis that holds these values, with a factor of room to either side."""
    known = list(values)
    return min(known) / margin, max(known) * margin


def marks(canvas: Canvas, axes: Any, places: Sequence[tuple[float, float]], titles: Sequence[str], **style: Any) -> None:
    """Draw a mark with a title at each place; ``role`` colours it, ``marker`` is its shape, and the rest is matplotlib's."""
    if not places:
        return
    gid = f"marks-{len(canvas.titles)}"
    canvas.titles[gid] = tuple(titles)
    color = PALETTE[style.pop("role")].light
    told = {"markersize": 7, "markerfacecolor": color, "markeredgecolor": PALETTE["ground"].light, "markeredgewidth": 0.7, "zorder": 6}
    axes.plot(*zip(*places, strict=True), linestyle="none", gid=gid, **(told | style))


def marks_by_sign(canvas: Canvas, axes: Any, runs: Sequence[FittedRun], xs: Sequence[float], ys: Sequence[float]) -> None:
    """Draw runs at places of the data, by the sign of their miss."""
    for sign, (role, marker, _) in SIGNS.items():
        some = [number for number, run in enumerate(runs) if run.sign == sign]
        places, titles = [(xs[number], ys[number]) for number in some], [title(runs[number]) for number in some]
        marks(canvas, axes, places, titles, role=role, marker=marker, markersize=8 if len(runs) < 100 else 5)


def signs_of(runs: Iterable[FittedRun]) -> Iterator[Any]:
    """Yield the entries of a legend for the signs that there are."""
    found = {run.sign for run in runs}
    for sign, (role, marker, words) in SIGNS.items():
        if sign in found:
            yield entry(words, role, marker=marker, linestyle="none", markersize=8, markeredgecolor=PALETTE["ground"].light)


def entry(words: str, role: str, **style: Any) -> Any:
    """Return the entry of a line or a mark in a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=PALETTE[role].light, label=words, **style)


def patch(words: str, role: str) -> Any:
    """Return the entry of an area in a legend."""
    from matplotlib.patches import Patch

    return Patch(facecolor=PALETTE[role].light, linewidth=0, label=words)


def legend(canvas: Canvas, entries: Sequence[Any], *, columns: int = 3) -> None:
    """Write a legend below the axes; a narrow picture grows by its lines."""
    narrow = canvas.size.is_narrow
    if narrow:
        width, height = canvas.figure.get_size_inches()
        canvas.figure.set_size_inches(width, height + (19 * len(entries) - 20) / 72)
    made = canvas.figure.legend(handles=entries, loc="outside lower center", ncols=1 if narrow else columns, frameon=False, fontsize=11)
    for text in made.get_texts():
        text.set_color(PALETTE["ink"].light)


def steps(low: float, high: float, count: int = 60) -> list[float]:
    """Return values from ``low`` to ``high``, equally far apart on a logarithmic axis."""
    return [low * (high / low) ** (step / count) for step in range(count + 1)]


def power(value: float) -> str:
    """Return a power of ten as an axis of FLOPs shows it: ``1e21``."""
    return f"{value:.0e}".replace("e+0", "e").replace("e+", "e")
