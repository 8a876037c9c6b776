"""``on_reject: drop``: the jobs that are rejected are left out, the others run, and the exit code says that not all did."""

from __future__ import annotations

import json

import pytest

STRICT = "scalecheck=strict"
DROP = "hydra.callbacks.scalecheck.on_reject=drop"


def test_rejected_jobs_are_left_out_and_the_others_run(app):
    done = app.run("-m", "model=small,large", "seed=1,2", STRICT, DROP)
    assert done.returncode == 3, done.stderr
    assert app.trained == 2
    reports = sorted(app.root.glob("multirun/*/*/*/scalecheck.json"))
    assert [json.loads(report.read_text())["jobs"][0]["overrides"][:2] for report in reports] == [
        ["model=small", "seed=1"],
        ["model=small", "seed=2"],
    ]
    assert "2 of 4 jobs dropped (on_reject=drop): jobs 2, 3" in done.stderr
    assert "[undertrained]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.extended
def test_table_says_which_jobs_are_dropped(app):
    done = app.run("-m", "model=small,large", STRICT, DROP)
    row = next(line for line in done.stderr.splitlines() if "model=large" in line)
    assert row.endswith("dropped"), done.stderr


def test_nothing_is_dropped_where_all_pass(app):
    done = app.run("-m", "seed=1,2", STRICT, DROP)
    assert done.returncode == 0, done.stderr
    assert app.trained == 2
    assert "dropped" not in done.stderr


def test_sweep_of_which_every_job_is_rejected_stops_before_anything_is_on_disk(app):
    done = app.run("-m", "trainer.max_steps=5,6", STRICT, DROP)
    assert done.returncode == 3, done.stderr
    assert app.left_on_disk == set()


def test_mode_warn_drops_nothing(app):
    done = app.run("-m", "model=small,large", DROP)
    assert done.returncode == 0, done.stderr
    assert app.trained == 2


def test_failing_job_keeps_its_own_traceback_and_exit_code(app):
    source = (app.root / "train.py").read_text().replace('print("TRAINED")', 'raise ValueError("the loss is nan")')
    app.write({"train.py": source})
    done = app.run("-m", "model=small,large", STRICT, DROP)
    assert done.returncode == 1, done.stderr
    assert "the loss is nan" in done.stderr
    assert app.trained == 1


def test_budget_of_a_sweep_counts_the_jobs_that_are_launched(app):
    budget = "hydra.callbacks.scalecheck.rules.over_budget.sweep.max_training_tokens=6e6"
    dropped = app.run("-m", "trainer.max_steps=84,85,5", STRICT, DROP, budget)
    assert dropped.returncode == 3, dropped.stderr
    assert app.trained == 2, "2.75M and 2.79M tokens fit; the job of 5 steps is not among them"
    over = app.run("-m", "trainer.max_steps=84,85,86,5", STRICT, DROP, budget)
    assert over.returncode == 3, over.stderr
    assert app.trained == 2, "no single job is at fault, so the whole sweep stops"
    assert "[over_budget]" in over.stderr


@pytest.mark.extended
@pytest.mark.parametrize("size", [1, 2])
def test_batches_of_a_basic_sweeper_are_dropped_alike(app, size):
    done = app.run("-m", "model=small,large", "seed=1,2", STRICT, DROP, f"hydra.sweeper.max_batch_size={size}")
    assert done.returncode == 3, done.stderr
    assert app.trained == 2


@pytest.mark.extended
def test_shuffled_jobs_are_those_that_were_checked(app):
    done = app.run("-m", "model=shuffle(small,large)", "seed=shuffle(range(1,4))", STRICT, DROP)
    assert done.returncode == 3, done.stderr
    assert app.trained == 3
    shown = [line.split()[1:3] for line in done.stderr.splitlines() if " model=" in line and " pass" in line]
    assert len(shown) == 3, done.stderr


def test_unknown_value_is_refused(app):
    done = app.run("-m", "seed=1,2", STRICT, "hydra.callbacks.scalecheck.on_reject=skip")
    assert done.returncode == 3
    assert "on_reject" in done.stderr
    assert app.left_on_disk == set()
