"""Processes measured side by side, for launch.py and sweep.py: their environments and apps, their CPU time, and ratios of pairs.

The CPU time of a process is user + system of the finished child and of what it waited for (wait4). Ways are run one after another, round
by round, every second round in the opposite order, so that what else the machine does meets all of them.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ("scalecheck", "hydra_plugins", "conf", "pyproject.toml", "README.md", "LICENSE")
UNSET = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONSTARTUP", "HYDRA_FULL_ERROR", "WORLD_SIZE", "RANK", "LOCAL_RANK", "SLURM_PROCID")
TRAIN = """import hydra


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg):
    pass


if __name__ == "__main__":
    main()
"""
LINE = "  - scalecheck: default\n"
COLUMNS = """| what | runs | CPU: median (quartiles) | least | wall: median | ratio of pairs: median (quartiles) | of the least | goal | |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A command that is measured, and what its process is told besides."""

    name: str
    command: tuple[str, ...]
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """The seconds of one process."""

    cpu: float
    wall: float


def environ() -> dict[str, str]:
    """Return the environment of what is measured: bytecode is cached, no distributed start is on."""
    return {name: value for name, value in os.environ.items() if name not in UNSET} | {"PYTHONWARNINGS": "ignore"}


def made_environment(folder: Path, *, with_project: bool) -> Path:
    """Make a virtual environment with this interpreter's hydra-core, and with the project, not editable; return its python.

    Raises:
        subprocess.CalledProcessError: venv or pip failed; its output is printed.
    """
    print(f"making the environment {folder.name} ...", file=sys.stderr, flush=True)
    if not folder.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, env=environ())  # noqa: S603
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    same = [f"{name}=={importlib.metadata.version(name)}" for name in ("hydra-core", "omegaconf")]
    _pip(python, *same)
    if with_project:
        copy = folder / "source"  # setuptools builds beside its sources
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for name in SOURCES:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        _pip(python, str(copy))
        _pip(python, "--force-reinstall", "--no-deps", str(copy))
        shutil.rmtree(copy)
    return python


def _pip(python: Path, *what: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--compile", *what]
    subprocess.run(command, check=True, env=environ(), cwd=python.parent)  # noqa: S603


def made_app(folder: Path, files: Mapping[str, str]) -> Path:
    """Write an app; return its folder."""
    for name, text in ({"train.py": TRAIN} | dict(files)).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def spent_by(way: Way) -> Spent:
    """Run a way once and return its seconds; what it leaves behind is removed.

    Raises:
        RuntimeError: it did not exit with 0; with the end of what it said.
    """
    with (way.folder / "stderr.txt").open("w+b") as said:
        start = time.perf_counter()
        child = subprocess.Popen(way.command, cwd=way.folder, env=environ(), stdout=subprocess.DEVNULL, stderr=said)  # noqa: S603
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        words = said.read().decode("utf-8", "replace")
    for left in ("outputs", "multirun"):
        shutil.rmtree(way.folder / left, ignore_errors=True)
    if child.returncode:
        message = f"{way.name}: exit {child.returncode}: {words.strip()[-600:]}"
        raise RuntimeError(message)
    return Spent(cpu=usage.ru_utime + usage.ru_stime, wall=wall)


def measured(ways: Sequence[Way], runs: int, before: Sequence[Way] | None = None) -> dict[str, list[Spent]]:
    """Run every way, or what is to be run ``before``, once for the caches of files and bytecode; then ``runs`` times, interleaved."""
    for way in ways if before is None else before:
        spent_by(way)
    spent: dict[str, list[Spent]] = {way.name: [] for way in ways}
    for number in range(runs):
        print(f"round {number + 1} of {runs}", file=sys.stderr, flush=True)
        for way in ways if number % 2 == 0 else reversed(ways):
            spent[way.name].append(spent_by(way))
    return spent


def row(what: str, base: Sequence[Spent], other: Sequence[Spent], goal: float) -> str:
    """Return the table's line of a way beside its base: the ratio is of the two CPU times of each round."""
    ratios = [two.cpu / one.cpu for one, two in zip(base, other, strict=True)]
    median = statistics.median(ratios)
    low, high = quartiles(ratios)
    cpus = [one.cpu for one in other]
    wall = statistics.median(one.wall for one in other)
    of_least = min(cpus) / min(one.cpu for one in base)
    return (
        f"| {what} | {len(ratios)} | {spread(cpus)} | {min(cpus) * 1e3:,.0f} ms | {wall * 1e3:,.0f} ms"
        f" | {median:.3f} ({low:.3f} to {high:.3f}) | {of_least:.3f} | <= {goal:.2f} | {decided(median, of_least, goal)} |"
    )


def decided(median: float, of_least: float, goal: float) -> str:
    """Say whether a goal is met: by both the median of the ratios and the ratio of the least times, by neither, or undecided."""
    met = {median <= goal, of_least <= goal}
    return "undecided" if len(met) == 2 else "met" if met.pop() else "not met"


def base_row(what: str, base: Sequence[Spent]) -> str:
    """Return the table's line of what others are compared with."""
    cpus = [one.cpu for one in base]
    wall = statistics.median(one.wall for one in base)
    return f"| {what} | {len(cpus)} | {spread(cpus)} | {min(cpus) * 1e3:,.0f} ms | {wall * 1e3:,.0f} ms | 1 | 1 | | |"


def spread(seconds: Sequence[float]) -> str:
    """Return the median and the quartiles in milliseconds."""
    low, high = quartiles(seconds)
    return f"{statistics.median(seconds) * 1e3:,.0f} ms ({low * 1e3:,.0f} to {high * 1e3:,.0f})"


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Return the lower and the upper quartile; of one value, twice itself."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def machine() -> str:
    """Return one line: the date, the machine and the versions."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("hydra-core", "omegaconf"))
    where = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    return f"{time.strftime('%Y-%m-%d')}; Python {platform.python_version()}, {versions}; {where}"
