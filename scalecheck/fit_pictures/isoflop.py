"""Chinchilla's approach 2: loss against N at each budget of compute, the parabola through the runs, and its lowest point.

Hoffmann et al. 2022, arXiv 2203.15556, Sec. 3.2 and Fig. 3, left.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from scalecheck.drawing import fitted_runs
from scalecheck.drawing.curves import keep_apart
from scalecheck.drawing.palette import PALETTE
from scalecheck.drawing.scene import Picture, Table
from scalecheck.isoflop import IsoflopFit, IsoflopOptimum, budget_of, isoflop_budgets
from scalecheck.own_fit import OwnFit
from scalecheck.units import format_count, format_ratio, format_scientific
from scalecheck.values import dataclass

if TYPE_CHECKING:
    from scalecheck.drawing.canvas import Canvas

ORDER = 20
MOST_BUDGETS = 14
MOST_RUNS_OF_A_BUDGET = 60
_STEPS = 48
_ROLES = tuple(f"part_{number}" for number in (1, 2, 3, 4, 5, 6, 7))
_MARKERS = ("o", "s", "D", "^", "v", "P", "X")
_HEAD = ("budget C (FLOPs)", "runs", "N*", "D*", "D*/N*", "lowest loss")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The runs of one budget as pairs of N and loss, by size, and their parabola's lowest point, ``None`` where it is not inside."""

    flops: float
    runs: tuple[tuple[float, float], ...]
    optimum: IsoflopOptimum | None


def picture(found: OwnFit) -> Picture:
    """Return the picture of a fit; where its runs have no isoFLOP budgets nothing is drawn, and the note says why."""
    fit = found.isoflop
    title = "Loss against parameters at each budget"
    if not isinstance(fit, IsoflopFit):
        empty = Table(head=_HEAD, rows=(), words=())
        return Picture(name="isoflop", title=title, description="Nothing is drawn.", table=empty, draw=None, notes=(fit,))
    budgets = budgets_of(found, fit)
    drawn = _chosen(budgets)
    return Picture(
        name="isoflop",
        title=title,
        description=(
            f"Measured loss against parameters N at {len(budgets)} budgets of compute, with the parabola of each; their lowest points lie "
            f"on N* = {fit.k:.3g} C^{fit.a:.3f}, where the fitted surface has C^{found.fit.params_exponent:.3f}."
        ),
        table=Table(head=_HEAD, rows=tuple(map(_row, budgets)), words=()),
        draw=partial(draw, drawn),
        notes=tuple(_notes(fit, budgets, drawn)),
    )


def budgets_of(found: OwnFit, fit: IsoflopFit) -> tuple[Budget, ...]:
    """Return the budgets with three or more model sizes, in ascending order of C."""
    optima = {optimum.flops: optimum for optimum in fit.optima}
    made = []
    for runs in isoflop_budgets(found.table.observations):
        flops = budget_of(runs)
        places = tuple(sorted(zip(map(float, runs.params), map(float, runs.loss), strict=True)))
        made.append(Budget(flops=flops, runs=places, optimum=optima.get(flops)))
    return tuple(made)


def parabola(budget: Budget) -> list[tuple[float, float]]:
    """Return places of N and loss on a budget's parabola, over the sizes of its runs; empty where it has no lowest point inside."""
    best = budget.optimum
    if best is None:
        return []
    sizes = fitted_runs.steps(budget.runs[0][0], budget.runs[-1][0], _STEPS)
    return [(size, best.loss + best.curvature * math.log(size / best.params) ** 2) for size in sizes]


def draw(budgets: Sequence[Budget], canvas: Canvas) -> None:
    """Draw the budgets, each in a colour and a shape of its own, its C at its right end."""
    from scalecheck.drawing.canvas import log_axis

    axes = canvas.axes()
    low, high = fitted_runs.spread(size for budget in budgets for size, _ in budget.runs)
    log_axis(axes.xaxis, low, high * (high / low) ** (0.24 if canvas.size.is_narrow else 0.12), most=4 if canvas.size.is_narrow else 6)
    axes.set_xlabel("parameters N")
    axes.set_ylabel("measured loss (nats per token)")
    best = [(budget.optimum.params, budget.optimum.loss) for budget in budgets if budget.optimum]
    if len(best) > 1:
        words = "through the lowest points"
        canvas.line(axes, *zip(*best, strict=True), role="ink", title=words, linewidth=1.2, linestyle=(0, (2, 2)), zorder=4)
    for number, budget in enumerate(budgets):
        _draw_budget(budget, number, canvas, axes)
    titles = [_told(budget.optimum) for budget in budgets if budget.optimum]
    fitted_runs.marks(canvas, axes, best, titles, role="ink", marker="*", markersize=13, zorder=7)
    labels = [_label(axes, budget, number) for number, budget in reversed(list(enumerate(budgets)))]
    fitted_runs.legend(canvas, list(_entries(budgets)), columns=2)
    keep_apart(canvas.figure, labels)


def _draw_budget(budget: Budget, number: int, canvas: Canvas, axes: Any) -> None:
    role, marker = _ROLES[number % len(_ROLES)], _MARKERS[number % len(_MARKERS)]
    places = parabola(budget)
    words = f"C {format_scientific(budget.flops)} FLOPs"
    if places:
        canvas.line(axes, *zip(*places, strict=True), role=role, title=f"parabola of {words}", linewidth=1.6)
    step = max(1, -(-len(budget.runs) // MOST_RUNS_OF_A_BUDGET))
    runs = budget.runs[::step]
    titles = [f"{words}, N {format_count(size)}, loss {loss:.4f}" for size, loss in runs]
    hollow = {} if places else {"markerfacecolor": PALETTE["ground"].light, "markeredgecolor": PALETTE[role].light}
    fitted_runs.marks(canvas, axes, runs, titles, role=role, marker=marker, **hollow)


def _label(axes: Any, budget: Budget, number: int) -> Any:
    mantissa, exponent = f"{budget.flops:.1e}".split("e")
    return axes.annotate(
        f"{float(mantissa):g}e{int(exponent)}",
        parabola(budget)[-1] if budget.optimum else budget.runs[-1],
        xytext=(9, 0),
        textcoords="offset points",
        va="center",
        fontsize=11,
        color=PALETTE[_ROLES[number % len(_ROLES)]].light,
        parse_math=False,
        zorder=7,
    )


def _entries(budgets: Sequence[Budget]) -> Iterator[Any]:
    yield fitted_runs.entry("lowest point of a budget's parabola", "ink", linestyle=(0, (2, 2)), linewidth=1.2, marker="*", markersize=11)
    yield fitted_runs.entry("runs, labelled by their C (FLOPs)", "muted", linestyle="none", marker="o", markersize=7)
    if any(budget.optimum is None for budget in budgets):
        style = {"marker": "o", "markersize": 7, "markerfacecolor": PALETTE["ground"].light}
        yield fitted_runs.entry("budget without a lowest point inside", "muted", linestyle="none", **style)


def _told(best: IsoflopOptimum) -> str:
    sizes = f"N* {format_count(best.params)}, D* {format_count(best.tokens)}, D*/N* {format_ratio(best.tokens / best.params)}"
    return f"lowest point of C {format_scientific(best.flops)} FLOPs\n{sizes}, loss {best.loss:.4f}"


def _row(budget: Budget) -> tuple[str, ...]:
    best, shown = budget.optimum, (format_scientific(budget.flops), f"{len(budget.runs):,}")
    if best is None:
        return (*shown, "not inside", "", "", "")
    return (*shown, format_count(best.params), format_count(best.tokens), format_ratio(best.tokens / best.params), f"{best.loss:.4f}")


def _chosen(budgets: Sequence[Budget]) -> tuple[Budget, ...]:
    if len(budgets) <= MOST_BUDGETS:
        return tuple(budgets)
    step = (len(budgets) - 1) / (MOST_BUDGETS - 1)
    return tuple(budgets[round(step * place)] for place in range(MOST_BUDGETS))


def _notes(fit: IsoflopFit, budgets: Sequence[Budget], drawn: Sequence[Budget]) -> Iterator[str]:
    yield "Runs are of one budget when each C = 6ND is within 5 % of the smallest among them; the parabola is one of the loss in log N."
    if fit.num_left_out:
        yield f"Budgets whose lowest loss is not inside the sizes tried, which count for nothing: {fit.num_left_out} of {len(budgets)}."
    if len(drawn) < len(budgets):
        yield f"Of {len(budgets)} budgets {len(drawn)} are drawn; the table has them all."
    if any(len(budget.runs) > MOST_RUNS_OF_A_BUDGET for budget in drawn):
        yield f"Of each budget at most {MOST_RUNS_OF_A_BUDGET} runs are drawn, evenly by size; the parabola is that of all of them."
