"""The findings of a job, or of all jobs together, that came and went from one report to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scalecheck.values import dataclass

SEVERITIES = ("note", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingChange:
    """A finding that is new or fixed. ``job`` is the label, empty for one of all jobs together.

    ``was`` is the severity that a new one had before, where it only became worse; ``waived`` says why one that is still there counts no
    more.
    """

    rule: str
    severity: str
    message: str
    file: str
    line: int | None
    key: str
    remedies: tuple[str, ...]
    job: str
    was: str | None = None
    waived: str | None = None


def finding_changes(
    base: Iterable[Mapping[str, Any]], head: Iterable[Mapping[str, Any]], label: str
) -> tuple[list[FindingChange], list[FindingChange]]:
    """Return the findings that are new, or worse than they were, and those that are gone, or count no more."""
    before, after = _by_subject(base), _by_subject(head)
    new = [_change(young, label, was=_was(before.get(key))) for key, young in after.items() if _is_worse(before.get(key), young)]
    fixed = [
        _change(old, label, waived=after[key]["waived"] if key in after else None)
        for key, old in before.items()
        if old.get("waived") is None and (key not in after or after[key].get("waived") is not None)
    ]
    return new, fixed


def _by_subject(findings: Iterable[Mapping[str, Any]]) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    seen: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for finding in findings:
        key = (finding["rule"], finding.get("subject") or (finding.get("origin") or {}).get("key") or "")
        seen[key] += 1
        found[seen[key], key] = finding
    return found


def _was(old: Mapping[str, Any] | None) -> str | None:
    return None if old is None or old.get("waived") is not None else old.get("severity") or "note"


def _is_worse(old: Mapping[str, Any] | None, young: Mapping[str, Any]) -> bool:
    if young.get("waived") is not None:
        return False
    was = _was(old)
    return was is None or SEVERITIES.index(young.get("severity") or "note") > SEVERITIES.index(was)


def _change(finding: Mapping[str, Any], label: str, *, was: str | None = None, waived: str | None = None) -> FindingChange:
    origin = finding.get("origin") or {}
    return FindingChange(
        rule=finding["rule"],
        severity=finding.get("severity") or "note",
        message=finding["message"],
        file=origin.get("file") or "",
        line=origin.get("line"),
        key=origin.get("key") or "",
        remedies=tuple(finding.get("remedies") or ()),
        job=label,
        was=was,
        waived=waived,
    )


def worst_first(findings: Iterable[FindingChange]) -> tuple[FindingChange, ...]:
    """Return the findings by severity, otherwise in their order."""
    return tuple(sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity)))


def at_level(findings: Iterable[FindingChange], level: str) -> Iterator[FindingChange]:
    """Yield the findings of a severity or above."""
    return (finding for finding in findings if SEVERITIES.index(finding.severity) >= SEVERITIES.index(level))
