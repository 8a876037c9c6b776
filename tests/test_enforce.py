"""Findings and mode -> verdict; a stop leaves with exit code 3 and survives a worker's pickle."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from scalecheck.enforce import LaunchBlocked, enforce, fails, report_verdict, verdict
from scalecheck.facts import Account, Finding, Job, Reading, Report, Run

ERROR, WARNING, NOTE = (Finding(rule="r", message="m", severity=severity) for severity in ("error", "warning", "note"))
WAIVED = Finding(rule="r", message="m", severity="error", waived="on purpose")


def job(decision) -> Job:
    return Job(name="", overrides=(), run=Run(reading=Reading(), account=Account()), findings=(), verdict=decision)


@pytest.mark.parametrize(
    ("findings", "mode", "expected"),
    [
        ([], "warn", "pass"),
        ([NOTE], "stop", "pass"),
        ([WARNING], "stop", "warn"),
        ([WARNING, ERROR], "stop", "stop"),
        ([ERROR], "warn", "warn"),
        ([WAIVED], "stop", "pass"),
        ([WAIVED, WARNING], "stop", "warn"),
        ([ERROR], "off", "silent"),
    ],
)
def test_verdict_follows_severity_and_mode(findings, mode, expected):
    assert verdict(findings, mode) == expected


@pytest.mark.parametrize(
    ("findings", "level", "expected"),
    [
        ([], "note", False), ([NOTE], "note", True), ([NOTE], "warning", False), ([WARNING], "warning", True), ([WARNING], "error", False),
        ([NOTE, ERROR], "error", True), ([ERROR], "note", True), ([WAIVED], "note", False), ([WAIVED, WARNING], "warning", True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("of_the_sweep", [True, False])
def test_a_report_fails_at_a_level_by_its_worst_finding_that_is_not_waived(findings, level, expected, of_the_sweep):
    made = replace(job("pass"), findings=() if of_the_sweep else tuple(findings))
    assert fails(Report(jobs=(made,), findings=tuple(findings) if of_the_sweep else ()), level) is expected


def test_silent_run_without_findings_is_no_pass():
    assert verdict([NOTE], "stop", silent=True) == "silent"


def test_silent_run_over_budget_still_stops():
    assert verdict([ERROR], "stop", silent=True) == "stop"


@pytest.mark.parametrize(
    ("jobs", "findings", "expected"),
    [
        (["pass", "stop", "warn"], [], "stop"),
        (["pass", "warn"], [], "warn"),
        (["pass", "pass"], [ERROR], "stop"),
        (["stop"], [WARNING], "stop"),
        (["silent", "pass"], [], "pass"),
        (["silent", "silent"], [], "silent"),
        (["silent"], [WARNING], "warn"),
        ([], [], "pass"),
    ],
)
def test_verdict_of_a_report_is_the_worst(jobs, findings, expected):
    assert report_verdict([job(decision) for decision in jobs], findings, "stop") == expected


@pytest.mark.parametrize("decision", ["pass", "warn", "silent"])
def test_launch_goes_on_unless_stopped(decision):
    assert enforce(Report(jobs=(), verdict=decision)) is None


def test_stop_leaves_with_exit_code_3():
    with pytest.raises(LaunchBlocked) as blocked:
        enforce(Report(jobs=(), verdict="stop"))
    assert blocked.value.code == 3


def test_stop_is_no_exception_that_hydra_would_swallow():
    assert not issubclass(LaunchBlocked, Exception)
    assert issubclass(LaunchBlocked, SystemExit)


def test_stop_survives_a_pickle():
    copied = pickle.loads(pickle.dumps(LaunchBlocked(3)))
    assert (type(copied), copied.code) == (LaunchBlocked, 3)
