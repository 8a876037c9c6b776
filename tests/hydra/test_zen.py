"""hydra-zen's ``launch()``: a stop reaches its caller as exit code 3 before the task ran, and leaves the process as it was."""

from __future__ import annotations

import json
import sys

import pytest

pytest.importorskip("hydra_zen")

LAUNCHES = """
import json
import sys

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra_zen import launch, make_config

ran = []
Config = make_config(
    model=dict(n_layer=2, n_embd=64, n_head=2, block_size=1024, vocab_size=512, bias=True),
    trainer=dict(max_steps=84, devices=1),
    data=dict(batch_size=32, seq_len=1024),
    seed=1,
    {more}
)

def task(cfg):
    ran.append([cfg.trainer.max_steps, cfg.seed, HydraConfig.get().launcher._target_])
    return cfg.seed

told = []
for asked in json.loads(sys.argv[1]):
    before = len(ran)
    try:
        done = launch(Config, task, overrides=asked["overrides"], multirun=asked.get("multirun", False), version_base="1.3")
        end = "returned"
    except SystemExit as stop:
        end = stop.code
    told.append({
        "end": end,
        "ran": ran[before:],
        "hydra": GlobalHydra.instance().is_initialized(),
        "config": HydraConfig.instance().cfg is not None,
    })
print("TOLD " + json.dumps(told))
"""
STRICT, SHORT = "+scalecheck=strict", "trainer.max_steps=5"
BASIC = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"


def launched(app, *asked: dict, more: str = ""):
    app.write({"zen.py": LAUNCHES.replace("{more}", more)})
    done = app.spawn(sys.executable, "zen.py", json.dumps(asked))
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("TOLD ")]
    return json.loads(line.removeprefix("TOLD ")), done


def steps(told):
    return [(steps, seed) for steps, seed, *_ in told["ran"]]


RUN_OR_SWEEP = [False, pytest.param(True, marks=pytest.mark.extended)]  # sweeps are stopped and pass below as well


@pytest.mark.parametrize("multirun", RUN_OR_SWEEP, ids=["run", "sweep"])
def test_stopped_launch_ends_with_3_before_the_task_ran(app, multirun):
    (told,), done = launched(app, {"overrides": [STRICT, SHORT], "multirun": multirun})
    assert (told["end"], told["ran"]) == (3, [])
    assert app.left_on_disk == set()
    assert "[undertrained]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("multirun", RUN_OR_SWEEP, ids=["run", "sweep"])
def test_passing_launch_returns(app, multirun):
    (told,), done = launched(app, {"overrides": [STRICT], "multirun": multirun})
    assert (told["end"], steps(told)) == ("returned", [(84, 1)])
    assert "scalecheck: pass: " in done.stderr


def test_sweep_is_stopped_as_a_whole(app):
    (told,), _ = launched(app, {"overrides": [STRICT, "trainer.max_steps=84,5"], "multirun": True})
    assert (told["end"], told["ran"]) == (3, [])


def test_line_in_the_configs_own_defaults_is_enough(app):
    more = 'hydra_defaults=["_self_", {"scalecheck": "strict"}]'
    (stopped, passed), _ = launched(app, {"overrides": [SHORT]}, {"overrides": []}, more=more)
    assert (stopped["end"], stopped["ran"]) == (3, [])
    assert (passed["end"], steps(passed)) == ("returned", [(84, 1)])


def test_after_a_stop_the_process_launches_as_before(app):
    told, done = launched(
        app,
        {"overrides": [STRICT, SHORT]},
        {"overrides": [STRICT, SHORT], "multirun": True},
        {"overrides": [STRICT, "seed=1,2"], "multirun": True},
        {"overrides": [SHORT]},
        {"overrides": [STRICT, SHORT]},
    )
    assert [one["end"] for one in told] == [3, 3, "returned", "returned", 3], done.stderr
    assert [steps(one) for one in told] == [[], [], [(84, 1), (84, 2)], [(5, 1)], []]
    assert {launcher for one in told for *_, launcher in one["ran"]} == {BASIC}
    assert not any(one["hydra"] for one in told)


@pytest.mark.extended
def test_sweep_of_which_jobs_are_dropped_runs_the_rest_and_ends_with_3(app):
    told, done = launched(
        app,
        {"overrides": [STRICT, "hydra.callbacks.scalecheck.on_reject=drop", "trainer.max_steps=84,5", "seed=1"], "multirun": True},
        {"overrides": [STRICT, "seed=1,2"], "multirun": True},
    )
    assert [one["end"] for one in told] == [3, "returned"], done.stderr
    assert [steps(one) for one in told] == [[(84, 1)], [(84, 1), (84, 2)]]
    assert {launcher for one in told for *_, launcher in one["ran"]} == {BASIC}


ZEN_MAIN = """
from hydra_zen import make_config, store, zen

def task(model, trainer, data):
    print("TRAINED")

if __name__ == "__main__":
    zen(task).hydra_main(config_path="conf", config_name="train", version_base="1.3")
"""


@pytest.mark.extended
def test_zen_main_is_stopped_like_any_app(app):
    app.write({"main.py": ZEN_MAIN})
    stopped = app.spawn(sys.executable, "main.py", "scalecheck=strict", SHORT)
    assert (stopped.returncode, stopped.stdout) == (3, "")
    passed = app.spawn(sys.executable, "main.py")
    assert passed.returncode == 0, passed.stderr
    assert "TRAINED" in passed.stdout
