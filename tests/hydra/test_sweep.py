"""``python train.py -m …``: every job is checked before the first one is launched."""

from __future__ import annotations

import json

import pytest

STRICT = "scalecheck=strict"


def test_passing_sweep_runs_every_job_and_writes_every_report(app):
    done = app.run("-m", "seed=1,2")
    assert done.returncode == 0, done.stderr
    assert app.trained == 2
    reports = sorted(app.root.glob("multirun/*/*/*/scalecheck.json"))
    assert [json.loads(report.read_text())["jobs"][0]["overrides"] for report in reports] == [["seed=1"], ["seed=2"]]


def test_one_bad_job_stops_the_whole_sweep_before_anything_is_on_disk(app):
    done = app.run("-m", "model=small,large", "seed=1,2", STRICT)
    assert done.returncode == 3, done.stderr
    assert app.left_on_disk == set()
    assert "Traceback" not in done.stderr


def test_table_shows_every_job_and_the_total_compute(app):
    done = app.run("-m", "model=small,large", "seed=1,2", STRICT)
    for words in ("model=small", "model=large", "seed=1", "seed=2", "total"):
        assert words in done.stderr, done.stderr


def test_warned_sweep_runs(app):
    done = app.run("-m", "model=small,large")
    assert done.returncode == 0
    assert app.trained == 2
    assert "[undertrained]" in done.stderr


def test_sweep_budget_counts_all_jobs(app):
    budget = "hydra.callbacks.scalecheck.rules.over_budget.sweep.max_training_tokens=6e6"
    one = app.run("-m", "seed=1,2", STRICT, budget)
    assert one.returncode == 0, one.stderr
    three = app.run("-m", "seed=1,2,3", STRICT, budget)
    assert three.returncode == 3
    assert "[over_budget]" in three.stderr


@pytest.mark.extended
def test_sweeper_params_of_the_config_are_part_of_the_sweep(app):
    app.write({"conf/hydra/sweeper/mine.yaml": "defaults: [basic]\nparams: {model: 'small,large'}\n"})
    done = app.run("-m", STRICT, "hydra/sweeper=mine")
    assert done.returncode == 3, done.stderr
    assert app.left_on_disk == set()


@pytest.mark.extended
def test_swept_steps_are_read_per_job(app):
    done = app.run("-m", "trainer.max_steps=84,5", STRICT)
    assert done.returncode == 3
    assert "trainer.max_steps=5" in done.stderr


def test_job_that_does_not_compose_stops_the_sweep_and_is_named(app):
    done = app.run("-m", "model=small,lrge", STRICT)
    assert done.returncode != 0
    assert app.trained == 0
    assert "lrge" in done.stderr
    assert "Traceback" not in done.stderr


ADAPTIVE = ("hydra/sweeper=adaptive", STRICT)


def adaptive(app, batch=1):
    """Give the repo a sweeper whose jobs scalecheck cannot list; return what makes it findable."""
    app.write({
        "hydra_plugins/adaptive/__init__.py": "",
        "hydra_plugins/adaptive/adaptive_sweeper.py": """
            from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
            from hydra.plugins.sweeper import Sweeper

            class AdaptiveSweeper(BasicSweeper):
                pass
            """,
        "conf/hydra/sweeper/adaptive.yaml": """
            _target_: hydra_plugins.adaptive.adaptive_sweeper.AdaptiveSweeper
            max_batch_size: BATCH
            params: null
            """.replace("BATCH", str(batch)),
    })  # fmt: skip
    return {"PYTHONPATH": str(app.root)}


def test_a_sweeper_that_cannot_be_enumerated_is_guarded_batch_by_batch(app):
    environ = adaptive(app)
    fine = app.run("-m", "seed=1,2", *ADAPTIVE, env=environ)
    assert fine.returncode == 0, fine.stderr
    assert app.trained == 2
    stopped = app.run("-m", "model=small,large", *ADAPTIVE, env=environ)
    assert stopped.returncode == 3, stopped.stderr
    assert app.trained == 3, "the batch before the bad one ran, the bad one did not"
    assert "1 jobs of earlier batches were launched" in stopped.stderr


def test_budget_of_a_sweep_counts_the_batches_before(app):
    environ = adaptive(app)
    budget = "hydra.callbacks.scalecheck.rules.over_budget.sweep.max_training_tokens=6e6"
    done = app.run("-m", "seed=1,2,3,4", *ADAPTIVE, budget, env=environ)
    assert done.returncode == 3, done.stderr
    assert app.trained == 2, "two jobs of 2.75M tokens fit into 6M, the third does not"
    assert "[over_budget]" in done.stderr


def test_sweeper_of_which_nothing_is_known_is_stopped_where_jobs_would_be_dropped(app):
    environ = adaptive(app, batch=2)
    done = app.run("-m", "seed=1,2", "model=small,large", *ADAPTIVE, "hydra.callbacks.scalecheck.on_reject=drop", env=environ)
    assert done.returncode == 3, done.stderr
    assert "on_reject=drop is not possible with hydra_plugins.adaptive" in done.stderr
    assert "Traceback" not in done.stderr
    assert app.trained == 0


def test_the_users_launcher_is_back_in_every_jobs_config(app):
    environ = adaptive(app)
    done = app.run("-m", "seed=1", *ADAPTIVE, env=environ)
    assert done.returncode == 0, done.stderr
    (saved,) = app.root.glob("multirun/*/*/0/.hydra/hydra.yaml")
    assert "_target_: hydra._internal.core_plugins.basic_launcher.BasicLauncher" in saved.read_text()
    assert "ScaleCheckLauncher" not in saved.read_text()


def test_guard_that_a_config_chooses_is_refused(app):
    done = app.run("-m", "seed=1", "hydra.launcher._target_=hydra_plugins.hydra_scalecheck.launcher.ScaleCheckLauncher")
    assert done.returncode != 0
    assert app.trained == 0
    assert "none to choose" in done.stderr


def test_sweep_without_jobs_says_that_nothing_was_checked(app):
    done = app.run("-m", "model=glob(nothing*)", STRICT)
    assert done.returncode == 0, done.stderr
    assert "no jobs" in done.stderr
    assert app.trained == 0


def test_swept_option_that_takes_our_line_away_does_not_take_the_job_out_of_the_check(app):
    app.write({
        "conf/scalecheck/team.yaml": "# @package _global_\nteam: ours\n",
        "conf/experiment/a.yaml": "# @package _global_\ndefaults: [{override /scalecheck: team}]\ntrainer: {max_steps: 5}\n",
        "conf/experiment/b.yaml": "# @package _global_\ndefaults: [{override /scalecheck: team}]\ntrainer: {max_steps: 6}\n",
        "conf/train.yaml": """
            defaults: [{model: small}, {trainer: default}, _self_, {scalecheck: strict}, {experiment: null}]
            data: {batch_size: 32, seq_len: 1024}
            """,
    })  # fmt: skip
    done = app.run("-m", "experiment=a,b")
    assert done.returncode == 3, done.stderr
    assert app.left_on_disk == set()
    checked = app.cli("check", "--config-dir", "conf", "--config-name", "train", "-m", "experiment=a,b")
    assert checked.returncode == 1, checked.stdout
