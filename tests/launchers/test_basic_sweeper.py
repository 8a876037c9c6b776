"""Hydra's own sweeper: what is judged is what Hydra would launch, in every way of writing a sweep."""

from __future__ import annotations

import json
import re

import pytest

STRICT = "scalecheck=strict"
DROP = "hydra.callbacks.scalecheck.on_reject=drop"


def judged(stderr: str) -> int:
    """Return how many jobs the summary says were checked."""
    told = re.findall(r"([\d,]+) jobs checked", stderr)
    return int(told[0].replace(",", "")) if told else 1


MORE_WAYS = (
    "trainer.max_steps=choice(84,5)",
    "trainer.max_steps=range(4,85,80)",
    "trainer.max_steps=shuffle(range(4,85,80))",
    "trainer.max_steps=sort(84,5,reverse=true)",
    "model=glob([s*,l*])",
)


@pytest.mark.parametrize(
    ("swept", "steps"),
    [
        ("trainer.max_steps=84,5", 2),
        ("trainer.max_steps=shuffle(84,5,85)", 3),
        ("model=glob(*)", 2),
        *(pytest.param(way, 2, marks=pytest.mark.extended) for way in MORE_WAYS),
    ],
)
def test_every_way_of_writing_a_sweep_is_enumerated(repo, swept, steps):
    done = repo.sweep(swept, STRICT)
    assert done.returncode == 3, done.stderr
    assert judged(done.stderr) == steps
    assert repo.left == []
    assert "Traceback" not in done.stderr


def test_jobs_that_run_are_the_jobs_that_were_judged(repo):
    done = repo.sweep("seed=shuffle(range(1,4))", "model=glob(*,exclude=l*)", STRICT)
    assert done.returncode == 0, done.stderr
    assert judged(done.stderr) == 3
    assert repo.ran == [("84", "1"), ("84", "2"), ("84", "3")]


def test_a_bad_job_of_a_later_batch_stops_the_first(repo):
    done = repo.sweep("trainer.max_steps=84,85,5", "hydra.sweeper.max_batch_size=1", STRICT)
    assert done.returncode == 3, done.stderr
    assert repo.left == []


def test_params_of_the_config_are_swept_with_what_is_typed(repo):
    repo.app.write({"conf/hydra/sweeper/mine.yaml": "defaults: [basic]\nparams: {trainer.max_steps: '84,5'}\n"})
    done = repo.sweep("seed=1,2", "hydra/sweeper=mine", STRICT)
    assert done.returncode == 3, done.stderr
    assert judged(done.stderr) == 4
    assert repo.left == []


def test_a_typed_value_wins_over_params_of_the_config(repo):
    repo.app.write({"conf/hydra/sweeper/mine.yaml": "defaults: [basic]\nparams: {trainer.max_steps: '84,5'}\n"})
    done = repo.sweep("trainer.max_steps=85", "hydra/sweeper=mine", STRICT)
    assert done.returncode == 0, done.stderr
    assert judged(done.stderr) == 1
    assert repo.ran == [("85", "1")]


def test_dropping_works_over_several_batches(repo):
    done = repo.sweep("trainer.max_steps=84,5,85,6,86", "hydra.sweeper.max_batch_size=2", STRICT, DROP)
    assert done.returncode == 3, done.stderr
    assert repo.ran == [("84", "1"), ("85", "1"), ("86", "1")]
    numbers = [job.name for job in repo.jobs]
    assert len(numbers) == len(set(numbers)) == 3, "no job writes over another's directory"


@pytest.mark.extended
def test_dropping_a_whole_batch_goes_on_with_the_next(repo):
    done = repo.sweep("trainer.max_steps=84,5,6,85", "hydra.sweeper.max_batch_size=1", STRICT, DROP)
    assert done.returncode == 3, done.stderr
    assert repo.ran == [("84", "1"), ("85", "1")]


def test_two_jobs_alike_are_both_launched_or_both_dropped(repo):
    done = repo.sweep("trainer.max_steps=84,84,5,5", STRICT, DROP)
    assert done.returncode == 3, done.stderr
    assert repo.ran == [("84", "1"), ("84", "1")]
    assert "2 of 4 jobs" in done.stderr


def test_a_sweep_over_its_budget_is_stopped_whole_also_where_jobs_are_dropped(repo):
    budget = "hydra.callbacks.scalecheck.rules.over_budget.sweep.max_training_tokens=6e6"
    done = repo.sweep("seed=1,2,3", STRICT, DROP, budget)
    assert done.returncode == 3, done.stderr
    assert repo.left == []
    assert "[over_budget]" in done.stderr


def test_the_users_own_launcher_settings_reach_it_through_the_guard(repo):
    """A launcher of the repo's own, with a setting from the command line and an interpolation, under on_reject=drop."""
    repo.app.write({
        "hydra_plugins/mine/__init__.py": "",
        "hydra_plugins/mine/launcher.py": """
            from hydra._internal.core_plugins.basic_launcher import BasicLauncher
            from hydra.plugins.launcher import Launcher

            class TellingLauncher(BasicLauncher):
                def __init__(self, word, seed):
                    super().__init__()
                    self.told = f"{word} {seed}"

                def launch(self, job_overrides, initial_job_idx):
                    print("TOLD", self.told, len(job_overrides))
                    return super().launch(job_overrides, initial_job_idx)
            """,
        "conf/hydra/launcher/mine.yaml": "_target_: hydra_plugins.mine.launcher.TellingLauncher\nword: hello\nseed: ${seed}\n",
    })  # fmt: skip
    settings = ("hydra/launcher=mine", "hydra.launcher.word=bye")
    done = repo.sweep("trainer.max_steps=84,5", STRICT, DROP, *settings, PYTHONPATH=str(repo.root))
    assert done.returncode == 3, done.stderr
    assert "TOLD bye 1 1" in done.stdout
    assert [repo.launcher_of(job) for job in repo.jobs] == ["hydra_plugins.mine.launcher.TellingLauncher"]


def test_a_job_says_its_own_overrides_in_its_report(repo):
    done = repo.sweep("trainer.max_steps=84,85", "seed=7")
    assert done.returncode == 0, done.stderr
    told = [json.loads((job / "scalecheck.json").read_text())["jobs"][0]["overrides"] for job in repo.jobs]
    assert told == [["trainer.max_steps=84", "seed=7"], ["trainer.max_steps=85", "seed=7"]]
