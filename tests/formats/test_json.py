"""The report's contract."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from scalecheck.formats.json import render

JOB_KEYS = {
    "name", "overrides", "verdict", "intent", "intent_reason", "total_params", "active_params", "non_embedding_params", "embedding_params",
    "training_tokens", "tokens_per_step", "num_steps", "sequence_length", "training_flops", "tokens_per_parameter", "status", "outlooks", "findings", "origins",
}  # fmt: skip
OUTLOOK_KEYS = {
    "optimal_params", "optimal_tokens", "tokens_per_parameter", "interval", "multiple", "wasted_compute", "predicted_loss", "loss_at_optimum", "extrapolated",
}  # fmt: skip


def loaded(report):
    return json.loads(render(report), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_contract_of_the_report(situations):
    report = loaded(situations["stop"])
    assert report["schema_version"] == 1
    assert set(report) >= {"schema_version", "scalecheck_version", "jobs", "totals"}
    assert report["totals"]["findings"] == {"error": 1, "warning": 0, "note": 1}
    (job,) = report["jobs"]
    assert set(job) >= JOB_KEYS
    assert set(job["outlooks"]) == {"hoffmann2022_a1", "besiroglu2024"}
    assert all(set(outlook) >= OUTLOOK_KEYS for outlook in job["outlooks"].values())


def test_numbers_are_those_of_gpt2(situations):
    (job,) = loaded(situations["pass"])["jobs"]
    assert job["total_params"] == 124_439_808
    assert job["training_tokens"] == 4800 * 512 * 1024
    assert job["training_flops"] == 874_944_921_600 * 4800 * 512
    assert job["status"] == {"params": "assumed", "tokens": "exact"}
    assert job["outlooks"]["hoffmann2022_a1"]["tokens_per_parameter"] == pytest.approx(20, rel=0.02)


def test_finding_has_place_and_remedy(situations):
    (finding,) = [finding for finding in loaded(situations["stop"])["jobs"][0]["findings"] if finding["rule"] == "undertrained"]
    assert finding["severity"] == "error"
    assert finding["origin"] == {"key": "trainer.max_steps", "file": "conf/trainer/default.yaml", "line": 3, "override": None}
    assert finding["remedies"][0].startswith("trainer.max_steps=")


def test_unknown_is_null(situations):
    (job,) = loaded(situations["nothing"])["jobs"]
    assert job["total_params"] is None
    assert job["status"] == {"params": "unknown", "tokens": "unknown"}


def test_infinities_are_null_and_huge_ints_survive(situations):
    job = situations["pass"].jobs[0]
    account = replace(job.run.account, training_flops=10**60, tokens_per_parameter=float("inf"))
    report = replace(situations["pass"], jobs=(replace(job, run=replace(job.run, account=account)),))
    (shown,) = loaded(report)["jobs"]
    assert shown["tokens_per_parameter"] is None
    assert shown["training_flops"] == 10**60


def test_hostile_text_is_read_back_as_it_was(hostile):
    assert loaded(hostile)["jobs"][0]["findings"][0]["message"] == "::error::x\n\x1b[2J\u202eabc"
