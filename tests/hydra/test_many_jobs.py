"""Sweeps of none, of thousands, of a broken job; interrupted ones, ones without a place to write, and two at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

STRICT = "scalecheck=strict"
SLOW = """
    # The check of one job takes a second, so that an interrupt meets it.
    import time
    from scalecheck.sweep_jobs import JobComposer

    fast = JobComposer.job

    def slow(*arguments):
        open("checking.txt", "a").write("checking\\n")
        time.sleep(1)
        return fast(*arguments)

    JobComposer.job = slow
    """
MEASURE = """
    import gc, json, sys, tracemalloc
    from pathlib import Path
    from scalecheck import compose, sweep

    with compose.hydra_at(Path("conf"), "1.3"):
        config = compose.compose_main("train", ["seed=1"], multirun=True)
        first, last = 40, 120
        tracemalloc.start()
        kept, held = [], {}
        for job in sweep.sweep_jobs(config, [[f"seed={seed}"] for seed in range(last + 1)]):
            kept.append(job)
            if len(kept) in (first, last):
                gc.collect()
            held[len(kept)] = tracemalloc.get_traced_memory()[0]
        print((held[last] - held[first]) / (last - first))
    """


@pytest.mark.parametrize("nothing", ["model=glob(nothing*)", pytest.param("seed=range(3,3)", marks=pytest.mark.extended)])
def test_a_sweep_of_no_jobs_says_so_and_ends_as_hydra_ends_it(app, nothing):
    done = app.run("-m", nothing, STRICT)
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert "no job" in line
    assert "pass" not in line


def test_an_empty_choice_is_hydras_own_error(app):
    done = app.run("-m", "seed=choice()", STRICT)
    assert done.returncode == 1
    assert app.left_on_disk == set()
    assert "scalecheck:" not in done.stderr


@pytest.mark.extended
@pytest.mark.parametrize("policy", ["default", "strict"])
@pytest.mark.parametrize("swept", [("model=small,lrge",), ("model=small", "trainer.max_stepz=1,2"), ("model=small,large", "~nothing.here")])
def test_a_job_that_does_not_compose_is_named_with_its_overrides_and_nothing_starts(app, policy, swept):
    done = app.run("-m", "seed=1,2", f"scalecheck={policy}", *swept)
    assert done.returncode != 0, done.stderr
    assert app.trained == 0
    assert app.left_on_disk == set()
    assert "Traceback" not in done.stderr
    (line,) = [
        line
        for line in done.stderr.splitlines()
        if "does not compose" in line or "Could not override" in line or "Could not delete" in line
    ]
    assert swept[-1].split("=")[0].strip("~") in line


def interruptible():
    """A shell that started the tests in its background lets them, and what they start, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize(("rank", "said"), [("0", "scalecheck: interrupted; nothing was started."), ("1", "")])
def test_an_interrupted_check_ends_with_130_one_line_of_the_first_rank_and_nothing_on_disk(app, rank, said):
    app.write({"site/sitecustomize.py": SLOW})
    environ = os.environ | {"PYTHONPATH": str(app.root / "site"), "NO_COLOR": "1", "PYTHONWARNINGS": "ignore", "RANK": rank}
    command = (sys.executable, "train.py", "-m", "seed=range(1,200)", STRICT)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=app.root, env=environ, preexec_fn=interruptible, **pipes) as started:  # noqa: PLW1509
        deadline = time.monotonic() + 60
        while not (app.root / "checking.txt").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        started.send_signal(signal.SIGINT)
        _, stderr = started.communicate(timeout=60)
    assert started.returncode == 130, stderr
    assert stderr.strip() == said
    assert app.left_on_disk == set()


@pytest.mark.parametrize("launcher", ["sweep", pytest.param("run", marks=pytest.mark.extended)])
def test_a_place_that_cannot_be_written_to_stops_no_job_and_is_said_once(app, launcher):
    """A file stands where the report would: root may write anywhere else. (Of a whole output directory Hydra says so itself.)"""
    directory, arguments = (
        ("hydra.run.dir=out", ()) if launcher == "run" else ("hydra.sweep.dir=out", ("-m", "seed=1", "hydra.sweep.subdir=."))
    )
    (app.root / "out" / "scalecheck.json").mkdir(parents=True)
    done = app.run(*arguments, directory)
    assert done.returncode == 0, done.stderr
    assert app.trained == 1
    (line,) = [line for line in done.stderr.splitlines() if "not written" in line]
    assert "scalecheck.json" in line
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in (app.root / "out").glob(".scalecheck*")) == []


def test_an_output_directory_below_a_file_is_hydras_own_error_and_a_rejected_sweep_never_meets_it(app):
    (app.root / "full").write_text("a file")
    directory = "hydra.sweep.dir=full/below"
    stopped = app.run("-m", "model=small,large", STRICT, directory)
    assert stopped.returncode == 3, stopped.stderr
    passing = app.run("-m", "seed=1,2", STRICT, directory)
    assert passing.returncode == 1
    assert app.trained == 0
    assert "internal error" not in passing.stderr


@pytest.mark.extended
def test_two_sweeps_at_once_in_one_directory_both_finish_with_whole_reports(app):
    environ = os.environ | {"NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
    common = (sys.executable, "train.py", "-m", "hydra.sweep.dir=shared", "hydra.sweep.subdir=${hydra.job.override_dirname}", STRICT)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([*common, seeds], cwd=app.root, env=environ, **pipes) for seeds in ("seed=1,2,3", "seed=2,3,4")]
    for one in both:
        _, stderr = one.communicate(timeout=110)
        assert one.returncode == 0, stderr
    assert app.trained == 6
    reports = {path.parent.name: json.loads(path.read_text()) for path in app.root.glob("shared/*/scalecheck.json")}
    assert sorted(name.split(",")[-1] for name in reports) == [f"seed={seed}" for seed in (1, 2, 3, 4)]
    for name, report in reports.items():
        assert name.split(",")[-1] in report["jobs"][0]["overrides"]
    assert not list(app.root.rglob(".scalecheck.json.*"))


@pytest.mark.extended
def test_a_job_of_a_long_sweep_leaves_a_few_kilobytes_behind(app):
    """Of a job no config outlives its check, and its ledger does not either."""
    app.write({"measure.py": textwrap.dedent(MEASURE)})
    done = app.spawn(sys.executable, "measure.py")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 20_000
