"""The README shows what a user sees: its first block is the real output of the command above it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from scalecheck.cli import main

ROOT = Path(__file__).parents[1]


def test_bad_run_of_the_readme_is_what_the_command_prints(tmp_path):
    block = (ROOT / "README.md").read_text().split("```console\n")[1].split("```")[0].splitlines()
    assert block[0] == "$ python train.py experiment=undertrained scalecheck=strict"
    repo = shutil.copytree(ROOT / "examples" / "pretrain", tmp_path / "pretrain", ignore=shutil.ignore_patterns("outputs", "__pycache__"))
    clean = {key: value for key, value in os.environ.items() if key not in ("WORLD_SIZE", "RANK", "LOCAL_RANK")} | {
        "PYTHONWARNINGS": "ignore"
    }
    command = [sys.executable, *block[0].split()[2:]]
    done = subprocess.run(command, cwd=repo, env=clean, capture_output=True, text=True, timeout=120, check=False)
    assert block[1:-2] == done.stderr.splitlines()
    assert block[-1] == str(done.returncode)


def test_files_that_the_readme_links_to_exist():
    text = (ROOT / "README.md").read_text()
    links = [part.split(")")[0] for part in text.split("](")[1:]]
    local = [link for link in links if not link.startswith("http")]
    assert len(local) > 5
    assert [link for link in local if not (ROOT / link).exists()] == []


def test_the_ledger_it_shows_is_what_the_command_prints(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    (block,) = [
        part.split("```")[0] for part in (ROOT / "README.md").read_text().split("```console\n")[1:] if part.startswith("$ scalecheck count")
    ]
    command, *lines = block.splitlines()
    assert main(command.split()[2:]) == 0
    printed = capsys.readouterr().out.splitlines()
    shown = [line for line in lines if line != "..."]
    assert len(shown) >= 5
    assert [line for line in shown if line.rstrip() not in printed] == []
