"""The table of a sweep's jobs."""

from __future__ import annotations

from scalecheck import listing
from scalecheck.facts import Job, Report
from scalecheck.text import clean
from scalecheck.values import dataclass

MOST = 400
"""Jobs that a page shows; of more, the worst. The json format has them all."""
_LONGEST = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One job: its name, what differs from the others, its figures in the order of the head, its verdict as a word and as a class."""

    name: str
    overrides: str
    figures: tuple[str, ...]
    verdict: str
    css: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The rows that are shown, how many are not, and the overrides that all jobs share."""

    head: tuple[str, ...]
    rows: tuple[Row, ...]
    num_left_out: int
    shared: str


def of_report(report: Report, shared: frozenset[str]) -> Jobs:
    """Return the jobs in their order, or, where there are more than are shown, the worst ones first."""
    chosen = list(report.jobs) if len(report.jobs) <= MOST else listing.worst_first(report.jobs)
    alike = [override for override in report.jobs[0].overrides if override in shared]
    return Jobs(
        head=tuple(listing.figures(report.jobs[0])),
        rows=tuple(_row(job, shared) for job in chosen[:MOST]),
        num_left_out=max(0, len(chosen) - MOST),
        shared=_cut(clean(" ".join(alike))),
    )


def _row(job: Job, shared: frozenset[str]) -> Row:
    typed = clean(" ".join(text for text in job.overrides if text not in shared))
    return Row(
        name=_cut(clean(job.name)),
        overrides=_cut(typed),
        figures=tuple(listing.figures(job).values()),
        verdict=listing.word(job.verdict),
        css=job.verdict,
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
