"""What a finding is known by from one commit to the next: its rule, its job and what it is about; no value and no line of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

from scalecheck.facts import Finding, Job, Report

_SHOWN = 32
"""Hexadecimal digits: 128 bits."""


def fingerprinted(report: Report) -> Iterator[tuple[str, Job | None, Finding]]:
    """Yield every finding with its fingerprint, unique within the report, and its job; ``None`` for those of the sweep as a whole."""
    seen: Counter[str] = Counter()
    together = sorted({job.config for job in report.jobs})
    for finding in report.findings:
        yield _numbered(["sweep", *together, *_about(finding)], seen), None, finding
    for job in report.jobs:
        for finding in job.findings:
            yield _numbered([*identity(job), *_about(finding)], seen), job, finding


def identity(job: Job) -> tuple[str, ...]:
    """Return what names a job in any run of the tool: its config and its overrides, in whatever order they were typed."""
    return ("job", job.config, *sorted(job.overrides))


def _about(finding: Finding) -> tuple[str, ...]:
    return (finding.rule, finding.subject or finding.origin.key or "")


def _numbered(parts: Iterable[str], seen: Counter[str]) -> str:
    """Return a hash of the parts; a second one that is alike in all of them gets a number."""
    text = "\0".join(parts)
    seen[text] += 1
    return hashlib.sha256(f"{text}\0{seen[text]}".encode("utf-8", "backslashreplace")).hexdigest()[:_SHOWN]
