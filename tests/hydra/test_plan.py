"""``scalecheck=plan``: every job is composed, checked and printed; nothing is launched and nothing is on disk."""

from __future__ import annotations

PLAN = "scalecheck=plan"
OURS = "hydra.callbacks.scalecheck.mode=plan"


def files(app):
    return {str(path.relative_to(app.root)) for path in app.root.rglob("*") if "__pycache__" not in path.parts}


def test_sweep_is_printed_with_its_totals_and_nothing_starts(app):
    before = files(app)
    done = app.run("-m", "model=small,large", "seed=1,2", PLAN)
    assert done.returncode == 0, done.stderr
    assert app.trained == 0
    assert files(app) == before
    assert [line.split()[0] for line in done.stdout.splitlines() if " model=" in line] == ["0", "1", "2", "3"]
    assert "total" in done.stdout
    assert "nothing was started (exit 0)" in done.stdout


def test_exit_1_where_a_job_has_an_error(app):
    done = app.run("-m", "model=small,large", "scalecheck=strict", OURS)
    assert done.returncode == 1, done.stderr
    assert app.left_on_disk == set()
    assert "[undertrained]" in done.stdout


def test_single_run_is_planned_too(app):
    passing = app.run(PLAN)
    assert passing.returncode == 0
    assert passing.stdout.startswith("scalecheck: pass: ")
    failing = app.run("scalecheck=strict", OURS, "trainer.max_steps=5")
    assert failing.returncode == 1
    assert app.left_on_disk == set()


def test_every_job_of_a_long_sweep_is_printed(app):
    done = app.run("-m", "seed=range(50)", PLAN)
    assert done.returncode == 0, done.stderr
    assert sum(" seed=" in line for line in done.stdout.splitlines()) == 50


def test_job_that_does_not_compose_is_named_and_exit_is_2(app):
    done = app.run("-m", "model=small,lrge", PLAN)
    assert done.returncode == 2, done.stdout
    assert "model=lrge" in done.stderr
    assert "Traceback" not in done.stderr
    assert app.left_on_disk == set()


def test_sweep_without_jobs_is_exit_2(app):
    done = app.run("-m", "model=glob(nothing*)", PLAN)
    assert done.returncode == 2, done.stdout
    assert "no jobs" in done.stderr


def test_broken_policy_is_exit_2_and_starts_nothing(app):
    done = app.run("-m", "seed=1,2", PLAN, "hydra.callbacks.scalecheck.law=nobody2020")
    assert done.returncode == 2, done.stderr
    assert app.left_on_disk == set()


def test_our_own_bug_starts_nothing(app):
    app.write({"sitecustomize.py": "import sys\nsys.modules['scalecheck.extract'] = None\n"})
    for arguments in ((), ("-m", "seed=1,2")):
        done = app.run(*arguments, PLAN, env={"PYTHONPATH": str(app.root)})
        assert done.returncode == 2, done.stderr
        assert app.left_on_disk == set()
