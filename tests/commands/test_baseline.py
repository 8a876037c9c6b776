"""``scalecheck baseline``: what it writes, where, and that a file is never half-written."""

from __future__ import annotations

import json
import stat

import pytest

HERE = ("baseline", "--config-dir", "conf", "--config-name", "train")


def test_warnings_are_written_and_notes_are_not(app):
    done = app.cli(*HERE, "trainer.max_steps=5,84")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("scalecheck: 1 finding of 2 jobs written to scalecheck-baseline.json")
    path = app.root / "scalecheck-baseline.json"
    (entry,) = json.loads(path.read_text())["findings"].values()
    assert entry["rule"] == "undertrained"
    assert (entry["config"], entry["overrides"]) == ("conf/train.yaml", ["trainer.max_steps=5"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert app.cli(*HERE, "trainer.max_steps=5,84", "--fail-level", "note").stdout > done.stdout


@pytest.mark.extended
def test_order_in_which_overrides_are_typed_is_no_matter(app):
    app.cli(*HERE, "trainer.max_steps=5", "seed=2")
    done = app.cli("check", *HERE[1:], "seed=2", "trainer.max_steps=5", "--fail-level", "warning", "--baseline", "scalecheck-baseline.json")
    assert done.returncode == 0, done.stdout


@pytest.mark.extended
def test_baseline_that_is_there_hides_nothing_from_the_next(app):
    app.write(
        {"scalecheck.toml": 'config_name = "train"\nbaseline = "b.json"\n[[check]]\nname = "a"\noverrides = ["trainer.max_steps=5"]\n'}
    )
    assert app.cli("baseline").returncode == 0
    first = (app.root / "b.json").read_text()
    assert app.cli("baseline").returncode == 0
    assert (app.root / "b.json").read_text() == first
    assert json.loads(first)["findings"]


def test_in_processes_it_is_the_same_file(app):
    app.cli(*HERE, "trainer.max_steps=5,6,7", "--out", "one.json")
    app.cli(*HERE, "trainer.max_steps=5,6,7", "--out", "two.json", "--jobs", "2")
    assert (app.root / "one.json").read_text() == (app.root / "two.json").read_text()


def test_what_cannot_be_done_exits_2_and_leaves_the_file_as_it_was(app):
    (app.root / "b.json").write_text("as it was")
    assert app.cli(*HERE, "model=small,none", "--out", "b.json").returncode == 2
    assert app.cli(*HERE, "model=glob(none*)", "--out", "b.json").returncode == 2
    assert (app.root / "b.json").read_text() == "as it was"
    done = app.cli(*HERE, "--out", "nowhere/b.json")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
