"""A wheel, ``pip install -e`` and ``uv pip install -e``, each in an empty environment: the plugin works outside the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.packaging
TRAIN = """
import hydra

@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg):
    print("TRAINED")

main()
"""
CONFIG = """
defaults: [{scalecheck: strict}, _self_]
model: {n_layer: 2, n_embd: 64, n_head: 2, block_size: 1024, vocab_size: 512}
trainer: {max_steps: 84, devices: 1}
data: {batch_size: 32}
"""


def run(*command: object, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV", "RANK", "WORLD_SIZE")}
    environ = {"PYTHONWARNINGS": "ignore", **environ}
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, env=clean | environ, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A copy of the tree, so that builds leave nothing behind in it."""
    copy = tmp_path_factory.mktemp("checkout") / "scalecheck"
    ignored = shutil.ignore_patterns(
        ".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", "tests", "outputs"
    )
    shutil.copytree(ROOT, copy, ignore=ignored)
    return copy


@pytest.fixture(scope="module", params=["wheel", "pip install -e", "uv pip install -e"])
def python(request, checkout, tmp_path_factory) -> Path:
    """The interpreter of an environment into which the project was installed in one of three ways."""
    folder = tmp_path_factory.mktemp("env")
    assert run(sys.executable, "-m", "venv", folder / "env", cwd=folder).returncode == 0
    interpreter = folder / "env" / "bin" / "python"
    install: dict[str, tuple[object, ...]] = {
        "pip install -e": (interpreter, "-m", "pip", "install", "-q", "-e", checkout),
        "uv pip install -e": (sys.executable, "-m", "uv", "pip", "install", "-q", "--python", interpreter, "-e", checkout),
    }
    if request.param == "wheel":
        built = run(sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", checkout, cwd=folder)
        assert built.returncode == 0, built.stdout + built.stderr
        (wheel,) = (folder / "dist").glob("*.whl")
        install["wheel"] = (interpreter, "-m", "pip", "install", "-q", wheel)
    installed = run(*install[request.param], cwd=folder)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    return interpreter


@pytest.fixture
def repo(tmp_path) -> Path:
    (tmp_path / "conf").mkdir()
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "conf" / "train.yaml").write_text(CONFIG)
    return tmp_path


def test_installed_plugin_passes_stops_and_reports(python, repo):
    passing = run(python, "train.py", cwd=repo)
    assert passing.returncode == 0, passing.stderr
    assert "scalecheck: pass" in passing.stderr
    (report,) = repo.glob("outputs/*/*/scalecheck.json")
    assert json.loads(report.read_text())["schema_version"] == 1
    shutil.rmtree(repo / "outputs")
    stopped = run(python, "train.py", "trainer.max_steps=5", cwd=repo)
    assert stopped.returncode == 3, stopped.stderr
    assert not (repo / "outputs").exists()
    command = run(python.with_name("scalecheck"), "check", "--config-name", "train", "trainer.max_steps=5", cwd=repo)
    assert command.returncode == 1, command.stderr
    assert run(python.with_name("scalecheck"), "--version", cwd=repo).returncode == 0


def test_no_module_named_conf_is_put_on_the_path(python, tmp_path):
    assert run(python, "-c", "import conf", cwd=tmp_path).returncode == 1
    assert run(python, "-c", "import scalecheck.conf", cwd=tmp_path).returncode == 0
