"""The report of the job that runs in this process, for its own code to hand to a tracker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scalecheck.facts import Report

_LAST: list[Callable[[], Report]] = []
"""What makes the report, or returns it: a rank of a distributed start that says nothing makes it only when it is asked."""


def remember(report: Callable[[], Report] | None) -> None:
    """Keep how the report of the job that starts is made; ``None`` where nothing checks it, so that another job's is not taken for its."""
    _LAST[:] = [report] if report else []


def made() -> Report:
    """Return the report of the job, made once; an empty one where nothing was checked."""
    from scalecheck.facts import Report

    if not _LAST:
        return Report(jobs=())
    report = _LAST[0]()
    _LAST[:] = [lambda: report]
    return report


def last_report() -> Report:
    """Return the report of the job; an empty one where nothing was checked, or the report cannot be made: that ends no training run."""
    try:
        return made()
    except Exception:  # noqa: BLE001 - the launch has said it; to the task, nothing was checked
        remember(None)
        return made()
