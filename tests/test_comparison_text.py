"""A comparison in words: columns, Markdown that no config text breaks out of, JSON; and no word where nothing changes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalecheck.comparing import beyond, compare
from scalecheck.comparison_text import MOST_ROWS, Compared, json_text, markdown, sentence, terminal
from scalecheck.factors import Factor

HOSTILE = [
    "\n::error::x",
    "a|b",
    "<script>alert(1)</script>",
    "\u202egnp",
    "\0",
    "\ud800",
    "`x` **y**",
    "@someone",
    "[a](http://b)",
    "-->",
    "x\r\ny",
]


def job(name: str, flops: int | None = 10**18, message: str | None = None, expense: Any = None, severity: str = "error") -> dict[str, Any]:
    found = {"rule": "undertrained", "severity": severity, "message": message, "origin": {"key": "k", "file": message, "line": 2}}
    figures = {"total_params": 10**9, "training_tokens": 10**9, "training_flops": flops, "tokens_per_parameter": 1.0, "expense": expense}
    remedies = {"remedies": [message]}
    return {"name": "0", "overrides": [name], "findings": [] if message is None else [found | remedies]} | figures


def compared(base: list[Any], head: list[Any], **more: Any) -> Compared:
    comparison = compare({"jobs": base}, {"jobs": head}, Factor(text="1%", value=1.01))
    limits = {"training_flops": Factor(text="1.5x", value=1.5)}
    return Compared(comparison=comparison, base="main", head="here", increases=beyond(comparison, limits), **more)


CHANGED = compared([job("a"), job("b"), job("d")], [job("a", 3 * 10**18), job("c", message="too short"), job("d")], remarks=("as it is",))


def test_terminal():
    assert terminal(CHANGED) == (
        "scalecheck: main -> here: 1 of 2 jobs changed, 1 new, 1 removed; training FLOPs in all 3.00e18 -> 5.00e18 (x1.67); "
        "1 increase beyond the limit; 1 new finding\n"
        "note: as it is\n"
        "Job              N      D                           C  tokens/param\n"
        "a            1.00B  1.00B   1.00e18 -> 3.00e18 (x3.0)           1.0\n"
        "c (new)      1.00B  1.00B                     1.00e18           1.0\n"
        "b (removed)  1.00B  1.00B                     1.00e18           1.0\n"
        "all 3 jobs          3.00B  3.00e18 -> 5.00e18 (x1.67)\n"
        "1 job unchanged (within 1%)\n"
        "error: a: training FLOPs 1.00e18 -> 3.00e18 (x3.0), and the limit is 1.5x [fail_on_increase]\n"
        "new error: c: too short:2: too short [undertrained]\n"
        "  try: too short\n"
    )


def test_markdown():
    assert markdown(CHANGED) == (
        "**scalecheck: main -> here: 1 of 2 jobs changed, 1 new, 1 removed; training FLOPs in all 3.00e18 -> 5.00e18 (x1.67); "
        "1 increase beyond the limit; 1 new finding**\n\n"
        "> as it is\n\n"
        "| Job | N | D | C | tokens/param |\n"
        "| --- | ---: | ---: | ---: | ---: |\n"
        "| `a` | 1.00B | 1.00B | 1.00e18 -> 3.00e18 (x3.0) | 1.0 |\n"
        "| `c` (new) | 1.00B | 1.00B | 1.00e18 | 1.0 |\n"
        "| `b` (removed) | 1.00B | 1.00B | 1.00e18 | 1.0 |\n"
        "| all 3 jobs |  | 3.00B | 3.00e18 -> 5.00e18 (x1.67) |  |\n\n"
        "1 job unchanged (within 1%)\n\n"
        "- **error** `fail_on_increase` · `a`: training FLOPs 1.00e18 -> 3.00e18 (x3.0), and the limit is 1.5x\n\n"
        "- **error** `undertrained` · `too short:2` · `c`: too short\n"
        "  - `too short`\n"
    )


def test_fixed_findings_and_new_notes_are_folded():
    text = markdown(compared([job("a", message="old")], [job("a", 10**19), job("b", message="new", severity="note")]))
    assert re.findall("<summary>(.*)</summary>", text) == ["1 fixed finding", "1 new note"]


def test_nothing_that_changes_is_no_text_and_json_says_so():
    quiet = compared([job("a")], [job("a", 10**18 + 1)])
    assert terminal(quiet) == markdown(quiet) == ""
    assert json.loads(json_text(quiet))["changed"] is False


def test_note_alone_is_no_change_unless_notes_fail():
    both = [job("a")], [job("a", message="m", severity="note")]
    assert compared(*both).is_quiet
    assert not compared(*both, fail_level="note").is_quiet


def test_hours_and_cost_have_columns_where_they_are_known():
    base, head = ([job("a", expense={"gpu_hours": hours, "cost_usd": 2.0 * hours})] for hours in (700, 1400))
    assert "| 700 -> 1,400 (x2.0) | $1,400 -> $2,800 (x2.0) |" in markdown(compared(base, head))


def test_increase_that_cannot_be_checked_says_so():
    assert "1.00e18 -> unknown, so the limit of 1.5x cannot be checked" in terminal(compared([job("a")], [job("a", None)]))


def test_from_no_jobs_at_all():
    assert "0 of 0 jobs changed, 1 new; training FLOPs in all 0 -> 1.00e18\n" in terminal(compared([], [job("a")]))


def test_rows_are_bounded_the_largest_change_first_and_the_rest_is_counted():
    number = MOST_ROWS + 7
    head = [job(f"s={n}", (n + 2) * 10**18, message="x" * 900) for n in range(number)]
    shown = compared([job(f"s={n}") for n in range(number)], head)
    lines = terminal(shown).splitlines()
    assert lines[2].startswith(f"s={number - 1} ")
    assert "7 more jobs with smaller changes not shown; the json format has all" in lines
    assert len(markdown(shown)) < 60_000
    assert len(json.loads(json_text(shown))["jobs"]) == number


texts = st.sampled_from(HOSTILE) | st.text(max_size=40) | st.text(st.characters(), max_size=20)


@given(texts, texts)
def test_config_text_stays_in_its_cell_and_line(name, message):
    shown = compared([job("a")], [job("a", 3 * 10**18), job(f"n={name}", message=message)], remarks=(message,))
    reference = compared([job("a")], [job("a", 3 * 10**18), job("n=x", message="x")], remarks=("x",))
    text = markdown(shown)
    rows = [line for line in text.split("\n") if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}
    assert len(text.split("\n")) - text.count("\n  - ") == len(markdown(reference).split("\n")) - 1
    outside_of_code = re.sub("`[^`\n]*`", "", text)
    assert set(re.findall(r"<[^>]*>", outside_of_code)) <= {"<code>", "</code>", "<!-- -->"}
    assert not re.search(r"@\w|\]\(|http://", outside_of_code)
    console = terminal(shown)
    assert all(line.isprintable() and not line.startswith("::") for line in console.split("\n"))
    assert json.loads(json_text(shown))["jobs"][1]["overrides"] == [f"n={name}"]


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_revisions_are_no_markup_either(text):
    shown = Compared(comparison=CHANGED.comparison, base=text, head="here")
    assert len(markdown(shown).split("\n")[0]) >= len(sentence(shown).strip()) - 5
    assert "<script" not in markdown(shown)
    assert "\n::" not in terminal(shown)
