"""``scalecheck check`` over a whole repo: its table, its outputs, its baseline and its exit codes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = """
    [tool.scalecheck]
    config_name = "train"
    fail_level = "warning"
    output = ["terminal", "json:report.json"]

    [[tool.scalecheck.check]]
    name = "sizes"
    matrix = { model = "glob(*)" }

    [[tool.scalecheck.check]]
    name = "experiments"
    overrides = ["+experiment=glob(*)"]
    """


def test_glob_is_a_sweep_without_a_flag(app):
    done = app.cli("check", "--config-dir", "conf", "--config-name", "train", "+experiment=glob(*)", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert [job["overrides"] for job in json.loads(done.stdout)["jobs"]] == [["+experiment=short"]]


def test_table_is_one_command_and_one_exit_code(app):
    app.write({"pyproject.toml": TABLE})
    done = app.cli("check")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("scalecheck: warn: 3 jobs")
    report = json.loads((app.root / "report.json").read_text())
    assert [(job["name"], job["config"]) for job in report["jobs"]] == [
        ("sizes/0", "conf/train.yaml"),
        ("sizes/1", "conf/train.yaml"),
        ("experiments/0", "conf/train.yaml"),
    ]
    assert app.cli("check", "--fail-level", "error").returncode == 0


@pytest.mark.extended
def test_what_is_typed_goes_over_the_table(app):
    app.write({"pyproject.toml": TABLE})
    assert app.cli("check", "--exit-zero").returncode == 0
    assert app.cli("check", "--only", "sizes", "model=small").returncode == 0, "what is typed goes over what the check says"


def test_what_is_typed_goes_over_the_outputs_of_the_table(app):
    app.write({"pyproject.toml": TABLE})
    done = app.cli("check", "--exit-zero", "--output", "json", "--format", "terminal", "--output", "markdown:out/report.md")
    assert done.returncode == 0, done.stderr
    assert "\nscalecheck: warn" in done.stdout
    assert done.stdout.startswith("{")
    assert (app.root / "out" / "report.md").exists()
    assert not (app.root / "report.json").exists()


def test_broken_table_exits_2_with_one_sentence(app):
    app.write({"pyproject.toml": TABLE.replace("fail_level", "fail_levl")})
    done = app.cli("check")
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "scalecheck: error: [tool.scalecheck] of pyproject.toml: there is no key 'fail_levl'. Did you mean 'fail_level'?"
    )
    assert app.cli("check", "--config-name", "train").returncode == 0, "where a config is named nobody asks the table"


def test_nothing_checked_exits_2_even_with_exit_zero(app):
    for more in ((), ("--exit-zero",), ("--jobs", "2")):
        done = app.cli("check", "--config-name", "train", "model=glob(none*)", *more)
        assert done.returncode == 2, done.stdout
        assert "no config was checked" in done.stderr


@pytest.mark.extended
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_one_bad_job_of_many_exits_2_and_leaves_no_file_behind(app, jobs):
    app.write(
        {
            "pyproject.toml": TABLE,
            "conf/experiment/zz_bad.yaml": "# @package _global_\nno_such_key_anywhere: {a: ${\n",
            "report.json": "old",
        }
    )
    done = app.cli("check", "--jobs", jobs)
    assert done.returncode == 2, done.stdout
    assert "job experiments/1: the job +experiment=zz_bad does not compose" in done.stderr
    assert done.stdout == ""
    assert (app.root / "report.json").read_text() == "old"
    assert not [path for path in app.root.iterdir() if path.name.startswith(".report")]


@pytest.mark.extended
@pytest.mark.parametrize(
    "more",
    [("--jobs", "0"), ("--jobs", "-1"), ("--jobs", "x"), ("--jobs", "2", "--backend", "lokey"), ("--output", "xml:a"), ("--only", "x")],
)
def test_option_that_makes_no_sense_exits_2(app, more):
    done = app.cli("check", "--config-name", "train", "seed=1,2", *more)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not done.stdout


@pytest.mark.extended
def test_baseline_leaves_new_findings_to_fail(app):
    app.write({"pyproject.toml": TABLE})
    assert app.cli("baseline", "--out", "known.json").returncode == 0
    done = app.cli("check", "--baseline", "known.json")
    assert done.returncode == 0, done.stdout
    assert "in the baseline known.json" in done.stdout
    assert done.stderr == ""
    app.write({"conf/experiment/shorter.yaml": "# @package _global_\ntrainer: {max_steps: 3}\n"})
    assert app.cli("check", "--baseline", "known.json").returncode == 1
    (app.root / "conf/experiment/shorter.yaml").unlink()
    app.write({"conf/experiment/short.yaml": "# @package _global_\ntrainer: {max_steps: 4}\n"})
    assert app.cli("check", "--baseline", "known.json").returncode == 0, "another value is no new finding"
    app.write({"conf/experiment/short.yaml": "# @package _global_\ntrainer: {max_steps: 84}\n"})
    done = app.cli("check", "--baseline", "known.json")
    assert done.returncode == 0
    assert done.stderr.startswith("scalecheck: 1 entry of the baseline known.json match")
    assert done.stderr.count("\n") == 1


@pytest.mark.extended
def test_baseline_of_the_table_is_found_from_below(app):
    app.write({"pyproject.toml": TABLE.replace("fail_level", 'baseline = "known.json"\n    fail_level'), "src/x.py": ""})
    assert app.cli("check").returncode == 2, "there is no such file yet"
    assert app.cli("baseline").returncode == 0
    assert (app.root / "known.json").exists()
    assert app.cli("check").returncode == 0
    root, app.root = app.root, app.root / "src"
    done = app.cli("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in the baseline ../known.json" in done.stdout
    assert (root / "report.json").exists()


@pytest.mark.extended
def test_progress_is_shown_on_a_terminal_alone(app):
    pytest.importorskip("tqdm")
    command = [sys.executable, "-m", "scalecheck.cli", "check", "--config-name", "train", "seed=range(0,400)"]  # half a second must pass
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))  # as wide as a terminal is
    shown = b""
    with subprocess.Popen(command, cwd=app.root, stdout=subprocess.PIPE, stderr=theirs, text=True) as running:
        os.close(theirs)
        with contextlib.suppress(OSError):  # the end of a terminal that nobody writes to any more
            while read := os.read(ours, 4096):
                shown += read
        printed = running.stdout.read()
    os.close(ours)
    assert running.returncode == 0, shown
    assert b"/400 " in shown
    assert "/400 " not in printed
    assert app.cli("check", "--config-name", "train", "seed=range(0,3)").stderr == ""


def test_example_checks_itself(app):
    app.root = ROOT / "examples" / "pretrain"
    done = app.cli("check", "--output", "json")
    report = json.loads(done.stdout)
    assert {job["overrides"][0] for job in report["jobs"]} >= {"experiment=balanced", "experiment=undertrained"}
    assert done.returncode in (0, 1)
