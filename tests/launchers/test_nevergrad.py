"""Nevergrad makes a number of every job's result, so a dropped job is a failed one for it."""

from __future__ import annotations

import pytest

STRICT = "scalecheck=strict"
DROP = "hydra.callbacks.scalecheck.on_reject=drop"


@pytest.fixture
def nevergrad(repo):
    """``nevergrad(*arguments)`` runs four jobs in batches of two."""
    pytest.importorskip("hydra_plugins.hydra_nevergrad_sweeper")

    def optimise(*arguments: str):
        sizes = ("hydra.sweeper.optim.budget=4", "hydra.sweeper.optim.num_workers=2", "hydra.sweeper.optim.seed=1")
        return repo.sweep(STRICT, "hydra/sweeper=nevergrad", *sizes, *arguments)

    return optimise


def test_a_passing_search_runs_and_its_jobs_show_the_users_launcher(repo, nevergrad):
    done = nevergrad("seed=1,2")
    assert done.returncode == 0, done.stderr
    assert len(repo.ran) == 4
    assert {repo.launcher_of(job) for job in repo.jobs} == {"hydra._internal.core_plugins.basic_launcher.BasicLauncher"}


def test_a_bad_batch_is_not_launched(repo, nevergrad):
    done = nevergrad("trainer.max_steps=4,5")
    assert done.returncode == 3, done.stderr
    assert repo.left == []
    assert "Traceback" not in done.stderr


def test_dropping_keeps_a_search_alive_that_allows_failures(repo, nevergrad):
    done = nevergrad("trainer.max_steps=5,84", "seed=1,2", DROP, "hydra.sweeper.optim.max_failure_rate=1.0")
    assert done.returncode == 3, done.stderr
    assert {steps for steps, _ in repo.ran} <= {"84"}
    assert "Traceback" not in done.stderr
