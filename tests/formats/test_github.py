"""Workflow commands, read back as the runner of GitHub Actions reads them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalecheck.facts import Finding, Origin, Report
from scalecheck.formats.github import command, render
from scalecheck.text import clean

MARKS = ["::", "%", "%0A", "\n", "\r", ",", ":", "##[", "]", "error", "\x85", "\u2028", "\ud800", " "]
hostile_texts = st.lists(st.sampled_from(MARKS) | st.characters(), min_size=1, max_size=30).map("".join)
BACK = (("%0A", "\n"), ("%0D", "\r"), ("%25", "%"))


def commands(text):
    """Return the commands of a log as (name, properties, data), and its other lines: src/Runner.Common/ActionCommand.cs of actions/runner."""
    found, rest = [], []
    for line in text.splitlines():
        if not line.lstrip().startswith("::"):
            assert "##[" not in line, "a command of the runner's first kind, which may stand anywhere"
            rest.append(line)
            continue
        head, _, data = line.lstrip()[2:].partition("::")
        name, _, properties = head.partition(" ")
        pairs = dict(item.split("=", 1) for item in properties.split(",") if item)
        found.append(
            (name, {key: unescaped(value, (("%3A", ":"), ("%2C", ","), *BACK)) for key, value in pairs.items()}, unescaped(data, BACK))
        )
    return found, rest


def unescaped(text, table):
    for escaped, plain in table:
        text = text.replace(escaped, plain)
    return text


def findings(count, severity="error"):
    return tuple(Finding(rule="over_budget", severity=severity, message=f"{severity} {number}") for number in range(count))


def counted(report):
    found, _ = commands(render(report))
    return {name: sum(kind == name for kind, _, _ in found) for name in ("error", "warning", "notice")}


def test_annotation_has_place_title_and_message(situations):
    ((name, properties, data), *notes), rest = commands(render(situations["stop"]))
    assert name == "error"
    assert properties == {"file": "conf/trainer/default.yaml", "line": "3", "title": "scalecheck undertrained"}
    assert data.startswith("1.5 tokens per parameter; ")
    assert "\ntry: trainer.max_steps=4722  same model, compute-optimal, 13x the compute\nor: about " in data
    assert [kind for kind, _, _ in notes] == ["notice"]
    assert rest == ["scalecheck: stop: 1 job checked: 1 error, 1 note"]


@pytest.mark.parametrize(
    ("text", "as_data", "as_property"),
    [
        ("100% of a:b,c", "100%25 of a:b,c", "100%25 of a%3Ab%2Cc"),
        ("a\r\nb", "a%0D%0Ab", "a%0D%0Ab"),
        ("%0A", "%250A", "%250A"),
        ("\x85\ud800", "\\x85\\ud800", "\\x85\\ud800"),
    ],
)
def test_escaping_is_that_of_the_toolkit(text, as_data, as_property):
    assert command("error", text, title=text) == f"::error title={as_property}::{as_data}"


def test_empty_property_is_left_out():
    assert command("notice", "x", file="", title="t") == "::notice title=t::x"


def test_finding_of_several_jobs_is_one_annotation(situations):
    found, _ = commands(render(situations["sweep"]))
    assert [data.partition(":")[0] for kind, _, data in found if kind == "error"] == ["job 1 (a=2 b=x) and 1 more"]


def test_waived_findings_are_counted_and_not_annotated(situations):
    found, rest = commands(render(situations["waived"]))
    assert not [data for _, _, data in found if "job 2" in data]
    assert rest == ["scalecheck: stop: 3 jobs checked: 1 error, 2 notes; 2 waived"]


@pytest.mark.parametrize(
    ("errors", "notes", "shown"),
    [(10, 10, (10, 10)), (11, 0, (10, 1)), (11, 9, (10, 10)), (11, 10, (10, 10)), (0, 11, (0, 10)), (300, 300, (10, 10))],
)
def test_at_most_ten_of_a_level_and_a_notice_on_the_rest(errors, notes, shown):
    report = Report(jobs=(), findings=(*findings(errors), *findings(notes, "note")))
    got = counted(report)
    assert (got["error"], got["notice"]) == shown
    last = commands(render(report))[0][-1][2]
    hidden = (max(errors - 10, 0), max(notes - 9, 0) if errors > 10 or notes > 10 else 0)
    for count, name in zip(hidden, ("error", "note"), strict=True):
        assert (f"{count} {name}" in last) is bool(count)
    assert ("json:FILE has all" in last) is any(hidden)


def test_paths_are_relative_to_the_checkout(situations, tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert commands(render(situations["stop"]))[0][0][1]["file"] == "sub/conf/trainer/default.yaml"


def test_file_outside_of_the_checkout_is_none(situations):
    job = situations["stop"].jobs[0]
    outside = replace(job.findings[0], origin=Origin(file="/usr/lib/x.yaml", line=3))
    found, _ = commands(render(replace(situations["stop"], jobs=(replace(job, findings=(outside,)),))))
    assert "file" not in found[0][1]
    assert "line" not in found[0][1]


def holds(report, text):
    found, rest = commands(render(report))
    assert sorted(kind for kind, _, _ in found) == ["error", "notice", "warning"]
    assert rest == ["scalecheck: stop: 2 jobs checked: 2 errors, 1 warning, 1 note; 1 waived"]
    for _, properties, data in found:
        assert set(properties) <= {"file", "line", "title"}
        assert clean(text) in data
        assert ".." not in properties.get("file", "").split("/")


def test_hostile_text_of_the_list_starts_no_command(filled, hostile_text):
    holds(filled(hostile_text), hostile_text)


@settings(max_examples=200, deadline=None)
@given(hostile_texts)
def test_hostile_text_starts_no_command(filled, text):
    holds(filled(text), text)
