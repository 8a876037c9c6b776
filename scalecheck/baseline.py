"""The baseline: the findings that a repo has today, in a file, so that only new ones fail.

What it knows a finding by says no value and no line (fingerprints.py), so that it outlives edits. Files of configs are told from
``root``, the directory of the repo's table, wherever the command is typed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from scalecheck import __version__
from scalecheck.atomic import written_beside
from scalecheck.enforce import report_verdict, verdict
from scalecheck.errors import ScalecheckError
from scalecheck.facts import Finding, Job, Report
from scalecheck.fingerprints import fingerprinted
from scalecheck.outlook import is_bound
from scalecheck.text import clean

SCHEMA_VERSION = 1
DEFAULT_FILE = "scalecheck-baseline.json"
_LEVELS = ("note", "warning", "error")

Entries = dict[str, dict[str, Any]]


def entries_of(report: Report, root: Path, level: str = "warning") -> Entries:
    """Return the findings of a report from a severity on, by fingerprint; those that are waived have their reason elsewhere."""
    entries: Entries = {}
    for fingerprint, job, finding in _known(report, root):
        if finding.waived is None and _LEVELS.index(finding.severity or "note") >= _LEVELS.index(level):
            entries[fingerprint] = {
                "rule": finding.rule,
                "config": job.config if job else None,
                "overrides": list(job.overrides) if job else [],
                "about": finding.subject or finding.origin.key or "",
            }
    return entries


def write(entries: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Write a baseline file, whole or not at all.

    Raises:
        ScalecheckError: it cannot be written.
    """
    ordered = dict(sorted(entries.items(), key=lambda item: (item[1]["config"] or "", item[1]["overrides"], item[1]["rule"], item[0])))
    written = {"schema_version": SCHEMA_VERSION, "scalecheck_version": __version__, "findings": ordered}
    try:
        with written_beside(path, json.dumps(written, indent=2) + "\n") as temporary:
            Path(temporary).chmod(0o644)  # it is made for others to read, in a repo
            os.replace(temporary, path)  # noqa: PTH105 - atomic on every platform
    except OSError as failure:
        message = f"the baseline {path} cannot be written: {failure.strerror or failure}."
        raise ScalecheckError(message) from failure


def read(path: Path) -> Entries:
    """Return the entries of a baseline file by fingerprint.

    Raises:
        ScalecheckError: there is none, or it is no baseline that this version reads.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as failure:
        message = f"there is no baseline {path}; write it with: scalecheck baseline --out {path}"
        raise ScalecheckError(message) from failure
    except OSError as failure:
        message = f"the baseline {path} cannot be read: {failure.strerror or failure}."
        raise ScalecheckError(message) from failure
    except (ValueError, RecursionError) as failure:
        message = f"the baseline {path} is no JSON: {clean(str(failure))}."
        raise ScalecheckError(message) from failure
    version = found.get("schema_version") if isinstance(found, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        message = f"the baseline {path} has schema_version {version}, and this scalecheck reads {SCHEMA_VERSION}: update scalecheck."
        raise ScalecheckError(message)
    entries = found.get("findings") if isinstance(found, dict) else None
    if version != SCHEMA_VERSION or not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        message = f"{path} is no baseline of scalecheck's; write one with: scalecheck baseline --out {path}"
        raise ScalecheckError(message)
    return entries


def applied(report: Report, entries: Entries, path: Path, root: Path) -> tuple[Report, int]:
    """Return the report with the findings that stand in a baseline waived, and how many entries of it match nothing any more."""
    met = [fingerprint for fingerprint, _, _ in _known(report, root)]
    words = f"in the baseline {path}"
    fingerprints = iter(met)

    def told(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(
            replace(finding, waived=words) if fingerprint in entries and finding.waived is None else finding
            for finding, fingerprint in zip(findings, fingerprints, strict=False)
        )

    together = told(report.findings)
    jobs = tuple(_judged_again(job, told(job.findings)) for job in report.jobs)
    decision = report_verdict(jobs, together, report.mode)
    return replace(report, jobs=jobs, findings=together, verdict=decision), len(entries.keys() - set(met))


def stale(number: int, path: Path) -> str:
    """Say that a baseline is longer than it has to be."""
    entries = "1 entry" if number == 1 else f"{number:,} entries"
    return f"{entries} of the baseline {path} match no finding any more; write it anew with: scalecheck baseline --out {path}"


def _judged_again(job: Job, findings: tuple[Finding, ...]) -> Job:
    """Return a job with other findings, and the verdict that they make; that it was stopped tells that its policy stops jobs."""
    if findings == job.findings:
        return job
    outlook = job.run.outlooks.get(job.run.judge)
    mode = "stop" if job.verdict == "stop" else "warn"
    return replace(job, findings=findings, verdict=verdict(findings, mode, silent=outlook is None or is_bound(outlook)))


def _known(report: Report, root: Path) -> Iterator[tuple[str, Job | None, Finding]]:
    """Yield the findings of a report, those of all jobs together first, with their fingerprints as seen from a directory."""
    place = os.path.relpath(root)
    jobs = tuple(replace(job, config=_from(place, job.config)) for job in report.jobs)
    return fingerprinted(replace(report, jobs=jobs))


def _from(place: str, config: str) -> str:
    return Path(os.path.relpath(config, place)).as_posix() if config else ""
