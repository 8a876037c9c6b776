"""Two reports -> what changed between them, job by job, and the findings that came and went. Nothing is read or printed here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from scalecheck.errors import ScalecheckError
from scalecheck.factors import Factor
from scalecheck.finding_changes import FindingChange, finding_changes, worst_first
from scalecheck.values import dataclass

FIGURES = {
    "total_params": "parameters",
    "training_tokens": "training tokens",
    "training_flops": "training FLOPs",
    "tokens_per_parameter": "tokens per parameter",
    "gpu_hours": "GPU-hours",
    "cost_usd": "cost in USD",
}
LIMITED = tuple(name for name in FIGURES if name != "tokens_per_parameter")
"""What an increase can be limited of: all but the ratio, of which neither more nor less is the better."""
SUMMED = ("training_tokens", "training_flops", "gpu_hours", "cost_usd")
Status = Literal["unchanged", "changed", "new", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A figure before and after; ``None`` is unknown, or that there is no such job on that side. A bound is at most that."""

    base: float | None
    head: float | None
    base_is_bound: bool = False
    head_is_bound: bool = False

    @property
    def ratio(self) -> float | None:
        """After over before: infinite from nothing to something, ``None`` where one is unknown."""
        if self.base is None or self.head is None:
            return None
        try:
            return 1.0 if self.base == self.head else self.head / self.base
        except (ZeroDivisionError, OverflowError):
            return math.inf

    def stays_within(self, factor: float) -> bool:
        """Tell whether it changes by no more than a factor, up or down; what becomes known or unknown changes."""
        if self.ratio is None:
            return self.base is self.head
        return 1 / factor <= self.ratio <= factor


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChange:
    """One job before and after. ``label`` tells it from the others: its overrides without those that all share."""

    label: str
    name: str
    config: str
    overrides: tuple[str, ...]
    status: Status
    figures: Mapping[str, Pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two reports differ in. ``threshold`` is the change up to which a job counts as unchanged.

    ``unknown`` tells for each total how many jobs it leaves out, before and after.
    """

    jobs: tuple[JobChange, ...]
    new: tuple[FindingChange, ...]
    fixed: tuple[FindingChange, ...]
    totals: Mapping[str, Pair]
    unknown: Mapping[str, tuple[int, int]]
    threshold: Factor

    def of(self, status: Status) -> tuple[JobChange, ...]:
        """Return the jobs of a status."""
        return tuple(job for job in self.jobs if job.status == status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Increase:
    """A figure of a job that grew beyond its limit, or that cannot be compared with it any more: then ``pair.head`` is ``None``."""

    job: JobChange
    figure: str
    pair: Pair
    limit: Factor


def beyond(comparison: Comparison, limits: Mapping[str, Factor]) -> tuple[Increase, ...]:
    """Return what grew beyond its limit in jobs that were there before; a figure that is unknown now could be anything, and counts."""
    return tuple(
        Increase(job=job, figure=name, pair=pair, limit=limit)
        for job in comparison.jobs
        if job.status in ("changed", "unchanged")
        for name, limit in limits.items()
        for pair in (job.figures[name],)
        if pair.base is not None and (pair.ratio is None or pair.ratio > limit.value)
    )


def compare(base: Mapping[str, Any], head: Mapping[str, Any], threshold: Factor) -> Comparison:
    """Compare two reports, as the JSON format writes them. A job is known by its config and overrides, in whatever order.

    Raises:
        ScalecheckError: one of them is no report.
    """
    try:
        return _compared(base, head, threshold)
    except (TypeError, KeyError, ValueError, AttributeError) as stray:
        message = (
            f"one of the two is no report of scalecheck ({type(stray).__name__}: {str(stray)[:80]}): write it with --output json:FILE."
        )
        raise ScalecheckError(message) from None


def _compared(base: Mapping[str, Any], head: Mapping[str, Any], threshold: Factor) -> Comparison:
    everything = [*base["jobs"], *head["jobs"]]
    # A launch's report names no config, and one that does is then matched without it.
    with_config = all(any(job.get("config") for job in report["jobs"]) for report in (base, head))
    before, after = _by_identity(base["jobs"], with_config), _by_identity(head["jobs"], with_config)
    label = _labels(everything)
    jobs, new, fixed = [], [], []
    for key in [*after, *(key for key in before if key not in after)]:
        old, young = before.get(key), after.get(key)
        change = _job_change(old, young, label, threshold)
        jobs.append(change)
        if young is not None:
            came, went = finding_changes((old or {}).get("findings", []), young["findings"], change.label)
            new += came
            fixed += went
    came, went = finding_changes(base.get("sweep_findings", []), head.get("sweep_findings", []), "")
    old_figures, new_figures = [_figures(job) for job in base["jobs"]], [_figures(job) for job in head["jobs"]]
    return Comparison(
        jobs=tuple(jobs),
        new=worst_first([*came, *new]),
        fixed=worst_first([*went, *fixed]),
        totals={name: _total(old_figures, new_figures, name) for name in SUMMED},
        unknown={name: (_unknown(old_figures, name), _unknown(new_figures, name)) for name in SUMMED},
        threshold=threshold,
    )


def _by_identity(jobs: Iterable[Mapping[str, Any]], with_config: bool) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    """Return the jobs by what names them; a second one that is named alike gets a number."""
    seen: Counter[tuple[str, ...]] = Counter()
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for job in jobs:
        key = ((job.get("config") or "") if with_config else "", *sorted(job["overrides"]))
        seen[key] += 1
        found[seen[key], key] = job
    return found


def _labels(jobs: Sequence[Mapping[str, Any]]) -> Any:
    """Return what gives a job its label: what was typed for it alone, and its config where there are several."""
    shared = frozenset.intersection(*(frozenset(job["overrides"]) for job in jobs)) if jobs else frozenset()
    several = len({job.get("config") or "" for job in jobs}) > 1

    def label(job: Mapping[str, Any]) -> str:
        own = [text for text in job["overrides"] if text not in shared] or job["overrides"]
        return " ".join([job.get("config") or ""] * several + list(own)).strip() or job.get("config") or job["name"] or "job"

    return label


def _job_change(old: Mapping[str, Any] | None, young: Mapping[str, Any] | None, label: Any, threshold: Factor) -> JobChange:
    job = young if young is not None else old or {}
    before, after = _figures(old), _figures(young)
    figures = {
        name: Pair(base=before[name][0], head=after[name][0], base_is_bound=before[name][1], head_is_bound=after[name][1])
        for name in FIGURES
    }
    is_same = all(pair.stays_within(threshold.value) for pair in figures.values())
    status: Status = "new" if old is None else "removed" if young is None else "unchanged" if is_same else "changed"
    return JobChange(
        label=label(job),
        name=str(job["name"]),
        config=job.get("config") or "",
        overrides=tuple(job["overrides"]),
        status=status,
        figures=figures,
    )


def _figures(job: Mapping[str, Any] | None) -> dict[str, tuple[float | None, bool]]:
    """Return each figure, and whether it is only a bound."""
    if job is None:
        return dict.fromkeys(FIGURES, (None, False))
    expense = job.get("expense") or {}
    at_most = (job.get("status") or {}).get("tokens") == "upper_bound"
    return {
        name: (_number((expense if name in ("gpu_hours", "cost_usd") else job).get(name)), at_most and name != "total_params")
        for name in FIGURES
    }


def _number(value: Any) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return None if isinstance(value, float) and not math.isfinite(value) else value
    message = f"a figure is {str(value)[:40]!r}"
    raise TypeError(message)


def _total(base: Sequence[Mapping[str, Any]], head: Sequence[Mapping[str, Any]], name: str) -> Pair:
    before, after = _sum(base, name), _sum(head, name)
    return Pair(
        base=0 if not base and after is not None else before,
        head=0 if not head and before is not None else after,
        base_is_bound=any(job[name][1] for job in base),
        head_is_bound=any(job[name][1] for job in head),
    )


def _sum(jobs: Sequence[Mapping[str, Any]], name: str) -> float | None:
    known = [job[name][0] for job in jobs if job[name][0] is not None]
    return sum(known) if known else None


def _unknown(jobs: Sequence[Mapping[str, Any]], name: str) -> int:
    return sum(job[name][0] is None for job in jobs)
