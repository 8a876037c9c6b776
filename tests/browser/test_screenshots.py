"""The screenshots that are kept are all there, small enough to be kept, and in the colours of the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from scalecheck.drawing.palette import PALETTE

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
MOST_BYTES = 150_000


def test_screenshots_are_those_of_three_pages_on_two_screens_in_two_schemes():
    pages = ("report-single", "report-sweep", "fit")
    wanted = {f"{page}-{screen}-{scheme}.png" for page in pages for screen in ("desktop", "phone") for scheme in ("light", "dark")}
    assert {path.name for path in FOLDER.iterdir()} == wanted
    assert max(path.stat().st_size for path in FOLDER.iterdir()) < MOST_BYTES


@pytest.mark.parametrize("screen", ["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_few_colours_are_still_those_of_the_verdicts(screen, scheme):
    with Image.open(FOLDER / f"report-sweep-{screen}-{scheme}.png") as image:
        colors = [color for _, color in image.convert("RGB").getcolors(256)]
    for role in ("pass", "warn", "stop", "contour", "law"):
        wanted = bytes.fromhex(getattr(PALETTE[role], scheme)[1:])
        assert min(sum(abs(one - other) for one, other in zip(color, wanted, strict=True)) for color in colors) < 24, role
