"""Minimise the Huber objective of a loss surface from many starts at once, with analytic gradients and Hessians.

The prediction is p = LSE(a - alpha x, b - beta y, e), with x, y the centred log N and log D (Hoffmann et al. 2022, arXiv
2203.15556, Sec. 3.3, Eq. 3). Its gradient in theta = (a, b, e, alpha, beta) is g = sum_k s_k c_k, with s the softmax of
the three terms and c_k the constant gradient of term k, and its Hessian sum_k s_k c_k c_k' - g g'.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scalecheck.values import dataclass

Floats = NDArray[np.float64]

_ROUNDING_PER_WEIGHT = 5e-17  # a gradient below this, per unit of weight, is rounding error of the residuals
_MAX_DAMPING = 1e10
_MIN_DAMPING = 1e-14
_MIN_EIGENVALUE = 1e-13
_LARGEST_LOG = 600.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """Runs in centred logarithms, shape (n,), their weights, shape (1, n), and the box that theta stays in, shape (5,)."""

    x: Floats
    y: Floats
    log_loss: Floats
    weights: Floats
    centre: Floats
    lower: Floats
    upper: Floats

    def clip(self, theta: Floats) -> Floats:
        """Return theta moved into the box."""
        inside: Floats = np.clip(theta, self.lower, self.upper)
        return inside

    def at_bound(self, theta: Floats) -> NDArray[np.bool_]:
        """Tell, elementwise, which coefficients are at a bound."""
        return (theta <= self.lower) | (theta >= self.upper)

    def free_gradient(self, theta: Floats, gradient: Floats) -> Floats:
        """Return the gradient with zero where descent would leave the box."""
        held = ((theta <= self.lower) & (gradient > 0)) | ((theta >= self.upper) & (gradient < 0))
        free: Floats = np.where(held, 0.0, gradient)
        return free


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """``exact`` takes the full Hessian; otherwise that of reweighted least squares, which is never indefinite."""

    delta: float
    exact: bool
    max_steps: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """Where s searches stand: theta (s, 5), value (s,), gradient (s, 5), curvature (s, 5, 5), scale (s, 5) of each coefficient."""

    theta: Floats
    value: Floats
    gradient: Floats
    curvature: Floats
    scale: Floats

    def take(self, which: NDArray[np.intp]) -> State:
        """Return some of the searches."""
        return State(
            theta=self.theta[which],
            value=self.value[which],
            gradient=self.gradient[which],
            curvature=self.curvature[which],
            scale=self.scale[which],
        )

    def put(self, which: NDArray[np.intp], other: State) -> None:
        """Overwrite some of the searches."""
        self.theta[which] = other.theta
        self.value[which] = other.value
        self.gradient[which] = other.gradient
        self.curvature[which] = other.curvature
        self.scale[which] = other.scale


def objective(problem: Problem, theta: Floats, weights: Floats, delta: float) -> Floats:
    """Return the weighted sum of Huber losses for each theta, shape (s,)."""
    residual, _ = _residual(problem, theta)
    return _huber(residual, weights, delta)[0]


def jacobian(problem: Problem, theta: Floats) -> Floats:
    """Return the gradient of every predicted log loss in theta, shape (s, 5, n)."""
    return _jacobian(problem, _residual(problem, theta)[1])


def minimise(problem: Problem, theta: Floats, weights: Floats, method: Method) -> State:
    """Descend from each start, theta (s, 5), until its gradient is rounding error, no step helps, or the steps are used up.

    A step is taken when it lowers the objective or, within rounding of it, the gradient: close to the optimum the
    objective has no digits left to compare.
    """
    state = evaluate(problem, problem.clip(theta), weights, method)
    damping = np.full(len(theta), 1e-3)
    total = np.broadcast_to(weights.sum(axis=1), (len(theta),))
    active = np.arange(len(theta))
    for _ in range(method.max_steps):
        size = np.abs(problem.free_gradient(state.theta[active], state.gradient[active])).max(axis=1)
        active = active[(size > _ROUNDING_PER_WEIGHT * total[active]) & (damping[active] < _MAX_DAMPING)]
        if not len(active):
            break
        before = state.take(active)
        rows = weights if len(weights) == 1 else weights[active]
        after = evaluate(problem, problem.clip(before.theta + _step(problem, before, damping[active])), rows, method)
        is_better = _is_better(problem, before, after)
        damping[active] = np.where(is_better, np.maximum(damping[active] * 0.3, _MIN_DAMPING), damping[active] * 10)
        taken = np.flatnonzero(is_better)
        state.put(active[taken], after.take(taken))
    return state


def _is_better(problem: Problem, before: State, after: State) -> NDArray[np.bool_]:
    tolerance = 1e-13 * before.value
    sizes = [np.abs(problem.free_gradient(state.theta, state.gradient)).max(axis=1) for state in (before, after)]
    is_lower = after.value < before.value - tolerance
    is_better: NDArray[np.bool_] = is_lower | ((after.value <= before.value + tolerance) & (sizes[1] < sizes[0]))
    return is_better


def _step(problem: Problem, state: State, damping: Floats) -> Floats:
    """Return the damped Newton step, negative curvature taken by its size, coefficients at a bound held."""
    gradient = problem.free_gradient(state.theta, state.gradient)
    is_free = gradient != 0
    both_free = is_free[:, :, None] & is_free[:, None, :]
    scaled = np.where(both_free, state.curvature / (state.scale[:, :, None] * state.scale[:, None, :]), np.eye(5))
    eigenvalues, vectors = np.linalg.eigh(scaled)
    along = np.einsum("sij,si->sj", vectors, gradient / state.scale)
    along = along / (np.maximum(np.abs(eigenvalues), _MIN_EIGENVALUE) + damping[:, None])
    step: Floats = -np.einsum("sij,sj->si", vectors, along) / state.scale
    return np.clip(step, -2.0, 2.0)  # two nats of a term, or an exponent of two, is the box; more would overshoot it


def _residual(problem: Problem, theta: Floats) -> tuple[Floats, Floats]:
    """Return predicted minus measured log loss, shape (s, n), and the softmax of the three terms, shape (3, s, n)."""
    terms = np.empty((3, len(theta), len(problem.x)))
    terms[0] = theta[:, 0, None] - theta[:, 3, None] * problem.x
    terms[1] = theta[:, 1, None] - theta[:, 4, None] * problem.y
    # Inside the box a logarithm is far below this, so no maximum needs to be taken out of the sum; runs of absurd sizes end here.
    np.exp(np.minimum(terms[:2], _LARGEST_LOG, out=terms[:2]), out=terms[:2])
    terms[2] = np.exp(theta[:, 2, None])
    total = terms[0] + terms[1] + terms[2]
    terms /= total
    return np.log(total) - problem.log_loss, terms


def _huber(residual: Floats, weights: Floats, delta: float) -> tuple[Floats, Floats]:
    """Return the summed Huber loss, shape (s,), and its derivative in each residual, unweighted, shape (s, n)."""
    slope = np.clip(residual, -delta, delta)
    return (weights * slope * (residual - slope / 2)).sum(axis=1), slope


def _jacobian(problem: Problem, softmax: Floats) -> Floats:
    result = np.empty((softmax.shape[1], 5, softmax.shape[2]))
    result[:, :3] = np.moveaxis(softmax, 0, 1)
    result[:, 3] = -softmax[0] * problem.x
    result[:, 4] = -softmax[1] * problem.y
    return result


def evaluate(problem: Problem, theta: Floats, weights: Floats, method: Method) -> State:
    """Return the objective, its gradient and a curvature at each theta, shape (s, 5)."""
    residual, softmax = _residual(problem, theta)
    value, slope = _huber(residual, weights, method.delta)
    gradients = _jacobian(problem, softmax)
    pull = weights * slope
    reweighted = weights * (method.delta / np.maximum(np.abs(residual), method.delta))
    scale = np.sqrt(((gradients**2) @ reweighted[:, :, None])[:, :, 0]) + 1e-12
    outer = weights * (np.abs(residual) < method.delta) - pull if method.exact else reweighted
    curvature = (gradients * outer[:, None, :]) @ np.swapaxes(gradients, 1, 2)
    if method.exact:
        curvature += _second_moments(problem, softmax * pull)
    return State(
        theta=theta,
        value=value,
        gradient=(gradients @ pull[:, :, None])[:, :, 0],
        curvature=curvature,
        scale=scale,
    )


def _second_moments(problem: Problem, pulls: Floats) -> Floats:
    """Return sum over runs and terms of pull_k c_k c_k', shape (s, 5, 5), for pulls of shape (3, s, n)."""
    result = np.zeros((pulls.shape[1], 5, 5))
    for row, axis in enumerate((problem.x, problem.y)):
        moments = pulls[row] @ np.stack([np.ones_like(axis), axis, axis**2], axis=1)
        result[:, row, row] = moments[:, 0]
        result[:, row, row + 3] = result[:, row + 3, row] = -moments[:, 1]
        result[:, row + 3, row + 3] = moments[:, 2]
    result[:, 2, 2] = pulls[2].sum(axis=1)
    return result
