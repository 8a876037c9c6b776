"""Everything that ``scalecheck fit`` finds out about a table of runs: the surface, how sure it is, and what else the runs say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from scalecheck.bootstrap import Bootstrap, bootstrap
from scalecheck.extrapolation import Extrapolation, extrapolation
from scalecheck.fitting import DELTA, SurfaceFit, fit_surface
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN, Allocation, Bounds, Citation, FittedRange, LossSurface, ParamsConvention
from scalecheck.identifiability import Identifiability, identifiability
from scalecheck.isoflop import IsoflopFit, fit_isoflop
from scalecheck.runs_table import RunsTable
from scalecheck.values import dataclass

NAMES = ("E", "A", "B", "alpha", "beta")
LEVEL = 0.95
_BEYOND = (10.0, 100.0, 1000.0)
"""The advice is shown at the smallest and largest C of the runs, and so many times beyond: laws are fitted to be extrapolated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """D*/N* at a budget C, with its 95 % interval; ``isoflop`` is approach 2's, ``beyond`` how far C lies above the runs' largest."""

    flops: float
    beyond: float
    params: float
    tokens: float
    tokens_per_parameter: float
    interval: Bounds
    isoflop: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFit:
    """What a fit found; ``isoflop`` is a sentence where the runs give none, ``advice`` empty where an edge of the search decides N*."""

    law: LossSurface
    table: RunsTable
    fit: SurfaceFit
    resampled: Bootstrap
    intervals: dict[str, Bounds]
    advice: tuple[Advice, ...]
    isoflop: IsoflopFit | str
    held_out: Extrapolation | None
    verdict: Identifiability
    resamples: int
    seed: int

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the law in a sentence, and the fit's pictures."""
        from scalecheck.notebook import fit_html

        return fit_html(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked of a fit; ``source`` says in the law which runs it is from."""

    name: str
    source: str
    params_convention: ParamsConvention
    resamples: int
    seed: int


def fit_runs(table: RunsTable, asked: Asked, progress: Callable[[int, int], None] | None = None) -> OwnFit:
    """Fit a surface to runs, resample it, and ask for second opinions. ``progress`` gets resamples done and their number."""
    runs = table.observations
    fit = fit_surface(runs)
    resampled = bootstrap(runs, fit, resamples=asked.resamples, seed=asked.seed, progress=progress)
    verdict = identifiability(runs, fit, resampled)
    isoflop = fit_isoflop(runs)
    law = _law(table, fit, resampled, verdict, asked)
    return OwnFit(
        law=law,
        table=table,
        fit=fit,
        resampled=resampled,
        intervals={name: resampled.interval(name, LEVEL) for name in (*NAMES, "a")},
        advice=() if set(fit.at_edge) - {"E"} else _advice(law, resampled, isoflop),
        isoflop=isoflop,
        held_out=extrapolation(runs),
        verdict=verdict,
        resamples=asked.resamples,
        seed=asked.seed,
    )


def fit_object(found: OwnFit) -> dict[str, Any]:
    """Return a fit as plain values: for JSON, and for the ``fit`` node of the law's file."""
    held_out, isoflop = found.held_out, found.isoflop
    return {
        "rows_read": found.table.num_rows,
        "rows_fitted": found.fit.num_rows,
        "columns": dict(found.table.used),
        "notes": list(found.table.notes),
        "objective": found.fit.objective,
        "objective_is": f"sum of Huber losses, delta {DELTA:g}, of the log loss",
        "gradient_norm": found.fit.gradient_norm,
        "at_edge": list(found.fit.at_edge),
        "resamples": found.resamples,
        "seed": found.seed,
        "intervals_95": {name: list(bounds) for name, bounds in found.intervals.items()},
        "params_exponent": found.fit.params_exponent,
        "optimal": [{**asdict(advice), "interval": list(advice.interval)} for advice in found.advice],
        "isoflop": {"because": isoflop}
        if isinstance(isoflop, str)
        else {"k": isoflop.k, "a": isoflop.a, "budgets": list(isoflop.budgets), "num_left_out": isoflop.num_left_out},
        "held_out": None if held_out is None else {name: value for name, value in asdict(held_out).items() if name != "fit"},
        "identified": found.verdict.is_identified,
        "verdict": list(found.verdict.sentences),
    }


def _law(table: RunsTable, fit: SurfaceFit, resampled: Bootstrap, verdict: Identifiability, asked: Asked) -> LossSurface:
    runs = table.observations
    flops = FLOPS_PER_PARAMETER_PER_TOKEN * runs.params * runs.tokens
    columns = {"params": runs.params, "flops": flops, "tokens_per_parameter": runs.tokens / runs.params}
    doubts = "" if verdict.is_identified else f" {' '.join(verdict.sentences)}"
    return LossSurface(
        name=asked.name,
        citation=Citation(authors="your own fit", year=0, arxiv="", where=asked.source),
        params_convention=asked.params_convention,
        data=f"{len(runs)} runs of {asked.source}",
        fitted_range=FittedRange(**{name: (float(values.min()), float(values.max())) for name, values in columns.items()}),
        note=f"Fitted by scalecheck on {len(runs)} runs; interval from {asked.resamples} bootstrap resamples.{doubts}",
        log_covariance=resampled.log_covariance,
        E=fit.E,
        A=fit.A,
        B=fit.B,
        alpha=fit.alpha,
        beta=fit.beta,
    )


def _advice(law: LossSurface, resampled: Bootstrap, isoflop: IsoflopFit | str) -> tuple[Advice, ...]:
    smallest, largest = law.fitted_range.flops or (0.0, 0.0)
    second = None if isinstance(isoflop, str) else _allocation(law, isoflop)
    found = []
    for flops in (smallest, largest, *(factor * largest for factor in _BEYOND)):
        best = law.optimum(flops)
        found.append(
            Advice(
                flops=flops,
                beyond=max(1.0, flops / largest),
                params=best.params,
                tokens=best.tokens,
                tokens_per_parameter=best.tokens_per_parameter,
                interval=resampled.ratio_interval(flops, LEVEL),
                isoflop=None if second is None else second.optimum(flops).tokens_per_parameter,
            )
        )
    return tuple(found)


def _allocation(law: LossSurface, isoflop: IsoflopFit) -> Allocation:
    return Allocation(
        name=law.name,
        citation=law.citation,
        params_convention=law.params_convention,
        data=law.data,
        fitted_range=law.fitted_range,
        k=isoflop.k,
        a=isoflop.a,
    )
