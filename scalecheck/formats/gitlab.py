"""The report as GitLab's Code Quality artifact: one issue per finding, known by a fingerprint that stays from commit to commit."""

from __future__ import annotations

import json
from typing import Any

from scalecheck import listing
from scalecheck.facts import Report
from scalecheck.listing import Listed
from scalecheck.text import clean

_SEVERITIES = {"note": "info", "warning": "minor", "error": "major"}


def render(report: Report, *, color: bool = False) -> str:  # noqa: ARG001 - every format has this signature
    """Return a JSON array of issues, ending with a newline; what is waived is none.

    Paths are relative to the checkout. A finding without a file stands at its job's config, and without that at ``scalecheck``.
    """
    shared, top = listing.shared_overrides(report.jobs), listing.root()
    return json.dumps([_issue(item, report, shared, top) for item in listing.active(report)], indent=2, allow_nan=False) + "\n"


def _issue(item: Listed, report: Report, shared: frozenset[str], top: str) -> dict[str, Any]:
    finding, place = item.finding, listing.place_of(item.finding, item.job, report, top)
    about = listing.who((item.job,) if item.job else (), report, shared)
    return {
        # GitLab shows neither the name of the check nor the job, so the description tells both.
        "description": f"{clean(finding.rule)}: {listing.told(finding, about)}",
        "check_name": clean(finding.rule),
        "fingerprint": item.fingerprint,
        "severity": _SEVERITIES[listing.level(finding)],
        "location": {"path": clean(place.path), "lines": {"begin": place.line or 1}},
    }
