"""The training repo in small: it is stopped, the printed remedy lets it train for real, and its own count is scalecheck's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "pretrain"


@pytest.fixture
def repo(tmp_path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "pretrain", ignore=shutil.ignore_patterns("outputs", "multirun", "__pycache__")))


def train(repo: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if key not in ("WORLD_SIZE", "RANK", "LOCAL_RANK")} | {
        "PYTHONWARNINGS": "ignore"
    }
    command = [sys.executable, "train.py", *arguments]
    return subprocess.run(command, cwd=repo, env=clean, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.extended
def test_undertrained_experiment_is_stopped_and_trains_with_its_remedy(repo):
    stopped = train(repo, "experiment=undertrained", "scalecheck=strict")
    assert stopped.returncode == 3, stopped.stderr
    assert not (repo / "outputs").exists()
    remedy = re.search(r"try: (\S+)", stopped.stderr).group(1)
    trained = train(repo, "experiment=undertrained", "scalecheck=strict", remedy)
    assert trained.returncode == 0, trained.stderr
    (report,) = repo.glob("outputs/*/*/scalecheck.json")
    assert (report.parent / ".hydra").is_dir()
    losses = [json.loads(line)["loss"] for line in (report.parent / "metrics.jsonl").read_text().splitlines()]
    assert losses[0] > 5
    assert losses[-1] < 2.5, "it learnt something"
    own_count = int(re.search(r"parameters: ([\d,]+)", trained.stdout).group(1).replace(",", ""))
    assert json.loads(report.read_text())["jobs"][0]["total_params"] == own_count


def test_sweep_with_one_undertrained_model_starts_nothing(repo):
    done = train(repo, "-m", "model=tiny,small,large", "scalecheck=strict")
    assert done.returncode == 3, done.stderr
    assert not (repo / "multirun").exists()
    assert "model=large" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("experiment=balanced",)])
def test_shipped_configs_pass(repo, arguments):
    command = [sys.executable, "-m", "scalecheck.cli", "check", "--config-name", "train", "--policy", "strict", *arguments]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "near compute-optimal" in done.stdout
