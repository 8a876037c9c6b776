"""``python train.py …``: what is printed, what is on disk, which exit code, and whether the task function ran."""

from __future__ import annotations

import json
import re
import sys

import pytest

STOP = "hydra.callbacks.scalecheck.mode=stop"
STRICT = "scalecheck=strict"


def test_passing_run_says_one_line_and_trains(app):
    done = app.run()
    assert done.returncode == 0, done.stderr
    assert app.trained == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("scalecheck: pass: ")
    assert "tokens" in done.stderr
    assert "Traceback" not in done.stderr


def test_report_is_written_beside_the_hydra_directory(app):
    app.run()
    (report,) = app.root.glob("outputs/*/*/scalecheck.json")
    assert (report.parent / ".hydra" / "config.yaml").exists()
    job = json.loads(report.read_text())["jobs"][0]
    assert job["training_tokens"] == 84 * 32 * 1024
    assert job["total_params"] == 512 * 64 + 1024 * 64 + 2 * (12 * 64 * 64 + 13 * 64) + 2 * 64
    assert job["origins"]["num_steps"] | {"because": ""} == {
        "key": "trainer.max_steps", "file": "conf/trainer/default.yaml", "line": 2, "override": None, "chain": [], "assumed": False,
        "because": "",
    }  # fmt: skip


def test_warning_names_place_and_remedy_and_the_run_goes_on(app):
    done = app.run("trainer.max_steps=5")
    assert done.returncode == 0
    assert app.trained == 1
    assert "[undertrained]" in done.stderr
    assert "warning" in done.stderr
    assert re.search(r"try: trainer\.max_steps=\d+", done.stderr)


def test_finding_points_at_the_file_and_line_that_set_the_value(app):
    done = app.run("+experiment=short")
    assert "conf/experiment/short.yaml:2: warning" in done.stderr


def test_stop_exits_3_and_leaves_nothing(app):
    done = app.run(STRICT, "trainer.max_steps=5")
    assert done.returncode == 3
    assert app.left_on_disk == set()
    assert "[undertrained]" in done.stderr
    assert "Traceback" not in done.stderr
    assert "TRAINED" not in done.stdout


def test_stop_exits_3_with_full_error_too(app):
    done = app.run(STRICT, "trainer.max_steps=5", env={"HYDRA_FULL_ERROR": "1"})
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


@pytest.mark.extended
def test_typed_remedy_makes_the_finding_go_away(app):
    stopped = app.run(STRICT, "trainer.max_steps=5")
    remedy = re.search(r"try: (\S+)", stopped.stderr).group(1)
    done = app.run(STRICT, "trainer.max_steps=5", remedy)
    assert done.returncode == 0, done.stderr
    assert "[undertrained]" not in done.stderr
    assert app.trained == 1


def test_over_budget_stops_and_its_remedy_fits_the_budget(app):
    budget = "hydra.callbacks.scalecheck.rules.over_budget.max_training_flops=1e12"
    stopped = app.run(STOP, budget)
    assert stopped.returncode == 3
    assert "[over_budget]" in stopped.stderr
    remedy = re.search(r"(?:try|or): +(trainer\.max_steps=\d+)", stopped.stderr).group(1)
    done = app.run(STOP, budget, remedy)
    assert done.returncode == 0, done.stderr
    assert "[over_budget]" not in done.stderr


def test_typed_on_the_command_line_without_any_yaml_change(app):
    app.write({"conf/train.yaml": "defaults: [{model: large}, {trainer: default}, _self_]\ndata: {batch_size: 32, seq_len: 1024}\n"})
    assert app.run("+scalecheck=strict").returncode == 3
    assert app.run("+scalecheck=default").returncode == 0


def test_override_of_hydra_callbacks_works_too(app):
    app.write({"conf/train.yaml": "defaults: [{model: large}, {trainer: default}, _self_, {override hydra/callbacks: scalecheck}]\n"
               "data: {batch_size: 32, seq_len: 1024}\nhydra: {callbacks: {scalecheck: {mode: stop, rules: {undertrained: {severity: error}}}}}\n"})  # fmt: skip
    done = app.run()
    assert done.returncode == 3, done.stderr
    assert app.left_on_disk == set()


def test_users_own_callbacks_keep_working(app):
    app.write({
        "mine.py": """
            from hydra.experimental.callback import Callback
            class Mine(Callback):
                def on_run_start(self, config, **kwargs): print("MINE STARTED")
            """,
        "conf/hydra/callbacks/mine.yaml": "mine: {_target_: mine.Mine}\n",
        "conf/train.yaml": """
            defaults:
              - model: large
              - trainer: default
              - _self_
              - scalecheck: strict
              - override hydra/callbacks: mine
            data: {batch_size: 32, seq_len: 1024}
            """,
    })  # fmt: skip
    done = app.run(env={"PYTHONPATH": str(app.root)})
    assert "MINE STARTED" in done.stdout
    assert done.returncode == 3


def test_a_policy_of_the_users_own_extends_ours(app):
    app.write({"conf/scalecheck/ours.yaml": """
        # @package _global_
        defaults: [strict, _self_]
        hydra: {callbacks: {scalecheck: {rules: {undertrained: {min_tokens_per_parameter: 1000}}}}}
        """})  # fmt: skip
    done = app.run("scalecheck=ours")
    assert done.returncode == 3
    assert "1,000" in done.stderr or "1000" in done.stderr


def test_mode_off_checks_nothing(app):
    done = app.run("hydra.callbacks.scalecheck.mode=off", "trainer.max_steps=5")
    assert done.returncode == 0
    assert "scalecheck" not in done.stderr


@pytest.mark.extended
def test_other_ranks_stop_too_but_say_nothing(app):
    done = app.run(STRICT, "trainer.max_steps=5", env={"RANK": "3", "WORLD_SIZE": "4"})
    assert done.returncode == 3
    assert done.stderr == ""


def test_passing_launch_imports_nothing_heavy(app):
    done = app.spawn(sys.executable, "-X", "importtime", "train.py")
    assert done.returncode == 0
    imported = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "scalecheck" in imported
    assert imported & {"torch", "scipy", "matplotlib", "rich", "numpy", "pydantic", "annotated_types", "typing_extensions"} == set()


def test_app_without_the_line_is_left_alone(app):
    app.write({"conf/train.yaml": "defaults: [{model: large}, {trainer: default}, _self_]\ndata: {batch_size: 32, seq_len: 1024}\n"})
    done = app.run()
    assert done.returncode == 0
    assert done.stderr == ""
