"""The report's contract."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalecheck.facts import Finding, Remedy
from scalecheck.formats.json import job_object, render, report_object
from scalecheck.policy_laws import DEFAULT_LAWS

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
    assert list(job["outlooks"]) == list(DEFAULT_LAWS)
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
    assert finding["origin"] == {"key": "trainer.max_steps", "file": "conf/trainer/default.yaml", "line": 3, "override": None, "chain": []}
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


def is_read_back(report, text):
    first, second = loaded(report)["jobs"]
    assert [job["findings"][0]["message"] for job in (first, second)] == [text, text]
    assert (first["name"], first["overrides"], first["findings"][2]["waived"]) == (text, [f"a={text}"], text)
    assert render(report).isascii()


def test_hostile_text_of_the_list_is_read_back(filled, hostile_text):
    is_read_back(filled(hostile_text), hostile_text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_hostile_text_is_read_back(filled, text):
    is_read_back(filled(text), text)


def test_keys_stand_in_the_order_of_the_contract(situations):
    report = loaded(situations["sweep"])
    assert [key for key in report if key in ("schema_version", "scalecheck_version", "jobs", "totals")] == [
        "schema_version", "scalecheck_version", "jobs", "totals",
    ]  # fmt: skip
    kept = [
        key
        for key in report["jobs"][0]
        if key in ("name", "overrides", "verdict", "intent", "total_params", "status", "outlooks", "findings", "origins")
    ]
    assert kept == ["name", "overrides", "verdict", "intent", "total_params", "status", "outlooks", "findings", "origins"]


def test_objects_are_what_is_rendered(situations):
    report = situations["sweep"]
    assert loaded(report) == json.loads(json.dumps(report_object(report)))
    assert report_object(report)["jobs"] == [job_object(job) for job in report.jobs]


def test_unknowns_say_what_would_tell_them(situations):
    (unknown,) = [item for item in loaded(situations["unknown"])["jobs"][0]["unknowns"] if item["field"] == "vocab_size"]
    assert unknown["reason"]
    assert any("vocab_size" in remedy for remedy in unknown["remedies"])


def test_effect_stands_at_the_place_of_its_remedy(situations):
    job = situations["pass"].jobs[0]
    remedies = (Remedy(effect="words only"), Remedy(overrides=("a=1", "b=2"), effect="both"))
    finding = Finding(rule="undertrained", message="x", severity="error", remedies=remedies)
    shown = job_object(replace(job, findings=(finding,)))["findings"][0]
    assert shown["remedies"] == ["a=1 b=2"]
    assert shown["remedy_effects"] == ["both", "words only"]


def test_total_is_null_where_no_job_tells_its_flops(situations):
    totals = loaded(situations["nothing"])["totals"]
    assert totals["training_flops"] is None
    assert totals["jobs_with_unknown_flops"] == 1


def test_tokens_of_one_device_are_kept_apart_from_those_of_the_job(situations):
    run = situations["nothing"].jobs[0].run
    plan = replace(run.reading.plan, training_tokens=2_100_000, tokens_status="per_device")
    shown = job_object(replace(situations["nothing"].jobs[0], run=replace(run, reading=replace(run.reading, plan=plan))))
    assert shown["status"]["tokens"] == "per_device"
    assert shown["training_tokens"] is None
    assert shown["training_tokens_per_device"] == 2_100_000


def test_text_ends_with_one_newline(situations):
    assert render(situations["pass"]).endswith("}\n")


def test_jobs_are_rendered_one_by_one_and_the_text_is_that_of_the_whole(situations):
    for report in [*situations.values(), *(filled(report) for report in situations.values() if report.jobs)]:
        assert render(report) == json.dumps(as_json(report_object(report)), indent=2) + "\n"


def filled(report):
    """A report whose job says what stands for the jobs in the text around them."""
    return replace(report, jobs=(replace(report.jobs[0], name='"jobs": []', overrides=('x="jobs": []\n',)), *report.jobs))


def as_json(value):
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
