"""The two sides of a comparison: a report that was written to a file, or a tree that ``scalecheck check`` is run in."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scalecheck.errors import ScalecheckError
from scalecheck.project_table import CheckEntry, find_table
from scalecheck.report_file import read_report
from scalecheck.text import clean

_PATH_OPTIONS = ("--config-dir", "-cd", "--config", "--policy", "--baseline")
_START = (
    "import sys; ours = sys.argv.pop(1); sys.path[:] = filter(None, sys.path); ours in sys.path or sys.path.insert(0, ours); "
    "from scalecheck import cli; sys.argv[0] = 'scalecheck'; sys.exit(cli.main())"
)
"""``python -m scalecheck.cli`` without the working directory on the path, as a tree could have a module of any name. From 3.11 on: -P."""


def report_in(path: Path) -> dict[str, Any]:
    """Return the object of a JSON report.

    Raises:
        ScalecheckError: the file cannot be read, is no report, or one of a newer scalecheck.
    """
    read_report(path)
    made: dict[str, Any] = json.loads(path.read_bytes())
    return made


def checked_tree(directory: Path, arguments: Sequence[str], name: str) -> dict[str, Any]:
    """Return the report of ``scalecheck check`` in a directory, by this same scalecheck; ``name`` is what the tree is called in errors.

    Raises:
        ScalecheckError: what it said when it could not do its work.
    """
    ours = str(Path(__file__).resolve().parents[1])
    with tempfile.TemporaryDirectory(prefix="scalecheck-") as made:
        file = Path(made) / "report.json"
        command = [sys.executable, "-c", _START, ours, "check", *arguments, "--output", f"json:{file}", "--exit-zero"]
        environment = _environment("--untrusted" in arguments)
        done = subprocess.run(command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603 - no shell
        if done.returncode == 0 and file.exists():
            report: dict[str, Any] = json.loads(file.read_bytes())
            return report
    said = done.stderr.decode("utf-8", "backslashreplace").strip().split("\n")[-1]
    said = said.removeprefix("scalecheck: error: ").removeprefix("scalecheck check: error: ")
    message = f"{name}: {clean(said) or f'scalecheck check ended with exit code {done.returncode}.'}"
    raise ScalecheckError(message)


def _environment(untrusted: bool) -> dict[str, str]:
    """Return the environment of a check in a tree: a stranger's tree is no place to import from, also for processes that it starts."""
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    if untrusted and environment.get("PYTHONPATH"):
        entries = environment["PYTHONPATH"].split(os.pathsep)
        environment["PYTHONPATH"] = os.pathsep.join(entry for entry in entries if Path(entry).is_absolute())
        if not environment["PYTHONPATH"]:
            del environment["PYTHONPATH"]
    return environment


def moved(arguments: Sequence[str], top: Path, tree: Path) -> list[str]:
    """Return arguments for another tree: absolute paths in the checkout, of options that take paths, are those of the tree."""
    made, is_path = [], False
    for argument in arguments:
        option, sign, value = argument.partition("=")
        if is_path:
            made.append(_moved(argument, top, tree))
        elif sign and option in _PATH_OPTIONS:
            made.append(f"{option}={_moved(value, top, tree)}")
        else:
            made.append(argument)
        is_path = not is_path and argument in _PATH_OPTIONS
    return made


def _moved(text: str, top: Path, tree: Path) -> str:
    path = Path(text)
    for known in (top, top.resolve()):
        if path.is_absolute() and path.is_relative_to(known):
            return str(tree / path.relative_to(known))
    return text


def missing_config(directory: Path, tree: Path, arguments: Sequence[str]) -> str | None:
    """Say what a tree lacks so that nothing can be checked in it, as before the config came to be; ``None`` where it lacks nothing.

    Raises:
        ScalecheckError: its table is broken.
    """
    typed = _typed(arguments)
    if not directory.is_dir():
        return "has no such directory"
    if typed.config:
        return None if any((directory / name).is_file() for name in typed.config) else f"has no {clean(typed.config[0])}"
    entries: tuple[CheckEntry, ...] = (CheckEntry(config_dir=typed.config_dir or "conf", config_name=typed.config_name or "config"),)
    if typed.config_dir is None and typed.config_name is None:
        table = find_table(directory)
        if table is None or not table.file.resolve().is_relative_to(tree.resolve()):
            return "has no [tool.scalecheck] table" if not (directory / "conf").is_dir() or not _has_config(directory, entries[0]) else None
        entries = table.checks
    if any(_has_config(directory, entry) for entry in entries):
        return None
    return f"has no config {clean(str(Path(entries[0].config_dir) / entries[0].config_name))}"


def _typed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", action="append", default=[])
    parser.add_argument("--config-dir", "-cd")
    parser.add_argument("--config-name", "-cn")
    return parser.parse_known_args(arguments)[0]


def _has_config(directory: Path, entry: CheckEntry) -> bool:
    place = directory / entry.config_dir
    return any((place / f"{entry.config_name}{ending}").is_file() for ending in ("", ".yaml", ".yml"))


NOTHING: Mapping[str, Any] = {"jobs": (), "sweep_findings": ()}
"""The report of a tree in which there was nothing to check yet."""
