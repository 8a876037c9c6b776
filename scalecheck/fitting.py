"""Fit L(N, D) = E + A/N^alpha + B/D^beta to measured losses, to the global optimum of the published objective.

The objective is Hoffmann et al. 2022, arXiv 2203.15556, Sec. 3.3, Eq. 3: the Huber loss, delta 1e-3, of the difference of
log losses, summed over the runs. It is a sum: with a mean the published optimiser stops early (Besiroglu et al. 2024, arXiv
2404.10102). At that delta the objective is nearly an absolute deviation, on which finite differences stall, so the search
is analytic: E, A, B in closed form on a grid of exponents, damped least squares from the best cells while delta shrinks
(``descent``), exact Newton steps at the end. Rows are sorted first, so that their order changes no digit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scalecheck import descent
from scalecheck.descent import Problem
from scalecheck.errors import ScalecheckError
from scalecheck.values import dataclass

Floats = NDArray[np.float64]

COEFFICIENTS = ("A", "B", "E", "alpha", "beta")
"""The order of every array of coefficients here; A, B and E stand in it as logarithms."""

DELTA = 1e-3
"""The width of the quadratic part of the Huber loss, in nats of log loss (Hoffmann et al. 2022, Sec. 3.3)."""

MIN_DISTINCT_RUNS = 6
"""One more than there are coefficients: with five, the surface goes through every point and says nothing of its error."""

_EXPONENT_BOUNDS = (0.005, 4.0)
_GRID = np.geomspace(0.02, 1.5, 41)
_NEGLIGIBLE = 1e-6  # a term below this share of the smallest loss counts as zero
_NUM_STARTS = 64
_NUM_KEPT = 24  # after the first descent, most starts of one valley stand at the same place
_NUM_FINALISTS = 8
_CONTINUATION = ((30.0, False), (10.0, True), (3.0, True), (1.0, True))  # multiples of delta, and whether by Newton: squares first


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observations:
    """Finished training runs: parameters, training tokens and final loss (nats per token), 1-D arrays of one length.

    ``weights`` says how often each run counts; ``None`` is once each. Raises ``ScalecheckError`` where the lengths differ or a value
    is not positive and finite.
    """

    params: Floats
    tokens: Floats
    loss: Floats
    weights: Floats | None = None

    def __post_init__(self) -> None:
        """Refuse what no logarithm takes."""
        columns = {"params": self.params, "tokens": self.tokens, "loss": self.loss}
        if self.weights is not None:
            columns["weights"] = self.weights
        for name, column in columns.items():
            if column.ndim != 1 or len(column) != len(self.params):
                msg = f"Column {name} has shape {column.shape}; every column needs one value for each of the {len(self.params)} runs."
                raise ScalecheckError(msg)
            bad = ~(np.isfinite(column) & (column > 0))
            if bad.any():
                row = int(np.argmax(bad))
                msg = f"Column {name} has {column[row]} in row {row + 1}; a fit needs positive, finite numbers."
                raise ScalecheckError(msg)

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.params)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Observations:
        """Return the chosen runs, in the order chosen."""
        weights = None if self.weights is None else self.weights[rows]
        return Observations(params=self.params[rows], tokens=self.tokens[rows], loss=self.loss[rows], weights=weights)

    def in_canonical_order(self) -> Observations:
        """Return the runs sorted by parameters, tokens, loss and weight: equal sets of runs become equal arrays."""
        keys = [self.loss, self.tokens, self.params]
        return self.take(np.lexsort(keys if self.weights is None else [self.weights, *keys]))

    @property
    def num_distinct(self) -> int:
        """The number of different (parameters, tokens) pairs."""
        return len(np.unique(np.column_stack([self.params, self.tokens]), axis=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceFit:
    """The coefficients of L(N, D) = E + A/N^alpha + B/D^beta that minimise the objective over some runs.

    ``objective`` is the sum of Huber losses reached. ``gradient_norm`` is the largest component of its gradient, in
    coordinates centred at the mean log N and log D, over the coefficients that are not at an edge. ``at_edge`` names those that
    ended at a bound of the search: an exponent at 0.005 or 4, or a term that vanishes.
    """

    E: float
    A: float
    B: float
    alpha: float
    beta: float
    objective: float
    gradient_norm: float
    num_rows: int
    at_edge: tuple[str, ...] = ()

    @property
    def params_exponent(self) -> float:
        """The a of N* ~ C^a: beta / (alpha + beta) (Hoffmann et al. 2022, Eq. 4)."""
        return self.beta / (self.alpha + self.beta)

    @property
    def log_coefficients(self) -> Floats:
        """The coefficients as (log A, log B, log E, alpha, beta), shape (5,)."""
        return np.array([np.log(self.A), np.log(self.B), np.log(self.E), self.alpha, self.beta])


def predict(fit: SurfaceFit, params: Floats, tokens: Floats) -> Floats:
    """Return E + A/N^alpha + B/D^beta in nats per token, elementwise (Hoffmann et al. 2022, Eq. 2)."""
    loss: Floats = fit.E + fit.A * np.power(params, -fit.alpha) + fit.B * np.power(tokens, -fit.beta)
    return loss


def fit_surface(observations: Observations, *, delta: float = DELTA) -> SurfaceFit:
    """Return the surface of least objective, whatever the order of the runs.

    Raises ``ScalecheckError`` with fewer than six distinct runs. It does not judge whether the runs tell the coefficients apart:
    that is ``identifiability``.
    """
    if observations.num_distinct < MIN_DISTINCT_RUNS:
        msg = (
            f"The runs have {observations.num_distinct} distinct pairs of parameters and tokens; "
            f"a fit of five coefficients needs at least {MIN_DISTINCT_RUNS}."
        )
        raise ScalecheckError(msg)
    problem = problem_of(observations)
    starts = grid_starts(problem, problem.weights[0], delta)
    nearer = refine(problem, starts, delta, problem.weights, _CONTINUATION[:1])
    kept = nearer.take(np.argsort(nearer.value, kind="stable")[:_NUM_KEPT])
    refined = refine(problem, kept.theta, delta, problem.weights, _CONTINUATION[1:])
    finalists = refined.take(np.argsort(refined.value, kind="stable")[:_NUM_FINALISTS])
    finished = finish(problem, finalists.theta, delta, problem.weights)
    best = finished.take(np.argmin(finished.value, keepdims=True))
    at_edge = tuple(name for name, at in zip(COEFFICIENTS, problem.at_bound(best.theta)[0], strict=True) if at)
    scales_and_exponents = uncentre(problem, best.theta)[0]
    scales = np.exp(scales_and_exponents[:3])
    return SurfaceFit(
        E=float(scales[2]),
        A=float(scales[0]),
        B=float(scales[1]),
        alpha=float(scales_and_exponents[3]),
        beta=float(scales_and_exponents[4]),
        objective=float(best.value[0]),
        gradient_norm=float(np.abs(problem.free_gradient(best.theta, best.gradient)).max()),
        num_rows=len(observations),
        at_edge=at_edge,
    )


def problem_of(observations: Observations) -> Problem:
    """Return the runs as the search sees them: sorted, in logarithms, centred.

    Centred, because log A and alpha correlate beyond 0.999 otherwise.
    """
    runs = observations.in_canonical_order()
    log_params, log_tokens, log_loss = np.log(runs.params), np.log(runs.tokens), np.log(runs.loss)
    floor = float(log_loss.min() + np.log(_NEGLIGIBLE))
    ceiling = float(log_loss.max() + 1.0)
    low, high = _EXPONENT_BOUNDS
    return Problem(
        x=log_params - log_params.mean(),
        y=log_tokens - log_tokens.mean(),
        log_loss=log_loss,
        weights=(np.ones(len(runs)) if runs.weights is None else runs.weights)[None, :],
        centre=np.array([log_params.mean(), log_tokens.mean()]),
        lower=np.array([floor, floor, floor, low, low]),
        upper=np.array([ceiling, ceiling, ceiling, high, high]),
    )


def refine(
    problem: Problem, theta: Floats, delta: float, weights: Floats, continuation: tuple[tuple[float, bool], ...] = _CONTINUATION
) -> descent.State:
    """Descend from starts of shape (s, 5), by reweighted least squares and then Newton steps, while delta shrinks to its value.

    ``weights`` has shape (1, n), or (s, n) with one row per start.
    """
    for multiple, exact in continuation:
        state = descent.minimise(problem, theta, weights, descent.Method(delta=delta * multiple, exact=exact, max_steps=12))
        theta = state.theta
    return state


def finish(problem: Problem, theta: Floats, delta: float, weights: Floats) -> descent.State:
    """Descend from starts of shape (s, 5) by Newton steps with the exact Hessian until the gradient is rounding error."""
    return descent.minimise(problem, theta, weights, descent.Method(delta=delta, exact=True, max_steps=1000))


def centre(problem: Problem, log_coefficients: Floats) -> Floats:
    """Return (log A, log B, log E, alpha, beta), shape (s, 5), with A and B taken at the mean log N and log D."""
    theta = log_coefficients.copy()
    theta[:, :2] -= theta[:, 3:] * problem.centre
    return theta


def uncentre(problem: Problem, theta: Floats) -> Floats:
    """Undo ``centre``."""
    log_coefficients = theta.copy()
    log_coefficients[:, :2] += theta[:, 3:] * problem.centre
    return log_coefficients


def grid_starts(problem: Problem, weights: Floats, delta: float, *, grid: Floats = _GRID, count: int = _NUM_STARTS) -> Floats:
    """Return the best cells of the grid of exponents, shape (count, 5), each with its own E, A, B; ``weights`` has shape (n,)."""
    scales = _closed_form(problem, weights, grid)
    exponents = np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1).reshape(-1, 2)
    theta = problem.clip(np.concatenate([np.log(np.maximum(scales, 1e-300)), exponents], axis=1))
    value = _grid_objective(problem, theta, weights, grid, delta)
    return theta[np.argsort(value, kind="stable")[:count]]


def _grid_objective(problem: Problem, theta: Floats, weights: Floats, grid: Floats, delta: float) -> Floats:
    """Return the objective of every cell, shape (cells,): the terms are products of a factor per cell and a row per exponent, no powers."""
    left, right = (np.exp(-grid[:, None] * axis) for axis in (problem.x, problem.y))
    factors = np.exp(theta[:, :3]).reshape(len(grid), len(grid), 3, 1)
    value = np.empty((len(grid), len(grid)))
    for row, factor in enumerate(factors):
        residual = np.log(factor[:, 0] * left[row] + factor[:, 1] * right + factor[:, 2]) - problem.log_loss
        slope = np.clip(residual, -delta, delta)
        value[row] = (slope * (residual - slope / 2)) @ weights
    return value.reshape(-1)


def _closed_form(problem: Problem, weights: Floats, grid: Floats) -> Floats:
    """Return A, B, E, shape (cells, 3), of the least squares with weights 1/L^2 for each pair of exponents.

    Least squares of L over 1/L^2 are, to first order, those of log L. The constant is projected out, which leaves a
    2x2 system; where E comes out negative, the same system without the projection is the fit with E = 0.
    """
    loss = np.exp(problem.log_loss)
    share = weights / loss**2
    share = share / share.sum()
    rows = [np.exp(-grid[:, None] * axis) for axis in (problem.x, problem.y)]
    means = [row @ share for row in rows]
    mean_loss = float(loss @ share)
    centred = [row - mean[:, None] for row, mean in zip(rows, means, strict=True)]
    left, right = _solve_pairs(centred[0], centred[1], loss - mean_loss, share)
    constant = mean_loss - left * means[0][:, None] - right * means[1][None, :]
    left_without, right_without = _solve_pairs(rows[0], rows[1], loss, share)
    has = constant > 0
    solved = np.stack([np.where(has, left, left_without), np.where(has, right, right_without), np.where(has, constant, 0.0)], axis=-1)
    return solved.reshape(-1, 3)


def _solve_pairs(left: Floats, right: Floats, target: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Return the two factors of weighted least squares for each row of ``left`` with each row of ``right``."""
    left_square, right_square = (left**2 @ share)[:, None], (right**2 @ share)[None, :]
    cross = (left * share) @ right.T
    left_target, right_target = (left @ (share * target))[:, None], (right @ (share * target))[None, :]
    determinant = np.maximum(left_square * right_square - cross**2, 1e-14 * left_square * right_square + 1e-300)
    return (
        (left_target * right_square - right_target * cross) / determinant,
        (right_target * left_square - left_target * cross) / determinant,
    )
