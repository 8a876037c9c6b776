"""torchrun for real: two processes, which join a group in the task."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("torch")

TRAIN = """
import os, time
if os.environ["RANK"] == os.environ.get("LATE"):
    time.sleep(2)
import hydra

@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg):
    import torch.distributed as dist
    dist.init_process_group("gloo")
    dist.barrier()
    with open("ran.txt", "a") as file:
        file.write("ran\\n")
    dist.destroy_process_group()

if __name__ == "__main__":
    main()
"""


def torchrun(app, *arguments: str, **env: str):
    app.write({"train.py": TRAIN})
    command = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "train.py")
    return app.spawn(sys.executable, *command, *arguments, env=env)


def test_a_passing_launch_is_said_once_and_trains_on_both(app):
    done = torchrun(app, "trainer.devices=2", "data.batch_size=16")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("scalecheck: pass: ") == 1
    assert app.trained == 2
    assert len(list(app.root.rglob("scalecheck.json"))) == 1


@pytest.mark.parametrize("late", ["", "0", "1"], ids=["together", "the first late", "the second late"])
def test_a_stop_is_said_once_and_ends_both(app, late):
    done = torchrun(app, "scalecheck=strict", "trainer.max_steps=5", LATE=late)
    assert done.returncode == 1, "torchrun's own code for a failed process"
    assert "exitcode: 3" in done.stderr
    assert done.stderr.count("[undertrained]") == 1, done.stderr
    assert done.stderr.count("the launch is stopped (exit 3)") == 1
    assert app.left_on_disk == set()
