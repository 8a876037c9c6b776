"""The baseline: what it knows, what it does not look at, and files that are none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scalecheck import baseline
from scalecheck.errors import ScalecheckError
from scalecheck.facts import Finding, Job, Origin, Report, Run
from scalecheck.pipeline import JobInput, check_job
from scalecheck.policy import Policy


@pytest.fixture
def run(view_of) -> Run:
    return check_job(JobInput(view=view_of({})), Policy()).run


def finding(rule: str = "over_budget", **changed: object) -> Finding:
    told = Finding(rule=rule, message="12 is more than 10", severity="error", origin=Origin(key="trainer.steps"), subject="max_steps")
    return replace(told, **changed)


def job(run: Run, *findings: Finding, overrides: tuple[str, ...] = ("a=1",), verdict: str = "stop", config: str = "conf/train.yaml") -> Job:
    return Job(name="0", overrides=overrides, run=run, findings=findings, verdict=verdict, config=config)  # type: ignore[arg-type]


def report(*jobs: Job, findings: tuple[Finding, ...] = ()) -> Report:
    return Report(jobs=jobs, findings=findings, mode="stop", verdict="stop")


def test_known_findings_are_waived_and_new_ones_are_not(run, tmp_path):
    path = tmp_path / "known.json"
    baseline.write(baseline.entries_of(report(job(run, finding())), Path.cwd()), path)
    new = finding("undertrained")
    told, num_stale = baseline.applied(report(job(run, finding(), new)), baseline.read(path), path, Path.cwd())
    assert [item.waived for item in told.jobs[0].findings] == [f"in the baseline {path}", None]
    assert (told.verdict, num_stale) == ("stop", 0)
    told, _ = baseline.applied(report(job(run, finding())), baseline.read(path), path, Path.cwd())
    assert (told.jobs[0].verdict, told.verdict) == ("silent", "silent"), "nothing is left, and no law applies"


def test_neither_values_nor_lines_nor_the_order_of_overrides_are_looked_at(run):
    known = baseline.entries_of(report(job(run, finding(), overrides=("a=1", "b=2"))), Path.cwd())
    moved = finding(message="999 is more than 10", origin=Origin(key="trainer.steps", file="conf/x.yaml", line=99))
    told, _ = baseline.applied(report(job(run, moved, overrides=("b=2", "a=1"))), known, Path("b.json"), Path.cwd())
    assert told.jobs[0].findings[0].waived


def test_a_second_finding_that_is_alike_is_new(run):
    known = baseline.entries_of(report(job(run, finding())), Path.cwd())
    told, _ = baseline.applied(report(job(run, finding(), finding(message="another"))), known, Path("b.json"), Path.cwd())
    assert [bool(item.waived) for item in told.jobs[0].findings] == [True, False]


@pytest.mark.parametrize("changed", [{"config": "conf/other.yaml"}, {"overrides": ("a=2",)}])
def test_another_job_is_another_finding(run, changed):
    known = baseline.entries_of(report(job(run, finding())), Path.cwd())
    told, num_stale = baseline.applied(report(job(run, finding(), **changed)), known, Path("b.json"), Path.cwd())
    assert told.jobs[0].findings[0].waived is None
    assert num_stale == 1


def test_findings_on_all_jobs_together(run):
    sweep = report(job(run), findings=(finding(subject="sweep.max_training_flops"),))
    told, _ = baseline.applied(sweep, baseline.entries_of(sweep, Path.cwd()), Path("b.json"), Path.cwd())
    assert told.findings[0].waived


def test_config_is_told_from_the_root_wherever_the_command_is_typed(run, tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path)
    known = baseline.entries_of(report(job(run, finding())), tmp_path)
    monkeypatch.chdir(tmp_path / "deep")
    told, _ = baseline.applied(report(job(run, finding(), config="../conf/train.yaml")), known, Path("b.json"), tmp_path)
    assert told.jobs[0].findings[0].waived
    assert told.jobs[0].config == "../conf/train.yaml"


def test_notes_are_left_out_unless_they_fail_and_waived_findings_always(run):
    found = report(job(run, finding(severity="note"), finding("a", severity="warning"), finding("b", waived="on purpose")))
    assert [entry["rule"] for entry in baseline.entries_of(found, Path.cwd()).values()] == ["a"]
    assert len(baseline.entries_of(found, Path.cwd(), "note")) == 2


def test_file_is_the_contract_and_is_sorted(run, tmp_path):
    path = tmp_path / "known.json"
    jobs = (job(run, finding(), overrides=("z=\ud800",)), job(run, finding(), finding("undertrained"), overrides=("a=1",)))
    baseline.write(baseline.entries_of(report(*jobs), Path.cwd()), path)
    written = json.loads(path.read_text())
    assert list(written) == ["schema_version", "scalecheck_version", "findings"]
    entries = list(written["findings"].values())
    assert [(entry["overrides"], entry["rule"]) for entry in entries] == [
        (["a=1"], "over_budget"), (["a=1"], "undertrained"), (["z=\ud800"], "over_budget"),
    ]  # fmt: skip
    assert entries[0] == {"rule": "over_budget", "config": "conf/train.yaml", "overrides": ["a=1"], "about": "max_steps"}
    again = tmp_path / "again.json"
    baseline.write(baseline.entries_of(report(*reversed(jobs)), Path.cwd()), again)
    assert again.read_text() == path.read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "is no baseline"),
        ("{}", "is no baseline"),
        ('{"schema_version": 1, "findings": []}', "is no baseline"),
        ('{"schema_version": 1, "findings": {"a": 3}}', "is no baseline"),
        ('{"schema_version": "1", "findings": {}}', "is no baseline"),
        ('{"schema_version": 2, "findings": {}}', "schema_version 2, and this scalecheck reads 1"),
    ],
)
def test_file_that_is_none_is_refused(tmp_path, text, said):
    path = tmp_path / "known.json"
    path.write_text(text)
    with pytest.raises(ScalecheckError) as refused:
        baseline.read(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_file_that_is_not_there_and_one_that_cannot_be_written(tmp_path):
    with pytest.raises(ScalecheckError, match="write it with: scalecheck baseline"):
        baseline.read(tmp_path / "none.json")
    with pytest.raises(ScalecheckError, match="cannot be written"):
        baseline.write({}, tmp_path / "nowhere" / "known.json")
