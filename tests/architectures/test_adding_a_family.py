"""A family is one file: dropped into the folder, it is counted from a config.json and from a Hydra config, and is listed nowhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import scalecheck

FILE = '''
"""A made-up family: one square matrix per layer between a table and a head."""

from dataclasses import dataclass

from scalecheck.decoders import decoder
from scalecheck.facts import ModelShape
from scalecheck.keys import size
from scalecheck.parts import matmul, repeat

MODEL_TYPES = ("square",)
HEADS = ("causal_lm",)
KEYS = {"num_layers": size("depth"), "hidden_size": size("side"), "vocab_size": size("vocab_size")}
CLASS_DEFAULTS = {"num_layers": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    family: str = "square"


def derive(values):
    return {}


def parts(shape, workload):
    square = matmul("square", shape.hidden_size, shape.hidden_size, tokens=workload.sequence_length)
    yield from decoder(shape, workload, repeat([square], shape.num_layers))
'''


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if key != "WORLD_SIZE"} | {
        "PYTHONPATH": str(root),
        "PYTHONWARNINGS": "ignore",
    }
    return subprocess.run(
        [sys.executable, "-m", "scalecheck.cli", *arguments], cwd=root, env=environ, capture_output=True, text=True, timeout=120
    )


def test_a_made_up_family_touches_one_file(tmp_path):
    package = Path(scalecheck.__file__).parent
    shutil.copytree(package, tmp_path / "scalecheck", ignore=shutil.ignore_patterns("__pycache__"))
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"model_type": "square", "side": 8, "vocab_size": 10}))
    assert run(tmp_path, "count", str(config)).returncode == 2

    (tmp_path / "scalecheck" / "architectures" / "square.py").write_text(FILE)
    done = run(tmp_path, "count", str(config), "--format", "json", "--sequence-length", "5")
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    assert counted["total_params"] == 2 * 80 + 3 * 64
    assert counted["training_flops_per_sequence"] == 3 * 2 * 5 * (3 * 64 + 80)
    assert counted["origins"]["num_layers"]["assumed"]

    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "train.yaml").write_text("model: {model_type: square, depth: 2, side: 8, vocab_size: 10}\n")
    done = run(tmp_path, "count", "--config-dir", "conf", "--config-name", "train", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["total_params"] == 2 * 80 + 2 * 64
