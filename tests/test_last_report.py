"""``Report.as_dict`` and ``scalecheck.last_report``: flat, plain figures for an experiment tracker."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import scalecheck
from scalecheck import last
from scalecheck.facts import Finding, Report

ROOT = Path(__file__).parents[1]
MODEL = {"n_layer": 2, "n_embd": 64, "n_head": 2, "block_size": 1024, "vocab_size": 512, "bias": True}
CONFIG = {"model": MODEL, "trainer": {"max_steps": 84, "devices": 1}, "data": {"batch_size": 32, "seq_len": 1024}}
NUM_PARAMS = 512 * 64 + 1024 * 64 + 2 * (12 * 64 * 64 + 13 * 64) + 2 * 64
OF_THE_REPORT = {
    "verdict", "jobs", "jobs_with_unknown_flops", "total_training_flops", "findings_error", "findings_warning", "findings_note",
    "findings_waived", "rules",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _none_checked():
    last.remember(None)
    yield
    last.remember(None)


def test_figures_of_one_job_are_those_of_its_report():
    report = scalecheck.check(CONFIG, {"mode": "warn"})
    told, account = report.as_dict(), report.jobs[0].run.account
    outlook = report.jobs[0].run.outlooks["hoffmann2022_a1"]
    assert told["scalecheck/total_params"] == NUM_PARAMS
    assert told["scalecheck/training_tokens"] == 84 * 32 * 1024
    assert told["scalecheck/training_flops"] == told["scalecheck/total_training_flops"] == account.training_flops
    assert told["scalecheck/tokens_per_parameter"] == 84 * 32 * 1024 / NUM_PARAMS
    assert (told["scalecheck/judge"], told["scalecheck/multiple"]) == ("hoffmann2022_a1", outlook.multiple)
    assert told["scalecheck/optimal_tokens_per_parameter"] == outlook.tokens_per_parameter
    assert told["scalecheck/gpu_hours"] is None
    assert told["scalecheck/verdict"] == report.verdict


def test_findings_are_counted_and_waived_ones_apart():
    report = scalecheck.check(CONFIG | {"trainer": {"max_steps": 5, "devices": 1}}, "strict")
    told = report.as_dict("")
    assert (told["verdict"], told["findings_error"], told["findings_waived"]) == ("stop", 1, 0)
    assert told["rules"] == "assumed_values,undertrained"
    (job,) = report.jobs
    waived = tuple(replace(finding, waived="on purpose") for finding in job.findings)
    told = replace(report, jobs=(replace(job, findings=waived),), findings=(Finding(rule="over_budget", message="", severity="error"),))
    assert told.as_dict("")["findings_error"] == 1
    assert told.as_dict("")["findings_waived"] == len(waived) >= 2
    assert told.as_dict("")["rules"] == "over_budget"


def test_of_several_jobs_only_the_totals_are_told():
    (job,) = scalecheck.check(CONFIG).jobs
    unread = scalecheck.check({"seed": 1}).jobs[0]
    told = Report(jobs=(job, job, unread)).as_dict("")
    assert set(told) == OF_THE_REPORT
    assert told["total_training_flops"] == 2 * job.run.account.training_flops
    assert (told["jobs"], told["jobs_with_unknown_flops"]) == (3, 1)


def test_hardware_tells_hours_and_cost():
    told = scalecheck.check(
        CONFIG, {"hardware": {"accelerator": "h100-sxm", "mfu": 0.4, "price_usd_per_gpu_hour": 2, "price_date": "2026-01-01"}}
    )
    assert told.as_dict("")["gpu_hours"] > 0
    assert told.as_dict("")["cost_usd"] == pytest.approx(2 * told.as_dict("")["gpu_hours"])


def test_values_are_plain_and_what_is_unknown_or_no_number_is_none():
    told = scalecheck.check({"seed": 1}).as_dict()
    assert told["scalecheck/total_params"] is None
    assert told["scalecheck/judge"] is None
    (job,) = scalecheck.check(CONFIG).jobs
    outlooks = {name: replace(outlook, multiple=math.inf, wasted_compute=math.nan) for name, outlook in job.run.outlooks.items()}
    odd = Report(jobs=(replace(job, run=replace(job.run, outlooks=outlooks)),)).as_dict("")
    assert odd["multiple"] is odd["wasted_compute"] is None
    assert all(value is None or type(value) in (str, int, float) for value in (odd | told).values())
    assert json.loads(json.dumps(odd, allow_nan=False)) == odd


def test_every_key_is_documented_and_no_other():
    text = (ROOT / "docs" / "how-to" / "ci.md").read_text().split("## Trackers")[1]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    documented = {name.strip(" `") for row in rows for name in row.split(",")}
    assert documented == set(scalecheck.check(CONFIG).as_dict(""))


def test_nothing_checked_is_a_report_without_jobs():
    assert scalecheck.last_report() == Report(jobs=())
    told = scalecheck.last_report().as_dict("")
    assert set(told) == OF_THE_REPORT
    assert (told["verdict"], told["jobs"], told["total_training_flops"]) == (None, 0, None)


def test_last_report_is_that_of_the_last_check():
    scalecheck.check(CONFIG)
    report = scalecheck.check(CONFIG | {"trainer": {"max_steps": 5, "devices": 1}})
    assert scalecheck.last_report() is report


def test_report_is_made_once_and_only_when_asked_for():
    asked = []

    def made():
        asked.append(1)
        return Report(jobs=(), mode="stop")

    last.remember(made)
    assert asked == []
    assert scalecheck.last_report() is scalecheck.last_report()
    assert asked == [1]


def test_report_that_cannot_be_made_ends_no_run():
    def fails():
        raise RuntimeError("a bug of ours")

    last.remember(fails)
    with pytest.raises(RuntimeError):
        last.made()
    assert scalecheck.last_report().as_dict("")["jobs"] == 0
    assert scalecheck.last_report().as_dict("")["jobs"] == 0


def test_importing_scalecheck_imports_nothing_of_it():
    program = "import sys, scalecheck; print(sorted(name for name in sys.modules if name.startswith(('scalecheck', 'omegaconf', 'hydra'))))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['scalecheck']"
