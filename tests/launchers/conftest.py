"""Shared here: every launcher of Hydra's that is installed, and a repo whose training returns a value, as adaptive sweepers want it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from omegaconf import OmegaConf

STRICT = "scalecheck=strict"
DROP = "hydra.callbacks.scalecheck.on_reject=drop"
GOOD, BAD = "84", "5"
"""Values of ``trainer.max_steps``: near compute-optimal, and undertrained."""
TRAIN = """
import hydra
from pathlib import Path

@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg):
    with open(Path(__file__).parent / "ran.txt", "a") as f:
        f.write(f"{cfg.trainer.max_steps} {cfg.seed}\\n")
    if cfg.seed == 13:
        raise RuntimeError("the task's own failure")
    return float(cfg.seed)

if __name__ == "__main__":
    main()
"""


class Launcher(NamedTuple):
    """One launcher: what stands in the config, the package that ships it (``None``: Hydra), and what it takes to run here."""

    name: str
    target: str
    module: str | None = None
    settings: tuple[str, ...] = ()

    @property
    def overrides(self) -> tuple[str, ...]:
        return (f"hydra/launcher={self.name}", *self.settings)


LAUNCHERS = (
    Launcher("basic", "hydra._internal.core_plugins.basic_launcher.BasicLauncher"),
    Launcher("joblib", "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher", "hydra_joblib_launcher", ("hydra.launcher.n_jobs=2",)),
    Launcher("submitit_local", "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher", "hydra_submitit_launcher"),
    Launcher("ray", "hydra_plugins.hydra_ray_launcher.ray_launcher.RayLauncher", "hydra_ray_launcher", ("+hydra.launcher.ray.init.num_cpus=2",)),
)  # fmt: skip


@pytest.fixture(params=LAUNCHERS, ids=lambda launcher: launcher.name)
def launcher(request) -> Launcher:
    """A launcher that is installed here."""
    if request.param.module:
        pytest.importorskip(f"hydra_plugins.{request.param.module}")
    return request.param


class Repo:
    """What a sweep of the app left behind."""

    def __init__(self, app) -> None:
        self.app = app
        self.root: Path = app.root

    def sweep(self, *arguments: str, **env: str):
        """Run ``python train.py -m …``."""
        return self.app.run("-m", *arguments, env=env)

    @property
    def ran(self) -> list[tuple[str, str]]:
        """``(max_steps, seed)`` of every time that the task function ran, sorted."""
        path = self.root / "ran.txt"
        return sorted(tuple(line.split()) for line in path.read_text().splitlines()) if path.exists() else []

    @property
    def left(self) -> list[str]:
        """Everything that launches left on disk."""
        shipped = ("conf", "train.py", "__pycache__")
        return sorted(
            str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.relative_to(self.root).parts[0] not in shipped
        )

    @property
    def jobs(self) -> list[Path]:
        """The output directory of every job that was started, by its number."""
        return sorted((path.parent for path in self.root.glob("multirun/*/*/*/.hydra")), key=lambda path: int(path.name))

    def report(self, job: Path) -> dict:
        """Return what a job's scalecheck.json says about the job."""
        (told,) = json.loads((job / "scalecheck.json").read_text())["jobs"]
        return told

    def launcher_of(self, job: Path) -> str:
        """Return the launcher that a job's own config shows."""
        return OmegaConf.load(job / ".hydra" / "hydra.yaml").hydra.launcher._target_


@pytest.fixture
def repo(app) -> Repo:
    app.write({"train.py": TRAIN})
    return Repo(app)
