"""Optuna chooses its jobs while it runs: the guard judges each batch before it is launched, and puts the launcher back."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

STRICT = "scalecheck=strict"
DROP = "hydra.callbacks.scalecheck.on_reject=drop"
JOBLIB = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")


@pytest.fixture
def optuna(repo):
    """``optuna(*arguments, trials=…, at_once=…)`` runs a study in the repo."""
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")

    def study(*arguments: str, trials: int = 4, at_once: int = 2):
        sampler = "hydra.sweeper.sampler.seed=1"
        sizes = (f"hydra.sweeper.n_trials={trials}", f"hydra.sweeper.n_jobs={at_once}")
        chosen = () if any(one.startswith("hydra/sweeper=") for one in arguments) else ("hydra/sweeper=optuna",)
        return repo.sweep(STRICT, *chosen, sampler, *sizes, *arguments)

    return study


def test_a_passing_study_runs_and_its_jobs_show_the_users_launcher(repo, optuna):
    done = optuna("seed=range(1,4)")
    assert done.returncode == 0, done.stderr
    assert len(repo.ran) == len(repo.jobs) == 4
    assert {repo.launcher_of(job) for job in repo.jobs} == {"hydra._internal.core_plugins.basic_launcher.BasicLauncher"}
    assert [repo.report(job)["verdict"] for job in repo.jobs] == ["pass"] * 4
    assert done.stderr.count("jobs checked") == 2, "one word for each batch"


@pytest.mark.extended
def test_a_bad_first_batch_leaves_nothing_on_disk(repo, optuna):
    done = optuna("trainer.max_steps=range(4,7)")
    assert done.returncode == 3, done.stderr
    assert repo.left == []
    assert "Traceback" not in done.stderr


@pytest.mark.extended
def test_params_of_the_config_are_judged_too(repo, optuna):
    repo.app.write({"conf/hydra/sweeper/ours.yaml": "defaults: [optuna]\nparams: {trainer.max_steps: 'range(4,7)'}\n"})
    done = optuna("seed=2", "hydra/sweeper=ours")
    assert done.returncode == 3, done.stderr
    assert "[undertrained]" in done.stderr
    assert repo.left == []


def test_a_batch_over_the_budget_of_the_sweep_is_not_launched(repo, optuna):
    """Three jobs are within it; the trials' values are of no matter."""
    done = optuna("seed=range(1,9)", "hydra.callbacks.scalecheck.rules.over_budget.sweep.max_training_tokens=9e6", at_once=1)
    assert done.returncode == 3, done.stderr
    assert len(repo.ran) == 3
    assert "[over_budget]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.extended
def test_a_trial_that_is_asked_for_again_counts_again(repo, optuna):
    """A study may well choose the same values twice, and pays for them twice."""
    done = optuna("seed=choice(1,1)", "hydra.callbacks.scalecheck.rules.over_budget.sweep.max_training_tokens=9e6", at_once=1)
    assert done.returncode == 3, done.stderr
    assert len(repo.ran) == 3


def test_dropping_keeps_the_study_alive_and_its_best_value_is_of_a_job_that_ran(repo, optuna):
    done = optuna("trainer.max_steps=choice(5,84)", "seed=range(1,9)", DROP, trials=8)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    steps = {steps for steps, _ in repo.ran}
    assert steps == {"84"}
    assert 0 < len(repo.ran) < 8
    (results,) = repo.root.glob("multirun/*/*/optimization_results.yaml")
    told = OmegaConf.load(results)
    assert told.best_value == min(float(seed) for _, seed in repo.ran)
    assert str(told.best_params["trainer.max_steps"]) == "84"
    assert f"{8 - len(repo.ran)} of 8 jobs were dropped" in done.stderr


@pytest.mark.extended
def test_a_task_that_fails_ends_the_study_with_its_own_traceback(repo, optuna):
    done = optuna("trainer.max_steps=choice(5,84)", "seed=13", DROP)
    assert done.returncode == 1, done.stderr
    assert "the task's own failure" in done.stderr


@pytest.mark.extended
def test_a_study_over_joblib_is_guarded_and_runs(repo, optuna):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    done = optuna("seed=range(1,4)", *JOBLIB)
    assert done.returncode == 0, done.stderr
    assert {repo.launcher_of(job) for job in repo.jobs} == {"hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher"}
    stopped = optuna("trainer.max_steps=range(4,7)", *JOBLIB)
    assert stopped.returncode == 3, stopped.stderr
    assert len(repo.ran) == 4
