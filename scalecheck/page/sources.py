"""The laws of a report with their publications, and where the known runs of its pictures were published."""

from __future__ import annotations

from typing import Any

from scalecheck import registry
from scalecheck.facts import Report
from scalecheck.known_runs import known_runs
from scalecheck.law_words import COUNTED_AS
from scalecheck.text import clean
from scalecheck.units import format_count, format_ratio, format_scientific
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLaw:
    """A law as it was published; ``arxiv`` is empty for one of the user's own."""

    name: str
    judges: bool
    is_compared: bool
    citation: str
    arxiv: str
    where: str
    params: str
    data: str
    fitted_range: str
    errata: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSource:
    """One published run of the pictures."""

    model: str
    year: int
    params: str
    tokens: str
    source: str


def laws_of(report: Report) -> tuple[ShownLaw, ...]:
    """Return the laws: those that judge first, then those that the runs were compared with, then the rest, which pictures may show."""
    judges = {job.run.judge for job in report.jobs}
    compared = dict.fromkeys(name for job in report.jobs for name in job.run.outlooks)
    ordered = dict.fromkeys([*(name for name in compared if name in judges), *compared, *registry.names("laws"), *report.own_laws])
    shown = []
    for name in ordered:
        law = report.own_laws.get(name)
        is_own = law is not None
        if law is None and name in registry.names("laws"):
            law = registry.load("laws", name).LAW
        if law is not None:
            shown.append(_shown(law, name, judges=name in judges and name in compared, is_compared=name in compared, is_own=is_own))
    return tuple(shown)


def _shown(law: Any, name: str, *, judges: bool, is_compared: bool, is_own: bool) -> ShownLaw:
    cited = law.citation
    fitted = law.fitted_range
    ranges = [
        ("N", fitted.params, format_count),
        ("C", fitted.flops, format_scientific),
        ("D/N", fitted.tokens_per_parameter, format_ratio),
    ]
    return ShownLaw(
        name=clean(name),
        judges=judges,
        is_compared=is_compared,
        citation=clean(f"{cited.authors} {cited.year}") if cited.year else clean(cited.authors),
        arxiv="" if is_own else clean(cited.arxiv),
        where=clean(cited.where),
        params=COUNTED_AS.get(law.params_convention, clean(str(law.params_convention))),
        data=clean(law.data),
        fitted_range=", ".join(f"{symbol} {shown(bounds[0])} to {shown(bounds[1])}" for symbol, bounds, shown in ranges if bounds),
        errata=tuple(map(clean, law.errata)),
        note=clean(law.note),
    )


def known() -> tuple[KnownSource, ...]:
    """Return the published runs that pictures show in grey, with their sources."""
    return tuple(
        KnownSource(
            model=run.model,
            year=run.year,
            params=format_count(run.total_params)
            + (f" ({format_count(run.active_params)} active)" if run.active_params != run.total_params else ""),
            tokens=format_count(run.training_tokens),
            source=run.source,
        )
        for run in known_runs()
    )
