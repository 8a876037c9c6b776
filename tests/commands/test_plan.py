"""``scalecheck plan``: the user's own script checks every job and starts none; what is no plan is said, never taken for one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from scalecheck import plan_signal
from scalecheck.commands.plan import OVERRIDES, with_ours

SHORT = "trainer.max_steps=5"
ERROR = "hydra.callbacks.scalecheck.rules.undertrained.severity=error"


def files(app):
    return {path.relative_to(app.root) for path in app.root.rglob("*")}


def started(app):
    """Whether anything was, or anything is on disk that was not there."""
    return app.trained > 0 or app.left_on_disk != set()


def test_every_job_and_the_totals_are_printed_and_nothing_is_started(app):
    before = files(app)
    done = app.cli("plan", "train.py", "-m", "model=small,large", "seed=1,2")
    assert done.returncode == 0, done.stderr
    assert files(app) == before
    assert [line.split()[0] for line in done.stdout.splitlines() if " model=" in line] == ["0", "1", "2", "3"]
    assert "total" in done.stdout
    assert "TRAINED" not in done.stdout


@pytest.mark.parametrize("arguments", [(SHORT, ERROR), ("-m", "trainer.max_steps=84,5", ERROR)], ids=["run", "sweep"])
def test_findings_are_exit_1(app, arguments):
    done = app.cli("plan", "train.py", *arguments)
    assert done.returncode == 1, done.stderr
    assert "[undertrained]" in done.stdout
    assert not started(app)


@pytest.mark.extended
@pytest.mark.extended
def test_own_policy_is_asked_whatever_its_mode(app):
    for mode in ("off", "warn", "stop"):
        done = app.cli("plan", "train.py", f"hydra.callbacks.scalecheck.mode={mode}", "scalecheck=strict", SHORT)
        assert done.returncode == 1, done.stdout + done.stderr
        assert not started(app)


@pytest.mark.parametrize(
    "arguments",
    [("model=small,large", "-m"), ("-m", "model=small,large"), ("--config-name", "train", "-m", "model=small,large"),
     ("--multirun", "model=small,large", "--config-name=train"), ("model=small,large", "hydra.mode=MULTIRUN", "-cn", "train"),
     ("-cd", "extra", "-m", "model=small,large")],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.extended
def test_arguments_reach_the_script_in_any_order_that_hydra_takes(app, arguments):
    app.write({"extra/empty.yaml": "{}"})
    done = app.cli("plan", "train.py", *arguments)
    assert done.returncode == 0, done.stderr
    assert "2 jobs" in done.stdout
    assert not started(app)


def test_our_overrides_stand_right_behind_the_last_that_was_typed():
    assert with_ours(["a=1", "-m"]) == ["a=1", *OVERRIDES, "-m"]
    assert with_ours(["-m", "~a", "--config-name", "x=y"]) == ["-m", "~a", *OVERRIDES, "--config-name", "x=y"]
    assert with_ours(["-cn", "train"]) == ["-cn", "train", *OVERRIDES]


def test_repo_without_our_line_is_planned_with_the_default_policy(app):
    app.write({"conf/train.yaml": "defaults: [{model: large}, {trainer: default}, _self_]\ndata: {batch_size: 32, seq_len: 1024}\n"})
    done = app.cli("plan", "train.py", "-m", "model=small,large")
    assert done.returncode == 0, done.stderr
    assert "[undertrained]" in done.stdout
    assert app.cli("plan", "train.py", f"++{ERROR}").returncode == 1
    assert not started(app)


@pytest.mark.extended
@pytest.mark.extended
def test_our_line_under_another_name_is_planned_too(app):
    app.write({"conf/train.yaml": """
        defaults: [{model: small}, {trainer: default}, {/hydra/callbacks@hydra.callbacks.guard: scalecheck}, _self_]
        data: {batch_size: 32, seq_len: 1024}
        hydra: {callbacks: {guard: {mode: stop, rules: {undertrained: {severity: error}}}}}
        """})  # fmt: skip
    done = app.cli("plan", "train.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not started(app)
    for arguments in ((SHORT,), ("-m", "trainer.max_steps=5,84"), (SHORT, "hydra.callbacks.guard.mode=off")):
        assert app.cli("plan", "train.py", *arguments).returncode == 1
        assert not started(app)


OF_THE_SCRIPT = """
from dataclasses import dataclass
import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

@dataclass
class Medium:
    n_layer: int = 4
    n_embd: int = 128
    n_head: int = 2
    block_size: int = 1024
    vocab_size: int = 512
    bias: bool = True

ConfigStore.instance().store(group="model", name="medium", node=Medium)
OmegaConf.register_new_resolver("times", lambda a, b: a * b)

@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg):
    open("ran.txt", "w").write("ran\\n")

if __name__ == "__main__":
    main()
"""


def test_resolvers_and_structured_configs_of_the_script_are_seen(app):
    app.write({"train.py": OF_THE_SCRIPT, "conf/trainer/default.yaml": "{max_steps: '${times:42,2}', devices: 1}"})
    composed = app.cli("check", "--config-name", "train")
    assert "times" in composed.stdout, "else this test would show nothing"
    assert app.cli("check", "--config-name", "train", "model=medium").returncode == 2
    done = app.cli("plan", "train.py", "-m", "model=small,medium")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("2.75M") == 2
    assert not started(app)


@pytest.mark.extended
def test_module_is_run_as_python_m_would(app):
    app.write({"pkg/__init__.py": "", "pkg/train.py": (app.root / "train.py").read_text().replace('"conf"', '"../conf"')})
    done = app.cli("plan", "--module", "pkg.train", "-m", "model=small,large")
    assert done.returncode == 0, done.stderr
    assert "2 jobs" in done.stdout
    assert not (app.root / "pkg" / "ran.txt").exists()


@pytest.mark.parametrize(
    "text", ["--cfg", "--cfg=job", "-c", "-cjob", "-mc", "--help", "-h", "--hel", "--hydra-help", "--info", "-i", "--version", "-sc"]
)
def test_what_launches_nothing_is_refused(app, text):
    done = app.cli("plan", "train.py", "-m", "seed=1,2", text, "job")
    assert done.returncode == 2
    assert done.stderr.startswith(f"scalecheck: error: {text}: with --")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_rerun_past_every_check_is_refused(app):
    for text in ("--experimental-rerun", "--exp=config.pickle"):
        done = app.cli("plan", "train.py", text, "config.pickle")
        assert done.returncode == 2
        assert "past every check" in done.stderr


NO_HYDRA = "open('ran.txt', 'w').write('ran\\n')\n"
LAUNCH = "from hydra_zen import launch\nlaunch({}, print, version_base='1.3')\n" + NO_HYDRA


@pytest.mark.parametrize(
    ("script", "seen"),
    [(NO_HYDRA, "no @hydra.main is seen in it"), (LAUNCH, "hydra_zen.launch takes nothing from the command line")],
)
def test_script_that_may_train_unchecked_is_not_run(app, script, seen):
    app.write({"other.py": script})
    done = app.cli("plan", "other.py", "-m", "seed=1,2")
    assert done.returncode == 2
    assert seen in done.stderr
    assert not started(app)


def test_task_that_is_called_past_hydra_is_not_run(app):
    app.write({"train.py": (app.root / "train.py").read_text().replace("    main()", "    main({'seed': 1})")})
    done = app.cli("plan", "train.py")
    assert done.returncode == 2
    assert "past Hydra and every check" in done.stderr
    assert not started(app)


def test_script_that_is_run_anyway_and_reports_nothing_is_exit_2(app):
    app.write({"other.py": "print('MINE')\n"})
    done = app.cli("plan", "--anyway", "other.py")
    assert done.returncode == 2
    assert done.stdout == "MINE\n"
    assert (
        done.stderr
        == "scalecheck: error: other.py ended with exit code 0 and no report of scalecheck came; what it said itself stands above.\n"
    )


def test_script_that_enters_hydra_elsewhere_is_planned_anyway(app):
    app.write({"start.py": "from train import main\nmain()\n", "conf/__init__.py": ""})
    assert app.cli("plan", "start.py", "seed=1").returncode == 2
    done = app.cli("plan", "--anyway", "start.py", "+more=1")
    assert done.returncode == 0, done.stderr
    assert not started(app)


@pytest.mark.parametrize("code", [0, 1, 2, 3, 7])
def test_script_that_ends_before_hydra_is_exit_2_whatever_its_own(app, code):
    app.write({"train.py": f"import sys\nsys.exit({code})\n{(app.root / 'train.py').read_text()}"})
    done = app.cli("plan", "train.py")
    assert done.returncode == 2
    assert f"ended with exit code {code} and no report" in done.stderr


def test_import_error_of_the_script_is_its_own_and_exit_2(app):
    app.write({"train.py": "import gone_module\n" + (app.root / "train.py").read_text()})
    done = app.cli("plan", "train.py")
    assert done.returncode == 2
    assert "No module named 'gone_module'" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("hydra.callbacks.scalecheck.law=nobody2020",),
        ("model=lrge",),
        pytest.param(("-m", "model=small,lrge"), marks=pytest.mark.extended),
    ],
)
def test_broken_policy_or_config_is_exit_2(app, arguments):
    done = app.cli("plan", "train.py", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not started(app)


@pytest.mark.extended
def test_report_counts_though_the_script_catches_the_exit(app):
    app.write({"train.py": (app.root / "train.py").read_text().replace("    main()", "    try: main()\n    except SystemExit: pass")})
    done = app.cli("plan", "train.py", SHORT, ERROR)
    assert done.returncode == 1, done.stderr
    assert not started(app)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [((), "no script"), (("gone.py",), "gone.py: there is no such script"), (("conf",), "conf: there is no such script"),
     (("-m", "train.py"), "-m is no option of scalecheck plan"), (("--module", "gone.train"), "no module gone.train"),
     (("--python", "gone-python", "train.py"), "--python gone-python cannot be run")],
    ids=str,
)  # fmt: skip
@pytest.mark.extended
def test_mistake_is_one_sentence_and_exit_2(app, arguments, sentence):
    done = app.cli("plan", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"scalecheck: error: {sentence}")
    assert len(done.stderr.splitlines()) == 1
    assert not started(app)


def test_ctrl_c_reaches_the_script_and_is_exit_130(app):
    slow = "import time, pathlib\npathlib.Path('pid.txt').write_text(str(__import__('os').getpid()))\ntime.sleep(60)\n"
    app.write({"train.py": slow + (app.root / "train.py").read_text()})
    command = [sys.executable, "-m", "scalecheck.cli", "plan", "train.py"]
    # A shell that started the tests in its background lets them, and what they start, ignore Ctrl-C.
    ctrl_c = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    running = subprocess.Popen(command, cwd=app.root, stderr=subprocess.PIPE, text=True, preexec_fn=ctrl_c)  # noqa: PLW1509
    told = app.root / "pid.txt"
    until = time.monotonic() + 60
    while not (told.exists() and told.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)  # to the command alone: a terminal would reach the script as well
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 130
    assert stderr.splitlines()[-1] == "scalecheck: interrupted."
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)
    assert not started(app)


def test_nothing_is_told_where_nobody_listens(monkeypatch):
    monkeypatch.delenv(plan_signal.ENVIRONMENT_VARIABLE, raising=False)
    plan_signal.tell(0)
    monkeypatch.setenv(plan_signal.ENVIRONMENT_VARIABLE, "no number")
    plan_signal.tell(0)


def test_what_is_told_is_heard_also_while_another_process_holds_the_pipe(monkeypatch):
    read_end, write_end = os.pipe()
    try:
        assert plan_signal.told(read_end) is None
        monkeypatch.setenv(plan_signal.ENVIRONMENT_VARIABLE, str(write_end))
        plan_signal.tell(1)
        assert plan_signal.told(read_end) == 1
    finally:
        os.close(read_end)
        os.close(write_end)
