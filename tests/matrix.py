"""Runs the tests that depend on Hydra under every Python and every hydra-core that is supported and can be had here; one table.

    python tests/matrix.py [DIRECTORY]

DIRECTORY (default ``.venv/matrix``) keeps an environment for each combination, and the output of its last run. From the environment:

    MATRIX_PYTHONS   interpreters, as names or paths (default: python3.10 to python3.13, as far as they are on PATH)
    MATRIX_HYDRAS    versions of hydra-core (default: 1.3.2 1.3.8 1.4.0rc3)
    MATRIX_TESTS     what is run (default: tests/hydra tests/launchers tests/commands)

Exit code 1 when a test failed, 2 when nothing at all could be run. Stdlib only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("python3.10", "python3.11", "python3.12", "python3.13")
HYDRAS = ("1.3.2", "1.3.8", "1.4.0rc3")
TESTS = ("tests/hydra", "tests/launchers", "tests/commands")
PLUGINS = {
    "1.3": ("hydra-joblib-launcher==1.2.0", "hydra-submitit-launcher==1.2.0", "hydra-optuna-sweeper==1.3.0"),
    "1.4": ("hydra-joblib-launcher==1.4.0rc3", "hydra-submitit-launcher==1.4.0rc3", "hydra-optuna-sweeper==1.4.0rc3"),
}
"""The launchers and sweepers that were made for each Hydra; one that does not install is left out, and its tests are skipped."""
SECONDS_FOR_TESTS = 3600
_ASK = "import sys; from importlib.metadata import version as v; print(sys.version.split()[0], v('hydra-core'), v('omegaconf'))"


@dataclass(frozen=True)
class Outcome:
    """One line of the table."""

    python: str
    hydra: str
    omegaconf: str = ""
    passed: str = ""
    failed: str = ""
    skipped: str = ""
    seconds: str = ""
    remark: str = ""

    @property
    def has_run(self) -> bool:
        return bool(self.passed)

    @property
    def is_good(self) -> bool:
        return self.has_run and self.failed == "0"

    @property
    def cells(self) -> tuple[str, ...]:
        return (self.python, self.hydra, self.omegaconf, self.passed, self.failed, self.skipped, self.seconds, self.remark)


HEADER = Outcome("python", "hydra-core", "omegaconf", "passed", "failed", "skipped", "seconds", "")


def words(name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of an environment variable."""
    return tuple(os.environ.get(name, "").replace(",", " ").split()) or default


def call(*command: object, seconds: float = 1200) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout; one that takes too long has failed."""
    environ = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")}
    told = [str(word) for word in command]
    try:
        return subprocess.run(told, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(told, 124, "", f"took longer than {seconds:.0f} s")
    except OSError as failure:
        return subprocess.CompletedProcess(told, 127, "", str(failure))


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the sentence that a failed command ended with."""
    lines = [line for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip() and not line.startswith("WARNING")]
    return lines[-1].strip()[:160] if lines else f"exit code {done.returncode}"


def interpreters() -> dict[str, str]:
    """Return the interpreters that answer, by their version: a shim of a version manager may stand on PATH for one that is not there."""
    found: dict[str, str] = {}
    for name in words("MATRIX_PYTHONS", PYTHONS):
        path = shutil.which(name)
        asked = call(path, "-c", "import sys, venv, ensurepip; print(sys.version.split()[0])") if path else None
        if path and asked is not None and asked.returncode == 0:
            found.setdefault(asked.stdout.strip(), path)
        else:
            print(f"{name}: not found, or does not run, or makes no venv; left out", flush=True)
    return found


def environment(folder: Path, python: str, hydra: str) -> tuple[Path, str]:
    """Make or reuse an environment; return its interpreter, and which plugins are missing in it.

    Raises:
        RuntimeError: it cannot be made; the sentence is pip's.
    """
    inner, stamp = folder / "bin" / "python", folder / "missing.txt"
    if stamp.exists() and stamp.stat().st_mtime > (ROOT / "pyproject.toml").stat().st_mtime:
        return inner, stamp.read_text()
    shutil.rmtree(folder, ignore_errors=True)
    pip = (inner, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile")
    wanted = (f"hydra-core=={hydra}", "pytest>=8", "pytest-xdist>=3.6", "hypothesis>=6.100", "hydra-colorlog>=1.2", "hydra-zen>=0.15")
    for step in ((python, "-m", "venv", folder), (*pip, "--upgrade", "pip>=25.1"), (*pip, "--editable", f"{ROOT}[report]", *wanted)):
        done = call(*step)
        if done.returncode != 0:
            raise RuntimeError(last_line(done))
    plugins = PLUGINS[".".join(hydra.split(".")[:2])]
    missing = [plugin for plugin in plugins if call(*pip, f"hydra-core=={hydra}", plugin).returncode != 0]
    told = f"without {', '.join(missing)}" if missing else ""
    stamp.write_text(told)
    return inner, told


def run(folder: Path, python: str, hydra: str) -> Outcome:
    """Install one combination, run the tests in it and count them."""
    try:
        inner, remark = environment(folder, python, hydra)
    except RuntimeError as failure:
        return Outcome(folder.name, hydra, remark=f"not installed: {failure}")
    asked = call(inner, "-c", _ASK)
    if asked.returncode != 0:
        return Outcome(folder.name, hydra, remark=f"does not start: {last_line(asked)}")
    version, hydra, omegaconf = asked.stdout.split()
    report, log = folder / "report.xml", folder / "output.txt"
    report.unlink(missing_ok=True)
    started = time.monotonic()
    tests = words("MATRIX_TESTS", TESTS)
    how = ("-p", "no:cacheprovider", "--numprocesses", "auto", "--dist", "loadfile", f"--junit-xml={report}")
    done = call(inner, "-m", "pytest", *how, *tests, seconds=SECONDS_FOR_TESTS)
    seconds = f"{time.monotonic() - started:.0f}"
    log.write_text(done.stdout + done.stderr)
    if not report.exists():
        return Outcome(version, hydra, omegaconf, seconds=seconds, remark=f"pytest did not finish: {last_line(done)}")
    counts = next(ET.parse(report).getroot().iter("testsuite")).attrib
    failed = int(counts["failures"]) + int(counts["errors"])
    passed = int(counts["tests"]) - failed - int(counts["skipped"])
    if done.returncode != 0:
        remark = " ".join([remark, f"see {log}"]).strip()
    return Outcome(version, hydra, omegaconf, str(passed), str(failed), counts["skipped"], seconds, remark)


def table(outcomes: list[Outcome]) -> str:
    """Lay the outcomes out in columns."""
    rows = [HEADER.cells, *(outcome.cells for outcome in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER.cells))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def main() -> int:
    """Run every combination and print the table."""
    where = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".venv" / "matrix").resolve()
    where.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for version, python in interpreters().items():
        for hydra in words("MATRIX_HYDRAS", HYDRAS):
            print(f"python {version}, hydra-core {hydra} ...", flush=True)
            outcomes.append(run(where / f"python-{version}-hydra-{hydra}", python, hydra))
            print(table(outcomes[-1:]).splitlines()[-1], flush=True)
    print(f"\n{table(outcomes)}", flush=True)
    ran = [outcome for outcome in outcomes if outcome.has_run]
    if not ran:
        return 2
    return 0 if all(outcome.is_good or "not installed" in outcome.remark for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
