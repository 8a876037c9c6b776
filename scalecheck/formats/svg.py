"""The first picture of a report, the plane of N and D, as an SVG file; ``--picture`` and a directory give the others."""

from __future__ import annotations

from scalecheck.facts import Report


def render(report: Report, *, color: bool = False) -> str:  # noqa: ARG001 - every format has this signature
    """Return the picture.

    Raises:
        ScalecheckError: it cannot be drawn; or matplotlib is not installed, and what to install.
    """
    from scalecheck import page
    from scalecheck.drawing import files

    return files.content(page.pictures_of(report), "svg").decode()
