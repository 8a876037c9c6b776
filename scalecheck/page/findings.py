"""Findings as a page lists them: each once, errors first, with whom it is about, and what can be typed, ready for a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from scalecheck import listing
from scalecheck.facts import Remedy, Report
from scalecheck.listing import Folded
from scalecheck.text import clean, place
from scalecheck.values import dataclass

MOST = 100
"""Findings that a page shows of each sort; the json format has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A remedy: overrides quoted for a shell, empty where nothing can be typed, and what they do. Cut ones are not to be copied."""

    overrides: str
    effect: str
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A finding in words."""

    level: str
    rule: str
    message: str
    who: str
    place: str
    key: str
    remedies: tuple[Typed, ...]
    waived: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Findings of one sort that are shown, and how many are not."""

    items: tuple[Told, ...]
    num_left_out: int


def of_report(report: Report, shared: frozenset[str]) -> tuple[Findings, Findings]:
    """Return the findings that count, and those that are waived."""
    found = listing.folded(report)
    counted = [item for item in found if item.finding.waived is None]
    waived = [item for item in found if item.finding.waived is not None]
    return _first(counted, report, shared), _first(waived, report, shared)


def _first(found: Sequence[Folded], report: Report, shared: frozenset[str]) -> Findings:
    items = tuple(_told(item, report, shared) for item in found[:MOST])
    return Findings(items=items, num_left_out=len(found) - len(items))


def _told(item: Folded, report: Report, shared: frozenset[str]) -> Told:
    finding = item.finding
    return Told(
        level=listing.level(finding),
        rule=clean(finding.rule),
        message=clean(finding.message),
        who=listing.who(item.jobs, report, shared),
        place=place(finding.origin),
        key=clean(finding.origin.key or ""),
        remedies=tuple(map(_typed, finding.remedies)),
        waived=clean(finding.waived or ""),
    )


def _typed(remedy: Remedy) -> Typed:
    whole = " ".join(shlex.quote(override) for override in remedy.overrides)  # a key of a config must not run in a reader's shell
    shown = clean(whole)
    return Typed(overrides=shown, effect=clean(remedy.effect), is_whole=bool(whole) and shown == whole)
