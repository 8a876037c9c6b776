"""SARIF, against the schema of OASIS and what GitHub asks for beyond it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from urllib.parse import unquote_to_bytes

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalecheck import __version__, registry
from scalecheck.facts import Finding, Origin, Report
from scalecheck.formats import sarif
from scalecheck.formats.sarif import render
from scalecheck.text import clean

SCHEMA = Path(__file__).parents[1] / "data" / "sarif" / "sarif-schema-2.1.0.json"
MARKS = ["[a](b)", "](", "{0}", "\\", '"', "\x00", "\ud800", "%", " ", ":", "/", "../", "\n", "é"]
hostile_texts = st.lists(st.sampled_from(MARKS) | st.characters(), min_size=1, max_size=30).map("".join)
URI = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/%")


@cache
def validator():
    return jsonschema.Draft4Validator(json.loads(SCHEMA.read_text()))


def run_of(report):
    """Return the run, valid by the schema, with all that GitHub's docs call required ("SARIF support for code scanning")."""
    log = json.loads(render(report).encode(), parse_constant=pytest.fail)
    validator().validate(log)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for rule in rules:
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
        assert rule["help"]["text"]
        assert len(rule["properties"]["tags"]) <= 10
        assert rule["name"].lower() != rule["id"].replace("_", "")
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("note", "warning", "error")
        assert result["message"]["text"]
        assert set(result["partialFingerprints"]) >= {"primaryLocationLineHash"}
        place = result["locations"][0]["physicalLocation"]
        assert set(place["artifactLocation"]["uri"]) <= URI, "multitool's SARIF1002: a URI is percent-encoded"
        assert not place["artifactLocation"]["uri"].startswith("/")
        region = place["region"]
        assert region["startLine"] >= 1
        assert (region["startLine"], region["startColumn"]) < (region["endLine"], region["endColumn"])
    return run


def test_schema_refuses_what_is_none(situations):
    log = json.loads(render(situations["stop"]))
    log["runs"][0]["results"][0]["level"] = "info"
    assert list(validator().iter_errors(log))


def test_every_situation_is_valid(situations):
    assert sum(len(run_of(report)["results"]) for report in situations.values()) > len(situations)


def test_result_has_place_message_and_remedies(situations):
    result = run_of(situations["sweep"])["results"][0]
    assert (result["ruleId"], result["level"]) == ("undertrained", "error")
    assert result["message"]["text"].startswith("job 1 (a=2 b=x): 1.5 tokens per parameter; ")
    assert "\ntry: trainer.max_steps=4722  same model, compute-optimal" in result["message"]["text"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "conf/trainer/default.yaml"}
    assert place["region"] == {"startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 2}


def test_driver_and_rules(situations):
    driver = run_of(situations["pass"])["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("scalecheck", __version__)
    assert {rule["id"] for rule in driver["rules"]} >= set(registry.names("rules"))
    (rule,) = [rule for rule in driver["rules"] if rule["id"] == "over_budget"]
    assert (rule["name"], rule["helpUri"]) == ("ScalecheckOverBudget", "urn:scalecheck:rule:over_budget")
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rule["properties"]["problem.severity"] == "error"
    assert "## Fix" in rule["help"]["markdown"]
    assert rule["shortDescription"]["text"].endswith(".")


def test_address_of_a_rule_can_be_given(situations):
    log = json.loads(render(situations["pass"], rule_address="https://docs.example/rules/{}"))
    assert "https://docs.example/rules/undertrained" in [rule["helpUri"] for rule in log["runs"][0]["tool"]["driver"]["rules"]]


def test_rule_of_a_newer_version_is_told_apart():
    run = run_of(Report(jobs=(), findings=(Finding(rule="from_the_future", message="m", severity="error"),)))
    (rule,) = [rule for rule in run["tool"]["driver"]["rules"] if rule["id"] == "from_the_future"]
    assert rule["help"]["text"] == f"from_the_future: not known to scalecheck {__version__}."


def test_jobs_that_share_a_line_are_alerts_of_their_own(situations):
    prints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run_of(situations["sweep"])["results"]]
    assert len(set(prints)) == len(prints)


def test_fingerprints_hold_no_value_and_no_line(situations):
    report = situations["stop"]
    job = report.jobs[0]
    moved = replace(job.findings[0], message="other", origin=replace(job.findings[0].origin, line=99))
    other = replace(report, jobs=(replace(job, findings=(moved, *job.findings[1:])),))
    assert [result["partialFingerprints"] for result in run_of(other)["results"]] == [
        result["partialFingerprints"] for result in run_of(report)["results"]
    ]


def test_waived_findings_are_left_out(situations):
    run = run_of(situations["waived"])
    assert len(run["results"]) == 3
    assert "job 2" not in json.dumps(run["results"])


def test_path_is_percent_encoded(situations):
    job = situations["stop"].jobs[0]
    found = replace(job.findings[0], origin=Origin(file="conf/a b:c%é.yaml", line=3))
    run = run_of(replace(situations["stop"], jobs=(replace(job, findings=(found,)),)))
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "conf/a%20b%3Ac%25%C3%A9.yaml"


def test_more_results_than_github_takes_are_cut_and_said_to_be(monkeypatch):
    monkeypatch.setattr(sarif, "MOST_RESULTS", 3)
    levels = ("note", "note", "note", "warning", "error")
    run = run_of(Report(jobs=(), findings=tuple(Finding(rule="time_limit", message=level, severity=level) for level in levels)))
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note"]
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].startswith("2 more findings are left out")


def holds(report, text):
    results = run_of(report)["results"]
    assert len(results) == 4
    shown = clean(text).replace("](", "] (")
    for result in results:
        assert shown in result["message"]["text"]
        assert "](" not in result["message"]["text"], "it would be a link"
        path = unquote_to_bytes(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        assert b".." not in path.split(b"/")


def test_hostile_text_of_the_list_is_read_back(filled, hostile_text):
    holds(filled(hostile_text), hostile_text)


@pytest.mark.extended
@settings(max_examples=200, deadline=None)
@given(hostile_texts)
def test_hostile_text_is_read_back(filled, text):
    holds(filled(text), text)
