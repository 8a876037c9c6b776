"""GitLab's Code Quality artifact: its required keys, and fingerprints that are unique and stay."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalecheck.facts import Finding, Origin, Report
from scalecheck.formats.gitlab import render
from scalecheck.text import clean

MARKS = ["<", ">", '"', "\\", "\n", "\x00", "\ud800", "/", "..", " "]
hostile_texts = st.lists(st.sampled_from(MARKS) | st.characters(), min_size=1, max_size=30).map("".join)
# docs.gitlab.com/ci/testing/code_quality, "Code Quality report format"
SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


def issues(report):
    """Return the issues, each with all that GitLab requires."""
    found = json.loads(render(report).encode(), parse_constant=pytest.fail)
    assert isinstance(found, list)
    for issue in found:
        assert set(issue) >= {"description", "check_name", "fingerprint", "severity", "location"}
        assert all(isinstance(issue[key], str) and issue[key] for key in ("description", "check_name", "fingerprint"))
        assert issue["severity"] in SEVERITIES
        assert isinstance(issue["location"]["lines"]["begin"], int)
        assert issue["location"]["lines"]["begin"] >= 1
        assert issue["location"]["path"]
        assert not re.match(r"\./|/|\.\.(/|$)", issue["location"]["path"])
    assert len({issue["fingerprint"] for issue in found}) == len(found)
    return found


def test_every_situation_has_the_required_keys(situations):
    assert {name for name, report in situations.items() if issues(report)} >= {"stop", "sweep"}


def test_issue_tells_rule_job_and_place(situations):
    first = issues(situations["sweep"])[0]
    assert first["description"].startswith("undertrained: job 1 (a=2 b=x): 1.5 tokens per parameter")
    assert (first["check_name"], first["severity"]) == ("undertrained", "major")
    assert first["location"] == {"path": "conf/trainer/default.yaml", "lines": {"begin": 3}}


@pytest.mark.parametrize(("severity", "shown"), [("note", "info"), ("warning", "minor"), ("error", "major"), (None, "info")])
def test_severities(severity, shown):
    assert [issue["severity"] for issue in issues(Report(jobs=(), findings=(Finding(rule="r", message="m", severity=severity),)))] == [
        shown
    ]


def test_waived_findings_are_no_issues(situations):
    assert not [issue for issue in issues(situations["waived"]) if "job 2" in issue["description"]]


def test_finding_without_a_file_stands_at_the_config(situations):
    job = replace(situations["stop"].jobs[0], findings=(Finding(rule="r", message="m", severity="error"),))
    for config, path in (("conf/train.yaml", "conf/train.yaml"), ("", "scalecheck"), ("/elsewhere/x.yaml", "scalecheck")):
        assert [issue["location"]["path"] for issue in issues(replace(situations["stop"], jobs=(replace(job, config=config),)))] == [path]


def test_fingerprints_stay_when_values_and_lines_change(situations):
    def changed(finding):
        return replace(
            finding, message="2.5 tokens per parameter", origin=Origin(key=finding.origin.key, file=finding.origin.file, line=77)
        )

    report = situations["sweep"]
    other = replace(report, jobs=tuple(replace(job, findings=tuple(map(changed, job.findings))) for job in report.jobs))
    assert [issue["fingerprint"] for issue in issues(other)] == [issue["fingerprint"] for issue in issues(report)]
    assert [issue["description"] for issue in issues(other)] != [issue["description"] for issue in issues(report)]


def test_path_is_relative_to_the_project_dir(situations, tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    assert issues(situations["stop"])[0]["location"]["path"] == "sub/conf/trainer/default.yaml"


def holds(report, text):
    found = issues(report)
    assert len(found) == 4
    assert all(issue["description"].endswith(f": {clean(text)}") for issue in found)


def test_hostile_text_of_the_list_is_read_back(filled, hostile_text):
    holds(filled(hostile_text), hostile_text)


@pytest.mark.extended
@settings(max_examples=200, deadline=None)
@given(hostile_texts)
def test_hostile_text_is_read_back(filled, text):
    holds(filled(text), text)
