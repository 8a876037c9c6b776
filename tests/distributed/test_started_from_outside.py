"""All processes of a launch started at once in one directory, as srun and mpirun do: the verdict once, an exit code from each."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

STRICT = "scalecheck=strict"
LATE = """
import os, time
if os.environ["SLURM_PROCID"] == "0":
    time.sleep(1)
"""


def srun(app, *arguments: str, ranks: int = 4, variables=("SLURM_PROCID", "SLURM_NTASKS")):
    rank, size = variables

    def start(number: int):
        environ = {rank: str(number), size: str(ranks), "SLURM_JOB_ID": "1"}
        return app.run(*arguments, f"hydra.run.dir=outputs/{number}", env=environ)

    with ThreadPoolExecutor(ranks) as together:
        return list(together.map(start, range(ranks)))


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param(("SLURM_PROCID", "SLURM_NTASKS"), id="slurm"),
        pytest.param(("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), id="open mpi", marks=pytest.mark.extended),
        pytest.param(("PMI_RANK", "PMI_SIZE"), id="mpich", marks=pytest.mark.extended),
    ],
)
def test_a_stop_is_said_by_one_process_and_ends_all_with_3(app, variables):
    done = srun(app, STRICT, "trainer.max_steps=5", ranks=2, variables=variables)
    assert [one.returncode for one in done] == [3, 3], [one.stderr for one in done]
    assert "[undertrained]" in done[0].stderr
    assert [one.stderr for one in done[1:]] == [""]
    assert app.left_on_disk == set()


def test_a_passing_launch_is_said_and_reported_by_one_process_of_four(app):
    done = srun(app, "trainer.devices=4", "data.batch_size=8")
    assert [one.returncode for one in done] == [0] * 4, [one.stderr for one in done]
    assert app.trained == 4
    assert done[0].stderr.startswith("scalecheck: pass: ")
    assert [one.stderr for one in done[1:]] == [""] * 3
    (report,) = app.root.rglob("scalecheck.json")
    assert report.parent.name == "0"
    assert json.loads(report.read_text())["jobs"][0]["training_tokens"] == 84 * 32 * 1024


@pytest.mark.extended
def test_a_broken_policy_is_said_by_one_process_and_ends_all_with_3(app):
    done = srun(app, "hydra.callbacks.scalecheck.mode=stp", ranks=2)
    assert [one.returncode for one in done] == [3, 3], [one.stderr for one in done]
    assert "stp" in done[0].stderr
    assert done[1].stderr == ""


@pytest.mark.extended
def test_a_sweep_is_stopped_in_every_process_and_said_by_one(app):
    done = srun(app, "-m", STRICT, "trainer.max_steps=84,5", ranks=2)
    assert [one.returncode for one in done] == [3, 3], [one.stderr for one in done]
    assert "[undertrained]" in done[0].stderr
    assert done[1].stderr == ""
    assert app.left_on_disk == set()


def test_the_others_do_not_exit_before_the_first_has_spoken(app):
    """srun --kill-on-bad-exit, torchrun and mpirun end all processes when one has exited."""
    app.write({"late.py": LATE + (app.root / "train.py").read_text(), "first.py": FIRST})
    done = app.spawn(sys.executable, "first.py")
    assert "[undertrained]" in done.stderr, done.stderr
    assert done.stdout.split() == ["0", "3"], "the first process to exit is the one that speaks"


FIRST = """
import os, subprocess, sys, time
started = [
    subprocess.Popen(
        [sys.executable, "late.py", "scalecheck=strict", "trainer.max_steps=5"],
        env=os.environ | {"SLURM_PROCID": str(rank), "SLURM_NTASKS": "2"},
    )
    for rank in range(2)
]
while all(one.poll() is None for one in started):
    time.sleep(0.02)
exited = next(rank for rank, one in enumerate(started) if one.poll() is not None)
for one in started:
    one.kill()
print(exited, started[exited].returncode)
"""
