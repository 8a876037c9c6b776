"""The screenshots that are kept are all there, and small enough to be kept."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
MOST_BYTES = 150_000


def test_screenshots_are_those_of_three_pages_on_two_screens_in_two_schemes():
    pages = ("report-single", "report-sweep", "fit")
    wanted = {f"{page}-{screen}-{scheme}.png" for page in pages for screen in ("desktop", "phone") for scheme in ("light", "dark")}
    assert {path.name for path in FOLDER.iterdir()} == wanted
    assert max(path.stat().st_size for path in FOLDER.iterdir()) < MOST_BYTES
