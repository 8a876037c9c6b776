"""``python train.py -m …``: every job is checked before the first one is launched."""

from __future__ import annotations

import json

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


def test_sweeper_params_of_the_config_are_part_of_the_sweep(app):
    app.write({"conf/hydra/sweeper/mine.yaml": "defaults: [basic]\nparams: {model: 'small,large'}\n"})
    done = app.run("-m", STRICT, "hydra/sweeper=mine")
    assert done.returncode == 3, done.stderr
    assert app.left_on_disk == set()


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


def test_a_sweeper_that_cannot_be_enumerated_is_guarded_batch_by_batch(app):
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
            max_batch_size: 1
            params: null
            """,
    })  # fmt: skip
    environ = {"PYTHONPATH": str(app.root)}
    fine = app.run("-m", "seed=1,2", STRICT, "hydra/sweeper=adaptive", env=environ)
    assert fine.returncode == 0, fine.stderr
    assert app.trained == 2
    stopped = app.run("-m", "model=small,large", STRICT, "hydra/sweeper=adaptive", env=environ)
    assert stopped.returncode == 3, stopped.stderr
    assert app.trained == 3, "the batch before the bad one ran, the bad one did not"
