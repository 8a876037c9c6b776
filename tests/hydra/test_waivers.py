"""Waivers at a real launch: what is accepted on purpose is launched and said, and no longer once its day is past."""

from __future__ import annotations

import json

import pytest

OURS = """
    # @package _global_
    defaults: [strict, _self_]
    hydra:
      callbacks:
        scalecheck:
          {rules}
          waivers:
            - {{rule: {rule}, jobs: "{jobs}", reason: smoke-scale ablation, until: {until}, owner: mia}}
    """
EXPERIMENT = "+experiment=short"


@pytest.fixture
def waived(app):
    """``waived(jobs, until)`` writes a policy that stops and a waiver in it."""

    def write(jobs="*", until="2999-12-31", rule="undertrained", rules="verbose: false"):
        app.write({"conf/scalecheck/ours.yaml": OURS.format(jobs=jobs, until=until, rule=rule, rules=rules)})
        return app

    return write


def test_error_stops_without_a_waiver(app):
    assert app.run("scalecheck=strict", EXPERIMENT).returncode == 3


@pytest.mark.parametrize(
    "jobs", ["experiment=sh*", "train", *(pytest.param(jobs, marks=pytest.mark.extended) for jobs in ("*", "*experiment=short*"))]
)
def test_waived_error_lets_the_launch_go_and_is_said(waived, jobs):
    app = waived(jobs)
    done = app.run("scalecheck=ours", EXPERIMENT)
    assert done.returncode == 0, done.stderr
    assert app.trained == 1
    (path,) = app.root.glob("outputs/*/*/scalecheck.json")
    report = json.loads(path.read_text())
    (finding,) = [finding for finding in report["jobs"][0]["findings"] if finding["rule"] == "undertrained"]
    assert finding["waived"] == "smoke-scale ablation (until 2999-12-31, mia)"
    assert report["jobs"][0]["verdict"] == "pass"


def test_waiver_of_other_jobs_does_not_let_this_one_go(waived):
    app = waived("experiment=debug*")
    assert app.run("scalecheck=ours", EXPERIMENT).returncode == 3
    assert app.trained == 0


def test_expired_waiver_stops_the_launch_and_names_the_day(waived):
    app = waived(until="2020-02-29")
    done = app.run("scalecheck=ours", EXPERIMENT)
    assert done.returncode == 3
    assert app.trained == 0
    assert "2020-02-29" in done.stderr
    assert "owner mia" in done.stderr
    assert "smoke-scale ablation" in done.stderr
    assert "[expired_waiver]" in done.stderr


@pytest.mark.extended
def test_expired_waiver_is_no_matter_where_there_is_nothing_to_waive(waived):
    app = waived(until="2020-02-29")
    done = app.run("scalecheck=ours")
    assert done.returncode == 0
    assert "waiver" not in done.stderr


@pytest.mark.extended
def test_waiver_that_matches_nothing_is_not_said_at_a_launch(waived):
    assert "waiver" not in waived("no=such").run("scalecheck=ours").stderr


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2026-02-30", "hydra.callbacks.scalecheck.waivers[0].until"),
        pytest.param("soon", "hydra.callbacks.scalecheck.waivers[0].until", marks=pytest.mark.extended),
    ],
)
def test_bad_date_stops_the_launch_as_any_broken_policy(waived, until, said):
    done = waived(until=until).run("scalecheck=ours")
    assert done.returncode == 3
    assert said in done.stderr
    assert until in done.stderr
    assert "Traceback" not in done.stderr


def test_of_a_sweep_the_jobs_that_are_named_are_waived(waived):
    app = waived("trainer.max_steps=5")
    done = app.run("-m", "scalecheck=ours", "trainer.max_steps=5,84")
    assert done.returncode == 0, done.stderr
    assert app.trained == 2
    assert app.run("-m", "scalecheck=ours", "trainer.max_steps=5,6").returncode == 3


@pytest.mark.extended
def test_of_a_sweep_every_job_is_of_its_config(waived):
    app = waived("train")
    assert app.run("-m", "scalecheck=ours", "trainer.max_steps=5,6").returncode == 0
    assert app.trained == 2


SWEEP = "rules: {over_budget: {sweep: {max_training_tokens: 1000}}}"


def test_budget_of_a_sweep_is_waived_by_what_names_every_job(waived):
    app = waived("trainer.max_steps=8*", rule="over_budget", rules=SWEEP)
    assert app.run("-m", "scalecheck=ours", "trainer.max_steps=84,85").returncode == 0
    assert app.run("-m", "scalecheck=ours", "trainer.max_steps=84,90").returncode == 3
    assert app.trained == 2


def test_teams_own_text_ends_the_message(waived):
    done = waived("no=such", rules="rules: {undertrained: {message: Ask Mia first}}").run("scalecheck=ours", EXPERIMENT)
    assert ". Ask Mia first [undertrained]" in done.stderr


@pytest.mark.extended
def test_teams_own_text_may_be_typed(app):
    typed = "++hydra.callbacks.scalecheck.rules.undertrained.message=Ask Mia"
    assert ". Ask Mia [undertrained]" in app.run(EXPERIMENT, typed).stderr
