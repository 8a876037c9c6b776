"""The first picture of a report, the plane of N and D, as a PNG file; ``--picture`` and a directory give the others."""

from __future__ import annotations

from scalecheck.facts import Report

BINARY = True
"""What is rendered are bytes, which are no text for a terminal."""


def render(report: Report, *, color: bool = False) -> bytes:  # noqa: ARG001 - every format has this signature
    """Return the picture, in the light theme.

    Raises:
        ScalecheckError: it cannot be drawn; or matplotlib is not installed, and what to install.
    """
    from scalecheck import page
    from scalecheck.drawing import files

    return files.content(page.pictures_of(report), "png")
