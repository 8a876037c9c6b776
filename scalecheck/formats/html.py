"""The report as one HTML page with pictures, that opens without a network."""

from __future__ import annotations

from scalecheck.facts import Report


def render(report: Report, *, color: bool = False) -> str:  # noqa: ARG001 - every format has this signature
    """Return the page.

    Raises:
        ScalecheckError: matplotlib or jinja2 is not installed; what to install.
    """
    from scalecheck import page

    return page.html_of_report(report)
