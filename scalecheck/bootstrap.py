"""How far the coefficients of a fit move when the runs are drawn again: the pairs bootstrap of Besiroglu et al. 2024, Sec. 3.

Each resample is the same runs with other weights, the multinomial counts of drawing n rows with replacement, so all of
them descend together: each from the fit of the whole, from the best fit of the whole without E (log E is flat where E
vanishes, so a descent takes long to get there) and from the best cells of a coarse grid of its own, since runs that hardly
identify the surface have several optima. The tests compare resamples with the full search.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scalecheck.descent import Problem
from scalecheck.errors import ScalecheckError
from scalecheck.fitting import (
    COEFFICIENTS,
    DELTA,
    Floats,
    Observations,
    SurfaceFit,
    centre,
    finish,
    grid_starts,
    problem_of,
    refine,
    uncentre,
)
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN
from scalecheck.values import dataclass

Bounds = tuple[float, float]
Progress = Callable[[int, int], None]

_RESAMPLES_AT_ONCE = 250
_COARSE_GRID = np.geomspace(0.04, 1.0, 8)
_NUM_OWN_STARTS = 2
_NUM_FINALISTS = 3
_HOPELESS = 1.5  # an objective this many times the best one is not worth a descent to its end
_RESAMPLES_TIMES_ROWS = 60_000  # what an array of a chunk may have, times the starts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bootstrap:
    """The refitted coefficients, shape (k, 5), in the order log A, log B, log E, alpha, beta."""

    log_coefficients: Floats

    @property
    def log_covariance(self) -> tuple[tuple[float, ...], ...]:
        """The covariance of (log A, log B, log E, alpha, beta), 5x5, as a law file holds it."""
        return tuple(tuple(float(value) for value in row) for row in np.cov(self.log_coefficients, rowvar=False))

    def interval(self, name: str, level: float = 0.8) -> Bounds:
        """Return the percentile interval of a coefficient, or of ``a`` = beta/(alpha + beta) (Hoffmann et al. 2022, Eq. 4).

        Raises ``ScalecheckError`` for another name.
        """
        if name == "a":
            alpha, beta = self.log_coefficients[:, 3], self.log_coefficients[:, 4]
            return _percentiles(beta / (alpha + beta), level)
        if name not in COEFFICIENTS:
            msg = f"A bootstrap has no coefficient {name}; it has {', '.join(COEFFICIENTS)} and a."
            raise ScalecheckError(msg)
        low, high = _percentiles(self.log_coefficients[:, COEFFICIENTS.index(name)], level)
        return (math.exp(low), math.exp(high)) if name in ("A", "B", "E") else (low, high)

    def ratio_interval(self, flops: float, level: float = 0.8) -> Bounds:
        """Return the percentile interval of D*/N*, tokens per parameter, at a budget C in FLOPs (ibid., Eq. 4)."""
        low, high = _percentiles(self._log_ratios(flops), level)
        return _exp(low), _exp(high)

    def _log_ratios(self, flops: float) -> Floats:
        log_numerator, log_denominator, _, alpha, beta = self.log_coefficients.T
        total = alpha + beta
        log_scale = (np.log(alpha) + log_numerator - np.log(beta) - log_denominator) / total
        log_product = math.log(flops / FLOPS_PER_PARAMETER_PER_TOKEN)
        ratios: Floats = -2 * log_scale + (alpha - beta) / total * log_product
        return ratios


def bootstrap(
    observations: Observations,
    fit: SurfaceFit,
    *,
    resamples: int,
    seed: int,
    progress: Progress | None = None,
) -> Bootstrap:
    """Refit resamples of the runs, drawn with replacement, each from ``fit``, which is the fit of all of them.

    ``progress`` is called with the resamples done and their total. The same seed gives the same digits, whatever the order of
    the runs. Raises ``ScalecheckError`` with fewer than two resamples.
    """
    if resamples < 2:
        msg = f"A bootstrap of {resamples} resamples has no spread; it needs at least 2."
        raise ScalecheckError(msg)
    problem = problem_of(observations)
    num_rows = len(observations)
    random = np.random.default_rng(seed)
    starts = _starts(problem, fit)
    at_once = max(1, min(_RESAMPLES_AT_ONCE, _RESAMPLES_TIMES_ROWS // num_rows))
    parts: list[Floats] = []
    for done in range(0, resamples, at_once):
        count = min(at_once, resamples - done)
        draws = random.multinomial(num_rows, np.full(num_rows, 1 / num_rows), size=count)
        weights = draws * problem.weights
        parts.append(uncentre(problem, _refit(problem, starts, weights)))
        if progress is not None:
            progress(done + count, resamples)
    return Bootstrap(log_coefficients=np.concatenate(parts))


def _starts(problem: Problem, fit: SurfaceFit) -> Floats:
    """Return the fit of the whole and, unless it is hopeless, the best one without E, shape (1, 5) or (2, 5)."""
    whole = centre(problem, fit.log_coefficients[None, :])
    constant = COEFFICIENTS.index("E")
    without = whole.copy()
    without[:, constant] = problem.lower[constant]
    held = replace(problem, upper=np.where(np.arange(5) == constant, problem.lower, problem.upper))
    other = refine(held, without, DELTA, problem.weights)
    return whole if other.value[0] > _HOPELESS * fit.objective else np.concatenate([whole, other.theta])


def _refit(problem: Problem, starts: Floats, weights: Floats) -> Floats:
    """Return the best theta of each resample, shape (k, 5); weights have shape (k, n)."""
    own = [grid_starts(problem, row, DELTA, grid=_COARSE_GRID, count=_NUM_OWN_STARTS) for row in weights]
    theta = np.concatenate([np.broadcast_to(starts, (len(weights), *starts.shape)), own], axis=1)
    refined = refine(problem, theta.reshape(-1, 5), DELTA, np.repeat(weights, theta.shape[1], axis=0))
    values = refined.value.reshape(theta.shape[:2])
    rank = values.argsort(axis=1, kind="stable")[:, :_NUM_FINALISTS]
    is_hopeless = np.take_along_axis(values, rank, axis=1) > _HOPELESS * values.min(axis=1, keepdims=True)
    rank = np.where(is_hopeless, rank[:, :1], rank)
    finalists = np.take_along_axis(refined.theta.reshape(theta.shape), rank[:, :, None], axis=1)
    ends = finish(problem, finalists.reshape(-1, 5), DELTA, np.repeat(weights, _NUM_FINALISTS, axis=0))
    best = ends.value.reshape(-1, _NUM_FINALISTS).argmin(axis=1)
    best_theta: Floats = ends.theta.reshape(-1, _NUM_FINALISTS, 5)[np.arange(len(weights)), best]
    return best_theta


def _percentiles(values: Floats, level: float) -> Bounds:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _exp(value: float) -> float:
    return math.exp(min(max(value, -700.0), 700.0))
