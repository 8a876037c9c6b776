"""Pages: a report, or any pictures, as one HTML file that opens without a network; and pictures for a notebook.

Every text passes jinja2's escaping; only the SVG that ``drawing.svg`` wrote, and this package's own CSS and script, are put in as they
are. A policy in the page itself forbids every other script and every request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scalecheck.drawing.scene import Picture
    from scalecheck.facts import Report


def html_of_report(report: Report) -> str:
    """Return a report as one HTML file. A picture that cannot be made is a sentence in it.

    Raises:
        ScalecheckError: matplotlib or jinja2 is not installed; what to install.
    """
    from scalecheck.page import content, template

    return template.render("report.html.j2", content.of_report(report))


def html_of_pictures(title: str, lead: str, pictures: Sequence[Picture], about: Sequence[tuple[str, str]] = ()) -> str:
    """Return pictures as one HTML file: the title, the lead, a sentence of what was found, and lines of name and value about them.

    Raises:
        ScalecheckError: as ``html_of_report``.
    """
    from scalecheck.page import content, template

    return template.render("report.html.j2", content.of_pictures(title, lead, pictures, about))


def fragment(pictures: Sequence[Picture], lead: str) -> str:
    """Return pictures as a piece of HTML for a notebook, with a style of its own and no script; wide, light or dark as the reader's screen.

    Raises:
        ScalecheckError: as ``html_of_report``.
    """
    from scalecheck.page import content, template

    return template.render("fragment.html.j2", content.of_fragment(pictures, lead))


def pictures_of(report: Report) -> tuple[Picture, ...]:
    """Return every picture of a report in its order; one that fails is a picture that cannot be drawn, whose note says so."""
    from scalecheck.page import drawings

    return drawings.of_report(report)
