"""Whatever launches the jobs: a sweep is judged in the driver, and a worker only writes its report."""

from __future__ import annotations

import pytest

STRICT = "scalecheck=strict"
DROP = "hydra.callbacks.scalecheck.on_reject=drop"


def test_a_bad_job_stops_the_sweep_before_anything_is_submitted(repo, launcher):
    done = repo.sweep("trainer.max_steps=84,5,85", STRICT, *launcher.overrides)
    assert done.returncode == 3, done.stderr
    assert repo.left == []
    assert "Traceback" not in done.stderr
    assert "[undertrained]" in done.stderr


def test_a_passing_sweep_runs_every_job_and_each_worker_writes_its_report(repo, launcher):
    done = repo.sweep("seed=1,2,3", STRICT, *launcher.overrides)
    assert done.returncode == 0, done.stderr
    assert repo.ran == [("84", "1"), ("84", "2"), ("84", "3")]
    assert [repo.report(job)["overrides"][0] for job in repo.jobs] == ["seed=1", "seed=2", "seed=3"]
    assert [repo.launcher_of(job) for job in repo.jobs] == [launcher.target] * 3
    assert not list(repo.root.rglob(".scalecheck.json.*")), "no half-written report"


@pytest.mark.extended
def test_a_worker_that_finds_its_job_bad_writes_it_down_and_never_rejects_it(repo, launcher):
    """The config reads a variable that Hydra sets in the job alone, so only the worker sees an undertrained run."""
    repo.app.write({"conf/trainer/worker.yaml": "max_steps: ${oc.decode:${oc.env:STEPS_OF_THE_JOB,'84'}}\ndevices: 1\n"})
    done = repo.sweep("seed=1,2", "trainer=worker", "+hydra.job.env_set.STEPS_OF_THE_JOB='5'", STRICT, *launcher.overrides)
    assert done.returncode == 0, done.stderr
    assert repo.ran == [("5", "1"), ("5", "2")]
    assert [repo.report(job)["verdict"] for job in repo.jobs] == ["stop", "stop"]


@pytest.mark.parametrize("seeds", ["1", pytest.param("1,2", marks=pytest.mark.extended)])
def test_dropping_launches_the_accepted_jobs_alone_and_ends_with_3(repo, launcher, seeds):
    done = repo.sweep("trainer.max_steps=84,5,85", f"seed={seeds}", STRICT, DROP, *launcher.overrides)
    assert done.returncode == 3, done.stderr
    accepted = [(steps, seed) for steps in ("84", "85") for seed in seeds.split(",")]
    assert repo.ran == accepted
    assert [job.name for job in repo.jobs] == [str(number) for number in range(len(accepted))]
    assert [repo.launcher_of(job) for job in repo.jobs] == [launcher.target] * len(accepted)
    assert [repo.report(job)["verdict"] for job in repo.jobs] == ["pass"] * len(accepted)
    assert "Traceback" not in done.stderr
    assert "[undertrained]" in done.stderr


def test_dropping_says_which_jobs_were_dropped_and_that_the_end_is_3(repo):
    done = repo.sweep("trainer.max_steps=84,5", STRICT, DROP)
    (row,) = [line for line in done.stderr.splitlines() if line.split()[:2] == ["1", "trainer.max_steps=5"]]
    assert row.endswith("dropped")
    assert "1 of 2 jobs dropped (on_reject=drop): job 1;" in done.stderr
    assert done.stderr.splitlines()[-1] == "scalecheck: 1 of 2 jobs were dropped and not run (exit 3)."


@pytest.mark.extended
def test_dropping_every_job_launches_nothing(repo, launcher):
    done = repo.sweep("trainer.max_steps=5,6", STRICT, DROP, *launcher.overrides)
    assert done.returncode == 3, done.stderr
    assert repo.ran == []
    assert repo.jobs == []
    assert "Traceback" not in done.stderr


@pytest.mark.extended
def test_dropping_nothing_ends_as_hydra_does(repo, launcher):
    done = repo.sweep("seed=1,2", STRICT, DROP, *launcher.overrides)
    assert done.returncode == 0, done.stderr
    assert repo.ran == [("84", "1"), ("84", "2")]


@pytest.mark.extended
def test_a_task_that_fails_among_dropped_jobs_shows_its_own_traceback(repo, launcher):
    swept = ("trainer.max_steps=84,5", "seed=1,13")
    alone = repo.sweep("seed=1,13", "~hydra.callbacks.scalecheck", *launcher.overrides)
    done = repo.sweep(*swept, STRICT, DROP, *launcher.overrides)
    assert "the task's own failure" in done.stderr, done.stderr
    assert done.returncode == alone.returncode == 1
    assert ("5", "1") not in repo.ran
