"""Colours: no role stands for another, and marks and words can be told from the ground in both themes."""

from __future__ import annotations

import re

import pytest

from scalecheck.drawing.palette import MARKERS, PALETTE, css, declarations

WORDS = ("ink", "muted", "law", "contour", "pass", "warn", "stop", "silent", "remedy")
GROUNDS = ("ground", "fitted", "band", "grid")


def luminance(color: str) -> float:
    """Return the relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", WORDS)
def test_what_is_written_in_a_role_can_be_read(name: str, theme: str) -> None:
    assert contrast(getattr(PALETTE[name], theme), getattr(PALETTE["ground"], theme)) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", sorted(set(PALETTE) - set(GROUNDS) - {"other_law", "budget", "known", "part_4"}))
def test_marks_stand_out_from_the_ground(name: str, theme: str) -> None:
    assert contrast(getattr(PALETTE[name], theme), getattr(PALETTE["ground"], theme)) >= 3


def test_a_light_colour_stands_for_one_role() -> None:
    light = [color.light for color in PALETTE.values()]
    assert len(set(light)) == len(light)


def test_colours_are_six_lower_case_digits_as_matplotlib_writes_them() -> None:
    assert all(re.fullmatch("#[0-9a-f]{6}", value) for color in PALETTE.values() for value in (color.light, color.dark))


def test_every_verdict_has_a_colour_and_a_shape_of_its_own() -> None:
    verdicts = ("pass", "warn", "stop", "silent")
    assert set(verdicts) <= set(PALETTE)
    assert len({MARKERS[name] for name in verdicts}) == len(verdicts)


def test_declarations_are_of_their_theme() -> None:
    assert f"{css('part_1')}:{PALETTE['part_1'].dark};" in declarations("dark")
    assert css("part_1") == "--c-part-1"
