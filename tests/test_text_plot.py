"""The plane as text: marks stand where their figures are, and nothing is at zero, too wide, too high, or drawn on a user's figure."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import pytest

from scalecheck import registry
from scalecheck.drawing.plane_limits import limits
from scalecheck.drawing.plane_scene import PlanePoint, PlaneScene
from scalecheck.facts import Account, Job, Reading, Report, Run, TrainingPlan
from scalecheck.text_plot import MOST_LINES, plane_text, report_text

LAW = registry.load("laws", "hoffmann2022_a1").LAW
RUN = PlanePoint(params=1e9, tokens=2e9, role="stop")


def drawn(*spots, law=LAW, width=80, height=MOST_LINES, **options):
    return plane_text(scene_of(*spots, law=law), width, height, **options)


def scene_of(*spots, law=LAW):
    params, tokens = limits(spots, law)
    return PlaneScene(params=params, tokens=tokens, points=spots, laws=(law,) if law else ())


def cells(text, character):
    """Return the column and row of each place of a character within the frame, from its lower left corner."""
    rows = [found.group(1) for line in text.splitlines() if (found := re.fullmatch(r"[ 0-9.KMBTe+-]*[│┤](.*)│", line))]
    inside = list(reversed(rows))
    return [(column, row) for row, line in enumerate(inside) for column, found in enumerate(line) if found == character]


def test_a_run_below_the_optimum_is_drawn_below_the_line():
    text = drawn(RUN)
    ((column, row),) = cells(text, "x")
    line = [(x, y) for x, y in braille(text) if x == column]
    assert line
    assert all(y > row for _, y in line)
    over = drawn(replace(RUN, tokens=2e12))
    ((column, row),) = cells(over, "x")
    assert all(y < row for x, y in braille(over) if x == column)


def braille(text):
    return [place for character in set(text) if "⠀" < character <= "⣿" for place in cells(text, character)]


def test_places_are_proportional_to_the_decimal_logarithms():
    text = drawn(*(PlanePoint(params=10.0**power, tokens=10.0 ** (power + 1), role="pass") for power in (6, 7, 8, 9)), law=None)
    places = sorted(cells(text, "o"))
    steps = [right[0] - left[0] for left, right in pairwise(places)]
    assert len(places) == 4
    assert max(steps) - min(steps) <= 1
    assert sorted(places, key=lambda place: place[1]) == places


def test_ticks_stand_below_the_powers_of_ten_that_they_name():
    text = drawn(PlanePoint(params=1e8, tokens=1e9, role="pass"), PlanePoint(params=1e9, tokens=1e10, role="warn"), law=None)
    lines = text.splitlines()
    frame = next(line for line in lines if "┬" in line)
    ticks = [number for number, character in enumerate(frame) if character == "┬"]
    labels = lines[lines.index(frame) + 1]
    assert labels.split() == ["10M", "100M", "1B", "10B"]
    left = next(number for number, character in enumerate(frame) if character == "└")
    assert [column + left + 1 for mark in "o!" for column, _ in cells(text, mark)] == ticks[1:3]
    assert all(abs(labels.index(word) + len(word) / 2 - tick) <= 1.5 for word, tick in zip(labels.split(), ticks, strict=True))


def test_every_verdict_has_its_character_and_the_legend_says_so():
    spots = [
        PlanePoint(params=10.0**9 * (number + 1), tokens=1e10, role=name) for number, name in enumerate(("stop", "warn", "pass", "silent"))
    ]
    text = drawn(*spots)
    assert [len(cells(text, character)) for character in "x!o?"] == [1, 1, 1, 1]
    legend = text.splitlines()[-2] + "   " + text.splitlines()[-1]
    for entry in (
        "x stop",
        "! warn",
        "o pass",
        "? no verdict",
        "compute-optimal (hoffmann2022_a1)",
        "C = 6ND = 2.40e20 FLOPs, the largest",
    ):
        assert entry in legend
    assert "stop" not in drawn(replace(RUN, role="pass"))


def test_worst_verdict_is_above_the_others_at_the_same_place():
    assert not cells(drawn(RUN, replace(RUN, role="pass"), replace(RUN, role="warn")), "o")
    assert len(cells(drawn(replace(RUN, role="pass"), RUN), "x")) == 1


def test_diagonal_goes_through_the_run_that_it_is_of():
    text = drawn(RUN)
    ((column, row),) = cells(text, "x")
    beside = [place for place in cells(text, "·") if place[0] in (column - 1, column + 1)]
    assert len(beside) == 2
    assert all(abs(y - row) <= 1 for _, y in beside)
    assert "· C = 6ND = 1.20e19 FLOPs   " in text


def test_unknown_tokens_are_a_vertical_line_and_unknown_parameters_a_horizontal_one():
    text = drawn(replace(RUN, tokens=None))
    columns = {column for column, _ in cells(text, "|")}
    assert len(columns) == 1
    assert len(cells(text, "|")) > 10
    assert "| N known, D unknown" in text
    assert not cells(text, "x")
    sideways = drawn(replace(RUN, params=None))
    rows = {row for _, row in cells(sideways, "-")}
    assert len(rows) == 1
    assert len(cells(sideways, "-")) > 40
    assert "- D known, N unknown" in sideways


def test_without_a_law_there_is_no_line_of_one():
    assert braille(drawn(RUN))
    assert not braille(drawn(RUN, law=None))
    assert "compute-optimal" not in drawn(RUN, law=None)
    assert "| N known, D unknown" in drawn(replace(RUN, tokens=None), law=None)


def test_remedies_are_below_the_run():
    remedy = replace(RUN, role="remedy")
    text = drawn(remedy, RUN, replace(remedy, tokens=2e10))
    assert (len(cells(text, "+")), len(cells(text, "x"))) == (1, 1)
    assert "+ remedy, or optimum" in text


def test_terminal_of_another_size_changes_nothing(monkeypatch):
    before = drawn(RUN, width=100)
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "5")
    assert drawn(RUN, width=100) == before


@pytest.mark.parametrize("is_ascii", [False, True])
@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("height", [18, MOST_LINES])
def test_plot_keeps_to_its_width_and_height(width, height, is_ascii):
    spots = (RUN, replace(RUN, role="pass", tokens=5e12), replace(RUN, role="warn", tokens=None), replace(RUN, params=None))
    text = drawn(*spots, width=width, height=height, is_ascii=is_ascii)
    assert max(map(len, text.splitlines())) <= width
    assert len(text.splitlines()) <= height
    assert text.isascii() == is_ascii


@pytest.mark.parametrize("exponents", [(0, 190), (8, 8.001), (198, 199)])
def test_far_apart_and_close_by(exponents):
    spots = [PlanePoint(params=10.0**power, tokens=10.0**power, role="pass") for power in exponents]
    assert 1 <= len(cells(drawn(*spots, law=None), "o")) <= 2
    assert re.search(r"C = 6ND = [0-9.]+e\d+ FLOPs", drawn(*spots, law=None))


def job(params, tokens, *, verdict="warn", number=0):
    account = Account(total_params=params, training_tokens=tokens)
    run = Run(reading=Reading(plan=TrainingPlan(training_tokens=tokens)), account=account, judge=LAW.name)
    return Job(name=str(number), overrides=(), run=run, findings=(), verdict=verdict)


@pytest.mark.parametrize(
    ("params", "tokens"), [(None, None), (10**400, 10**9), (10**9, 10**301), (math.inf, 1.0), (math.nan, 1.0), (0, 10**9), (10**9, 0)]
)
def test_what_has_no_place_is_left_out_and_said(params, tokens):
    text = report_text(Report(jobs=(job(params, tokens), job(10**9, 10**10))), 120)
    assert len(cells(text, "!")) == 1
    assert text.splitlines()[-1].startswith("1 job left out: ")
    assert len(text.splitlines()) <= MOST_LINES
    alone = report_text(Report(jobs=(job(params, tokens),)), 120)
    assert alone == "Nothing is drawn: of no job are N or D known, within what can be drawn."


def test_ten_thousand_jobs_are_one_plot():
    jobs = tuple(job(10**8 + number * 10**6, 10**10 + number * 10**7, verdict="pass") for number in range(10_000))
    text = report_text(Report(jobs=jobs), 100)
    assert len(text.splitlines()) <= MOST_LINES
    assert len(cells(text, "o")) > 10
    assert re.search(r"\n500 of [0-9,]+ places are drawn, the worst verdicts first\.", text)


def test_many_unknowns_do_not_fill_the_plane():
    spots = [PlanePoint(params=10.0 ** (6 + number / 100), tokens=None, role="warn") for number in range(500)]
    assert len({column for column, _ in cells(drawn(*spots), "|")}) <= 12


def test_what_a_user_has_plotted_is_as_it_was():
    code = """
import plotext
from scalecheck.drawing.plane_scene import PlanePoint, PlaneScene
from scalecheck.text_plot import plane_text
new = hasattr(plotext, "figure")
def shown():
    return plotext.figure.build().string(True) if new else plotext.uncolorize(plotext.build())
if new:
    plotext.figure.draw(plotext.figure.signal([1, 2, 3], [3, 1, 2], marker="u"))
    plotext.figure.title("mine")
else:
    plotext.scatter([1, 2, 3], [3, 1, 2], marker="u")
    plotext.title("mine")
before = shown()
scene = PlaneScene(params=(1e8, 1e10), tokens=(1e8, 1e10), points=(PlanePoint(params=1e9, tokens=2e9, role="stop"),))
text = plane_text(scene, 60, 20)
assert "mine" not in text and "u" not in text.split("\\n")[3]
assert "mine" in before
assert shown() == before
print("kept")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "kept\n", done.stderr
