"""Ax needs the figure of every job of a batch: a bad batch is stopped, also where on_reject=drop asks for less."""

from __future__ import annotations

import pytest

STRICT = "scalecheck=strict"
DROP = "hydra.callbacks.scalecheck.on_reject=drop"


@pytest.fixture
def ax(repo):
    """``ax(*arguments)`` runs four jobs."""
    pytest.importorskip("hydra_plugins.hydra_ax_sweeper")

    def optimise(*arguments: str):
        return repo.sweep(STRICT, "hydra/sweeper=ax", "hydra.sweeper.ax_config.max_trials=4", *arguments)

    return optimise


def test_a_passing_search_runs_and_its_jobs_show_the_users_launcher(repo, ax):
    done = ax("seed=int(interval(1,9))")
    assert done.returncode == 0, done.stderr
    assert len(repo.ran) == 4
    assert {repo.launcher_of(job) for job in repo.jobs} == {"hydra._internal.core_plugins.basic_launcher.BasicLauncher"}


@pytest.mark.parametrize("policy", [(), (DROP,)], ids=["stop", "drop"])
def test_a_bad_batch_is_not_launched(repo, ax, policy):
    done = ax("trainer.max_steps=int(interval(3,6))", *policy)
    assert done.returncode == 3, done.stderr
    assert repo.ran == []
    assert "Traceback" not in done.stderr
