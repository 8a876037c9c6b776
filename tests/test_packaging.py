"""A wheel, ``pip install -e`` and ``uv pip install -e``, each in an empty environment: the plugin works outside the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest

from scalecheck import __version__

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.packaging
UV_OFFLINE = ("--offline", "--no-deps", "--no-build-isolation")
"""uv makes the editable install; pip has fetched what it needs, because the two find an index by different settings."""

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


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, checkout, cwd=folder)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(
    scope="module", params=["wheel", *(pytest.param(way, marks=pytest.mark.extended) for way in ("pip install -e", "uv pip install -e"))]
)
def python(request, checkout, tmp_path_factory) -> Path:
    """The interpreter of an environment into which the project was installed in one of three ways."""
    folder = tmp_path_factory.mktemp("env")
    assert run(sys.executable, "-m", "venv", folder / "env", cwd=folder).returncode == 0
    interpreter = folder / "env" / "bin" / "python"
    install: dict[str, tuple[object, ...]] = {
        "pip install -e": (interpreter, "-m", "pip", "install", "-q", "-e", checkout),
        "uv pip install -e": (sys.executable, "-m", "uv", "pip", "install", "-q", "--python", interpreter, *UV_OFFLINE, "-e", checkout),
    }
    if request.param.startswith("uv"):
        fetched = run(interpreter, "-m", "pip", "install", "-q", "setuptools>=77", *(requires("scalecheck") or ()), cwd=folder)
        assert fetched.returncode == 0, fetched.stdout + fetched.stderr
    if request.param == "wheel":
        install["wheel"] = (interpreter, "-m", "pip", "install", "-q", request.getfixturevalue("wheel"))
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
    assert run(python.with_name("scalecheck"), "--version", cwd=repo).stdout.split() == ["scalecheck", __version__]


@pytest.mark.extended
def test_no_module_named_conf_is_put_on_the_path(python, tmp_path):
    assert "No module named 'conf'" in run(python, "-c", "import conf", cwd=tmp_path).stderr
    found = run(python, "-c", "import scalecheck.conf; print(scalecheck.conf.__doc__)", cwd=tmp_path)
    assert "search path" in found.stdout, found.stderr


def test_wheel_holds_the_tree_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"scalecheck", "hydra_plugins"}
    assert "hydra_plugins/__init__.py" not in names
    shipped = {path.relative_to(ROOT).as_posix() for folder in ("scalecheck", "hydra_plugins") for path in (ROOT / folder).rglob("*.py")}
    options = {f"scalecheck/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "conf").rglob("*.yaml")}
    tables = {path.relative_to(ROOT).as_posix() for path in (ROOT / "scalecheck" / "data").glob("*.csv")}
    assert len(options) >= 3
    assert len(tables) >= 2
    packed = {name for name in names if ".dist-info/" not in name}
    page = {path.relative_to(ROOT).as_posix() for path in (ROOT / "scalecheck" / "page").iterdir() if path.suffix in (".j2", ".css", ".js")}
    assert len(page) >= 6
    assert packed == shipped | options | tables | page | {"scalecheck/py.typed", "scalecheck/conf/__init__.py"}
    assert any(name.endswith("/licenses/LICENSE") for name in names)
