"""The sides of a comparison: what a check in another tree is called with, and whether there is something to check in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scalecheck.errors import ScalecheckError
from scalecheck.sides import _START, _environment, checked_tree, missing_config, moved


def test_absolute_paths_of_options_are_moved_and_overrides_are_not(tmp_path):
    top, tree = tmp_path / "repo", tmp_path / "tree"
    inside, outside = str(top / "conf"), str(tmp_path / "elsewhere")
    typed = ["--config-dir", inside, f"--policy={inside}/p.yaml", "--baseline", outside, f"data={inside}", inside, "-cd", "conf"]
    there = str(tree / "conf")
    assert moved(typed, top, tree) == [
        "--config-dir",
        there,
        f"--policy={there}/p.yaml",
        "--baseline",
        outside,
        f"data={inside}",
        inside,
        "-cd",
        "conf",
    ]


def files(root: Path, *names: str, **texts: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(texts.get(root.name, ""))


def test_what_a_tree_lacks(tmp_path):
    assert missing_config(tmp_path / "sub", tmp_path, []) == "has no such directory"
    assert missing_config(tmp_path, tmp_path, []) == "has no [tool.scalecheck] table"
    assert missing_config(tmp_path, tmp_path, ["--config-dir", "conf", "a=1"]) == "has no config conf/config"
    assert missing_config(tmp_path, tmp_path, ["--config", "a.yaml"]) == "has no a.yaml"
    files(tmp_path, "conf/config.yaml", "a.yaml")
    assert missing_config(tmp_path, tmp_path, ["--config-dir", "conf", "a=1"]) is None
    assert missing_config(tmp_path, tmp_path, ["--config", "a.yaml"]) is None
    assert missing_config(tmp_path, tmp_path, ["-cn", "train"]) == "has no config conf/train"


def test_table_whose_config_is_not_there_and_table_above_the_tree(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tmp_path / "scalecheck.toml").write_text('config_name = "train"\n')
    assert missing_config(tree, tree, []) == "has no [tool.scalecheck] table"
    (tree / "scalecheck.toml").write_text('config_name = "train"\n')
    assert missing_config(tree, tree, ["--jobs", "2"]) == "has no config conf/train"
    files(tree, "conf/train.yaml")
    assert missing_config(tree, tree, ["--jobs", "2"]) is None


@pytest.mark.parametrize(("untrusted", "left"), [(True, "/a"), (False, "/a::.:src")])
def test_untrusted_tree_is_on_no_path(monkeypatch, untrusted, left):
    monkeypatch.setenv("PYTHONPATH", "/a::.:src")
    assert _environment(untrusted)["PYTHONPATH"] == left
    assert _environment(untrusted)["PYTHONSAFEPATH"] == "1"
    monkeypatch.setenv("PYTHONPATH", ".:")
    assert "PYTHONPATH" not in _environment(True)


def test_check_that_dies_without_a_word_is_told_by_its_exit_code(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ScalecheckError, match="^the base: scalecheck check ended with exit code 1"):
        checked_tree(tmp_path, [], "the base")


def test_check_starts_with_no_module_of_the_directory_also_where_python_has_no_safe_path(tmp_path):
    (tmp_path / "argparse.py").write_text("raise SystemExit('imported from the tree')")
    ours = str(Path(sys.modules["scalecheck"].__file__ or "").parents[1])
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONSAFEPATH", "PYTHONPATH")}
    command = [sys.executable, "-c", _START, ours, "check", "--help"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: scalecheck check")
