"""The terminal's text, against files that a human reads."""

from __future__ import annotations

import pytest

from scalecheck.formats.terminal import render

NAMES = ("pass", "warn", "stop", "over_budget", "unknown", "nothing", "finetune", "overtrained", "sweep")


@pytest.mark.parametrize("name", NAMES)
def test_golden(situations, golden, name):
    golden(f"{name}.txt", render(situations[name]))


def test_every_situation_has_a_golden(situations):
    assert set(situations) == set(NAMES)


def test_pass_is_one_line(situations):
    assert render(situations["pass"]).count("\n") == 1


def test_color_is_on_words_only_and_off_by_default(situations):
    plain, colored = render(situations["stop"]), render(situations["stop"], color=True)
    assert "\x1b" not in plain
    assert "\x1b[31merror\x1b[0m" in colored


def test_identical_findings_of_several_jobs_are_folded(situations):
    assert render(situations["sweep"]).count("[undertrained]") == 1
    assert "and 1 more" in render(situations["sweep"])


def test_hostile_text_forges_no_line_and_no_color(hostile):
    text = render(hostile)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not [line for line in text.splitlines() if line.startswith(("scalecheck: pass: forged", "::error"))]


def test_long_sweep_shows_what_does_not_pass(report_of):
    GPT2, RUN = report_of.parts

    short = {**RUN, "trainer": {**RUN["trainer"], "max_steps": 3}}
    text = render(
        report_of(*[{"model": GPT2, **RUN}] * 60, {"model": GPT2, **short}, overrides=[[f"seed={number}"] for number in range(61)])
    )
    assert "60 more jobs not shown" in text
    assert "seed=60" in text
