"""The end of the line: findings and mode -> a verdict, and a stop that Hydra cannot swallow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import get_args

from scalecheck.facts import Finding, Job, Report, Severity, Verdict

BLOCKED_EXIT_CODE = 3
SEVERITIES: tuple[str, ...] = get_args(Severity)
STOPPING = ("stop", "plan")
"""Modes under which an error stops a job. A plan starts nothing at all, and says what would be stopped."""
_WORST_FIRST: tuple[Verdict, ...] = ("stop", "warn", "pass", "silent")


class LaunchBlocked(SystemExit):
    """Ends the process with exit code 3.

    A ``SystemExit`` because Hydra swallows every ``Exception`` of a callback and runs the job; with an int code because
    Python prints any other and exits with 1. The findings are printed before it is raised.
    """


def verdict(findings: Iterable[Finding], mode: str, silent: bool = False) -> Verdict:
    """Return what these findings mean under ``mode``; waived findings count for nothing.

    ``silent`` says that no law applies to the run (fine-tuning, evaluation), so that no finding is not a pass.
    """
    if mode == "off":
        return "silent"
    severities = {finding.severity for finding in findings if finding.waived is None}
    if mode in STOPPING and "error" in severities:
        return "stop"
    if severities & {"error", "warning"}:
        return "warn"
    return "silent" if silent else "pass"


def report_verdict(jobs: Sequence[Job], findings: Iterable[Finding], mode: str) -> Verdict:
    """Return the worst verdict of a launch: of its jobs, and of the findings on all jobs together."""
    all_silent = bool(jobs) and all(job.verdict == "silent" for job in jobs)
    together = verdict(findings, mode, silent=all_silent)
    return min([together, *(job.verdict for job in jobs)], key=_WORST_FIRST.index)


def fails(report: Report, level: str) -> bool:
    """Tell whether anything that is not waived was found at a severity, or above it."""
    findings = [*report.findings, *(finding for job in report.jobs for finding in job.findings)]
    counted = [SEVERITIES.index(finding.severity or "note") for finding in findings if finding.waived is None]
    return any(found >= SEVERITIES.index(level) for found in counted)


def enforce(report: Report) -> None:
    """Let the launch go, or stop it.

    Raises:
        LaunchBlocked: exit code 3, when the report's verdict is ``stop``.
    """
    if report.verdict == "stop":
        raise LaunchBlocked(BLOCKED_EXIT_CODE)
