"""Do these runs tell alpha and beta apart at all? A verdict in sentences, before the coefficients are believed.

Two kinds of evidence: the design, which needs no fit (how many sizes, how many durations, whether tokens per parameter
vary), and what the fit and its bootstrap show (edges of the search, conditioning, width of the intervals).
"""

from __future__ import annotations

import math

import numpy as np

from scalecheck import descent
from scalecheck.bootstrap import Bootstrap
from scalecheck.fitting import MIN_DISTINCT_RUNS, Observations, SurfaceFit, centre, problem_of
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN
from scalecheck.units import format_flops
from scalecheck.values import dataclass

LEVEL = 0.8

_MIN_VALUES = 3
_MIN_RATIO_SPREAD = 1.05  # largest over smallest D/N: below, D is a multiple of N but for the rounding of steps
_MAX_EXPONENT_WIDTH = 2.0  # upper over lower bound of the 80 % interval of an exponent
_MAX_RATIO_WIDTH = 10.0  # the same for D*/N* at the largest C: a decade is no advice
_MAX_CONDITION = 1e6  # of the Jacobian with unit columns: losses are known to 1e-3 or so, and a double has 1e-16


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifiability:
    """Whether the runs identify alpha and beta, and the sentences that say why; the reasons against come first."""

    is_identified: bool
    sentences: tuple[str, ...]
    condition_number: float


def design_problems(observations: Observations) -> tuple[str, ...]:
    """Return what the runs lack for an identifiable fit, one sentence each; empty when the design suffices. Needs no fit."""
    num_sizes, num_durations = len(np.unique(observations.params)), len(np.unique(observations.tokens))
    ratios = observations.tokens / observations.params
    found: list[str] = []
    if observations.num_distinct < MIN_DISTINCT_RUNS:
        found.append(f"There {_count(observations.num_distinct, 'distinct run')}; five coefficients need at least {MIN_DISTINCT_RUNS}.")
    if num_sizes < _MIN_VALUES:
        found.append(f"There {_count(num_sizes, 'model size')}; alpha needs at least {_MIN_VALUES}: add runs at other parameter counts.")
    if num_durations < _MIN_VALUES:
        found.append(f"There {_count(num_durations, 'token count')}; beta needs at least {_MIN_VALUES}: add shorter or longer runs.")
    if observations.num_distinct > 1 and float(ratios.max() / ratios.min()) < _MIN_RATIO_SPREAD:
        found.append(
            f"Every run has the same tokens per parameter ({float(np.median(ratios)):.3g}), so N and D grow together and alpha and beta "
            "are not separable: add runs of the same sizes at other token counts."
        )
    return tuple(found)


def identifiability(observations: Observations, fit: SurfaceFit, bootstrap: Bootstrap) -> Identifiability:
    """Return the verdict: not identified when the design lacks something, a coefficient is at an edge, or an interval is too wide.

    Too wide is an 80 % interval of alpha or beta whose ends differ by more than a factor of 2, or of D*/N* at the largest C of
    the runs by more than 10. A vanishing E alone is said but does not count against: E is not alpha or beta.
    """
    condition = condition_number(observations, fit)
    against = [*design_problems(observations), *_edges(fit)]
    if condition > _MAX_CONDITION:
        against.append(f"Some change of the coefficients hardly changes any predicted loss (condition number {condition:.1e}).")
    widths, too_wide = _widths(observations, fit, bootstrap)
    against += too_wide
    notes = [*widths]
    if "E" in fit.at_edge:
        notes.append("The fit has no irreducible loss (E = 0): the losses still fall like a power law, and E is not identified.")
    low, high = bootstrap.interval("E", LEVEL)
    if "E" not in fit.at_edge and low < 0.1 * high:
        notes.append(f"E is poorly identified: its {100 * LEVEL:.0f} % interval is {low:.2g} to {high:.2g}.")
    verdict = "The runs identify alpha and beta." if not against else "The runs do not identify alpha and beta."
    return Identifiability(is_identified=not against, sentences=(verdict, *against, *notes), condition_number=condition)


def condition_number(observations: Observations, fit: SurfaceFit) -> float:
    """Return that of the derivatives of the predicted log losses in (log A, log B, log E, alpha, beta), columns of unit length.

    N and D are centred. A coefficient at an edge of the search is left out, since the fit does not vary it.
    """
    problem = problem_of(observations)
    theta = centre(problem, fit.log_coefficients[None, :])
    columns = (descent.jacobian(problem, theta)[0] * np.sqrt(problem.weights)).T
    columns = columns[:, ~problem.at_bound(theta)[0]]
    lengths = np.linalg.norm(columns, axis=0)
    if not lengths.all():
        return math.inf
    return float(np.linalg.cond(columns / lengths))


def _has_no_optimum(fit: SurfaceFit) -> bool:
    return any(name in fit.at_edge for name in ("A", "B", "alpha", "beta"))


def _edges(fit: SurfaceFit) -> list[str]:
    found = [
        f"The fit put {name} at the edge of the search ({getattr(fit, name):.3g})." for name in ("alpha", "beta") if name in fit.at_edge
    ]
    found += [
        f"The fit made {name} vanish: the losses do not fall with {what}." for name, what in (("A", "N"), ("B", "D")) if name in fit.at_edge
    ]
    return found


def _widths(observations: Observations, fit: SurfaceFit, bootstrap: Bootstrap) -> tuple[list[str], list[str]]:
    """Return a sentence on each interval, those that are narrow enough and those that are not."""
    flops = FLOPS_PER_PARAMETER_PER_TOKEN * float((observations.params * observations.tokens).max())
    rows = [(name, bootstrap.interval(name, LEVEL), _MAX_EXPONENT_WIDTH) for name in ("alpha", "beta")]
    rows.append((f"The optimal tokens per parameter at {format_flops(flops)}", bootstrap.ratio_interval(flops, LEVEL), _MAX_RATIO_WIDTH))
    narrow: list[str] = []
    wide: list[str] = []
    for name, (low, high), limit in rows:
        sentence = f"{name} {'is' if name in ('alpha', 'beta') else 'are'} {low:.3g} to {high:.3g} ({100 * LEVEL:.0f} % interval)"
        if high > limit * low:
            wide.append(f"{sentence}, wider than a factor of {limit:.0f}.")
        elif not _has_no_optimum(fit):  # at the edge of the search an interval of no width says nothing
            narrow.append(f"{sentence}.")
    return narrow, wide


def _count(number: int, noun: str) -> str:
    return f"is {number} {noun}" if number == 1 else f"are {number} {noun}s"
