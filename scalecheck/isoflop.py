"""Chinchilla's approach 2: the lowest point of a parabola at each budget, and a line through those points.

Hoffmann et al. 2022, arXiv 2203.15556, Sec. 3.2: at each C the loss is a parabola in log N; its minimum is N*(C), and
log N* is linear in log C. A second opinion beside the surface: parabolas are biased where alpha and beta differ and the
models at a budget span a wide range (arXiv 2603.22339).
"""

from __future__ import annotations

import numpy as np

from scalecheck.fitting import Floats, Observations
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN
from scalecheck.values import dataclass

_SAME_BUDGET = 1.05  # runs of one budget miss it by the rounding of their steps and of their parameters
_MIN_SIZES = 3
_MIN_BUDGETS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class IsoflopOptimum:
    """The lowest point of one budget's parabola: C = 6ND in FLOPs, N* and D*, the loss there, and how many runs it is from.

    The parabola is ``loss`` + ``curvature`` (ln N - ln N*)^2, in nats per token.
    """

    flops: float
    params: float
    tokens: float
    loss: float
    curvature: float
    num_runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IsoflopFit:
    """N* = k C^a through the lowest points of the budgets, with the number of budgets that had no lowest point inside."""

    k: float
    a: float
    optima: tuple[IsoflopOptimum, ...]
    num_left_out: int

    @property
    def budgets(self) -> tuple[float, ...]:
        """The budgets that the line goes through, in FLOPs."""
        return tuple(optimum.flops for optimum in self.optima)


def fit_isoflop(observations: Observations) -> IsoflopFit | str:
    """Return N* = k C^a, or the sentence that says why these runs give none.

    Runs belong to one budget when each is within 5 % of the smallest C among them. A budget counts with three
    or more model sizes and a parabola whose minimum is inside them; the line needs two such budgets.
    """
    budgets = isoflop_budgets(observations)
    if len(budgets) < _MIN_BUDGETS:
        return f"No isoFLOP fit: budgets C = 6ND with three or more model sizes within 5 %: {len(budgets)}; a line needs at least two."
    found = [_optimum(runs) for runs in budgets]
    optima = tuple(optimum for optimum in found if optimum is not None)
    if len(optima) < _MIN_BUDGETS:
        return f"No isoFLOP fit: budgets whose lowest loss is inside the sizes tried: {len(optima)} of {len(budgets)}; a line needs two."
    log_flops = np.log([optimum.flops for optimum in optima])
    log_params = np.log([optimum.params for optimum in optima])
    offset = log_flops - log_flops.mean()
    slope = float(offset @ log_params / (offset @ offset))
    intercept = float(log_params.mean() - slope * log_flops.mean())
    return IsoflopFit(k=float(np.exp(intercept)), a=slope, optima=optima, num_left_out=len(budgets) - len(optima))


def isoflop_budgets(observations: Observations) -> tuple[Observations, ...]:
    """Return the runs of each budget that has three or more model sizes, in ascending order of C."""
    runs = observations.in_canonical_order()
    groups = _budgets(FLOPS_PER_PARAMETER_PER_TOKEN * runs.params * runs.tokens)
    return tuple(runs.take(rows) for rows in groups if len(np.unique(runs.params[rows])) >= _MIN_SIZES)


def budget_of(runs: Observations) -> float:
    """Return the C of one budget's runs, in FLOPs: their geometric mean."""
    return float(np.exp(np.log(FLOPS_PER_PARAMETER_PER_TOKEN * runs.params * runs.tokens).mean()))


def _budgets(flops: Floats) -> list[np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Return the rows of each budget, in ascending order of C."""
    groups: list[list[int]] = []
    for row in np.argsort(flops, kind="stable"):
        if groups and flops[row] <= flops[groups[-1][0]] * _SAME_BUDGET:
            groups[-1].append(int(row))
        else:
            groups.append([int(row)])
    return [np.array(group, dtype=np.intp) for group in groups]


def _optimum(runs: Observations) -> IsoflopOptimum | None:
    """Return the minimum of the parabola of loss in log N, or ``None`` where it opens downwards or lies outside the runs."""
    log_params = np.log(runs.params)
    offset = log_params - log_params.mean()
    weights = np.ones(len(runs)) if runs.weights is None else runs.weights
    root = np.sqrt(weights)
    design = np.stack([np.ones_like(offset), offset, offset**2], axis=1)
    constant, linear, quadratic = np.linalg.lstsq(design * root[:, None], runs.loss * root, rcond=None)[0]
    if quadratic <= 0:
        return None
    lowest = -linear / (2 * quadratic)
    if not offset.min() < lowest < offset.max():
        return None
    params = float(np.exp(lowest + log_params.mean()))
    budget = budget_of(runs)
    return IsoflopOptimum(
        flops=budget,
        params=params,
        tokens=budget / FLOPS_PER_PARAMETER_PER_TOKEN / params,
        loss=float(constant - linear**2 / (4 * quadratic)),
        curvature=float(quadratic),
        num_runs=len(runs),
    )
