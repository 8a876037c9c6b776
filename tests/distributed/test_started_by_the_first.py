"""A task that starts the other ranks with its script's own command line, as Lightning does: they follow the first one's verdict."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.extended

BUDGET = "hydra.callbacks.scalecheck.rules.over_budget.max_training_tokens=4e6"
STOP = "hydra.callbacks.scalecheck.mode=stop"
TRAIN = """
import os, subprocess, sys
from pathlib import Path
import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_original_cwd, to_absolute_path

# As in lightning/fabric/strategies/launchers/subprocess_script.py
def start_second(script, typed):
    os.environ.update(LOCAL_RANK="0", NODE_RANK="0", WORLD_SIZE="2")
    command = [sys.executable, to_absolute_path(script), *typed, f'hydra.run.dir="{HydraConfig.get().run.dir}"']
    command += ["hydra.job.name=train_ddp_process_1", "hydra.output_subdir=null"]
    return subprocess.run(command, cwd=get_original_cwd(), env=os.environ | {"LOCAL_RANK": "1"}, timeout=60).returncode

@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg):
    rank = os.environ.get("LOCAL_RANK", "0")
    with (Path(__file__).parent / "ran.txt").open("a") as file:
        file.write(f"{rank}\\n")
    if "LOCAL_RANK" not in os.environ:
        print("second exited with", start_second(*second()), flush=True)

def second():
    return sys.argv[0], sys.argv[1:]

if __name__ == "__main__":
    main()
"""
NO_DEVICES = {"train.py": TRAIN, "conf/trainer/default.yaml": "max_steps: 84\n"}


def test_the_second_process_is_not_stopped_for_what_only_it_was_told(app):
    """It has WORLD_SIZE, so that its D is twice the first one's and over the budget; the first would wait for it for ever."""
    app.write(NO_DEVICES)
    done = app.run(STOP, BUDGET)
    assert done.returncode == 0, done.stderr
    assert "second exited with 0" in done.stdout, done.stdout + done.stderr
    assert app.trained == 2


def test_the_verdict_is_said_and_reported_once(app):
    app.write({"train.py": TRAIN})
    done = app.run()
    assert "second exited with 0" in done.stdout, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    (report,) = app.root.rglob("scalecheck.json")
    assert (report.parent / ".hydra").is_dir()


def test_a_task_that_changes_its_directory_is_followed_too(app):
    app.write(NO_DEVICES)
    done = app.run(STOP, BUDGET, "hydra.job.chdir=true")
    assert "second exited with 0" in done.stdout, done.stdout + done.stderr


def test_a_sweep_is_followed_too(app):
    app.write(NO_DEVICES)
    done = app.run("-m", STOP, BUDGET, "seed=1,2")
    assert "second exited with 0" in done.stdout, done.stdout + done.stderr
    assert "second exited with 3" not in done.stdout


def test_a_launch_that_is_stopped_starts_no_other(app):
    app.write(NO_DEVICES)
    done = app.run(STOP, BUDGET, "+trainer.devices=2")
    assert done.returncode == 3, done.stderr
    assert app.trained == 0


def test_another_launch_of_the_task_is_checked_whatever_its_rank(app):
    """The mark of one launch is none for another: not with other overrides, and not of another script."""
    app.write(NO_DEVICES)
    for other in ('sys.argv[0], [*sys.argv[1:], "seed=2"]', '"other.py", sys.argv[1:]'):
        app.write({"train.py": TRAIN.replace("return sys.argv[0], sys.argv[1:]", f"return {other}"), "other.py": TRAIN})
        done = app.run(STOP, BUDGET)
        assert "second exited with 3" in done.stdout, done.stdout + done.stderr


def test_a_bug_that_lets_the_first_go_lets_the_second_go(app):
    """A check that fails only in the first process must not become a stop of the others."""
    app.write(NO_DEVICES | {"sitecustomize.py": BROKEN})
    done = app.run(STOP, BUDGET, env={"PYTHONPATH": str(app.root)})
    assert "the run is NOT checked" in done.stderr, done.stderr
    assert "second exited with 0" in done.stdout, done.stdout + done.stderr


BROKEN = """
import os
if "LOCAL_RANK" not in os.environ:
    import scalecheck.launch
    def fails(*_, **__):
        raise RuntimeError("a bug")
    scalecheck.launch.check_run = fails
"""
