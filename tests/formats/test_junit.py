"""JUnit XML, against the schema that Jenkins reads it by."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from scalecheck.facts import Finding, Report
from scalecheck.formats.junit import render
from scalecheck.text import clean

XSD = Path(__file__).parents[1] / "data" / "junit" / "junit-10.xsd"
MARKS = ["<", ">", "&", "&amp;", "]]>", "<!--", '"', "'", "\x00", "\x0b", "\ufffe", "\ud800", "\n", "\t"]
hostile_texts = st.lists(st.sampled_from(MARKS) | st.characters(), min_size=1, max_size=30).map("".join)


@cache
def schema():
    return etree.XMLSchema(etree.parse(XSD))


def suite(report):
    """Return the suite, valid, with totals that are true and names that are its cases' own."""
    root = etree.fromstring(render(report).encode(), etree.XMLParser(resolve_entities=False, huge_tree=True))
    assert schema().validate(root), schema().error_log
    assert root.tag == "testsuite"
    assert int(root.get("tests")) == len(root)
    assert int(root.get("failures")) == len(root.findall("testcase/failure"))
    assert int(root.get("skipped")) == len(root.findall("testcase/skipped"))
    names = [case.get("name") for case in root]
    assert len(set(names)) == len(names)
    return root


def case(report, name):
    (found,) = [item for item in suite(report) if item.get("name") == name]
    return found


def test_schema_refuses_what_others_write():
    assert not schema().validate(
        etree.fromstring('<testsuite name="a" tests="1" failures="0" errors="0"><testcase name="b" line="3"/></testsuite>')
    )


def test_every_situation_is_valid(situations):
    assert all(len(suite(report)) >= len(report.jobs) for report in situations.values())


def test_a_case_per_job_and_rule_and_one_that_the_job_was_checked(situations):
    assert [item.get("name") for item in suite(situations["waived"])] == [
        "checked[conf/train.yaml a=1]",
        "assumed_values[conf/train.yaml a=1]",
        "checked[conf/train.yaml a=2 b=x]",
        "undertrained[conf/train.yaml a=2 b=x]",
        "assumed_values[conf/train.yaml a=2 b=x]",
        "checked[conf/train.yaml a=3 b=x]",
        "undertrained[conf/train.yaml a=3 b=x]",
        "assumed_values[conf/train.yaml a=3 b=x]",
    ]


def test_error_is_a_failure_with_its_remedies(situations):
    failure = case(situations["waived"], "undertrained[conf/train.yaml a=2 b=x]").find("failure")
    assert failure.get("type") == "undertrained"
    assert failure.get("message").startswith("1.5 tokens per parameter")
    assert failure.text.startswith("conf/trainer/default.yaml:3: error: 1.5 tokens")
    assert "\n  try: trainer.max_steps=4722" in failure.text


@pytest.mark.parametrize("severity", ["warning", "note"])
def test_warning_passes_as_it_does_for_the_exit_code(severity):
    only = case(Report(jobs=(), findings=(Finding(rule="r", message="m", severity=severity),)), "r[all jobs]")
    assert [(child.tag, child.text) for child in only] == [("system-out", f"{severity}: m [r]")]


def test_waived_is_skipped_with_its_reason(situations):
    skipped = case(situations["waived"], "undertrained[conf/train.yaml a=3 b=x]")
    assert skipped.find("skipped").get("message") == "smoke-scale ablation (until 2026-12-31, mia)"
    assert skipped.find("failure") is None


def test_rule_with_a_waived_and_a_counted_error_fails(situations):
    job = situations["stop"].jobs[0]
    both = (Finding(rule="r", message="a", severity="error", waived="w"), Finding(rule="r", message="b", severity="error"))
    found = case(replace(situations["stop"], jobs=(replace(job, findings=both),)), "r")
    assert [child.tag for child in found] == ["failure", "system-out"]
    assert found.find("failure").get("message") == "b"


def holds(report, text):
    root = suite(report)
    assert len(root) == 7
    failures = root.findall("testcase/failure")
    assert [failure.get("message") for failure in failures] == [clean(text)] * 2
    assert all(f"error: {clean(text)} [undertrained]" in failure.text for failure in failures)
    assert [skipped.get("message") for skipped in root.findall("testcase/skipped")] == [clean(text)]


def test_hostile_text_of_the_list_is_read_back(filled, hostile_text):
    holds(filled(hostile_text), hostile_text)


@settings(max_examples=200, deadline=None)
@given(hostile_texts)
def test_hostile_text_is_read_back(filled, text):
    holds(filled(text), text)
