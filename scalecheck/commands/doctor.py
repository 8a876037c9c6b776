"""``scalecheck doctor`` says whether the guard is active in a repo, for a run and for a sweep, and names every silent way past it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scalecheck.errors import ScalecheckError

if TYPE_CHECKING:
    from scalecheck.doctor import Patient
    from scalecheck.doctor_values import Diagnosis, WayOut

SUMMARY = "say whether the guard is active in a repo, and name every silent way past it with the line to change"
EXAMPLES = (
    "scalecheck doctor train.py",
    "scalecheck doctor train.py -m experiment=a,b",
    "scalecheck doctor --config-dir conf --config-name train --python .venv/bin/python",
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    made = argparse.ArgumentParser(
        prog="scalecheck doctor",
        description="Say whether a launch of this repo is checked, as a run and as a sweep. The script is read, never run; Hydra's plugins "
        "are looked for in the interpreter that would run it.",
        epilog="exit codes: 0 active for both and no way past it is found, 1 not, 2 could not do its work",
    )
    words = "the script (train.py), and overrides as you would type them at the launch"
    made.add_argument("words", nargs="*", metavar="script|override", help=words)
    add = made.add_argument
    add("--config-dir", "-cd", metavar="DIR", help="directory of the primary config (default: the script's, or conf)")
    add("--config-name", "-cn", metavar="NAME", help="name of the primary config (default: the script's, or config)")
    add("--version-base", metavar="V", help="the app's version_base (default: the script's, or 1.3): 1.1, 1.2, 1.3, none")
    add(
        "--python",
        default=sys.executable,
        metavar="PATH",
        help="the interpreter that runs the script (default: the one that runs scalecheck)",
    )
    add("--multirun", "-m", action="store_true", help="the overrides are a sweep")
    add("--experimental-rerun", metavar="FILE", help="say what Hydra's option of this name would do")
    add("--format", default="terminal", choices=("terminal", "json"), help="terminal or json (default: terminal)")
    return made


def run(arguments: Sequence[str]) -> int:
    """Examine what the arguments name; returns 0 when the guard is active and nothing gets past it, 1 when not.

    Raises:
        ScalecheckError: it could not be examined.
    """
    options = parser().parse_intermixed_args(arguments)
    patient = _patient(options)
    from scalecheck.doctor import examine

    diagnosis = examine(patient)
    print(_as_json(diagnosis) if options.format == "json" else _as_text(diagnosis))
    return 0 if diagnosis.is_sound else 1


def _patient(options: argparse.Namespace) -> Patient:
    from scalecheck.doctor import Patient
    from scalecheck.hydra_script import find_app

    scripts = [word for word in options.words if word.endswith(".py") and "=" not in word]
    if len(scripts) > 1:
        message = f"one script at a time: {', '.join(scripts)}."
        raise ScalecheckError(message)
    app = find_app(Path(scripts[0])) if scripts else None
    if scripts and app is None:
        message = (
            f"no entry into Hydra is seen in {scripts[0]}: neither @hydra.main, hydra_runner nor hydra-zen. Name the script that has it."
        )
        raise ScalecheckError(message)
    config_dir = Path(options.config_dir) if options.config_dir else app.config_dir if app else Path("conf")
    name = options.config_name or (app.config_name if app else "config")
    if config_dir is None or name is None:
        told = f" It has {', '.join(app.dynamic)}." if app and app.dynamic else ""
        missing = "--config-dir DIR" if config_dir is None else "--config-name NAME"
        message = f"{scripts[0]} does not tell its config by its text alone.{told} Type {missing}."
        raise ScalecheckError(message)
    if not config_dir.is_dir():
        message = f"{config_dir}: there is no such directory (looked in {Path.cwd()})."
        raise ScalecheckError(message)
    return Patient(
        config_dir=config_dir,
        config_name=name.removesuffix(".yaml"),
        version_base=_version_base(options.version_base, app.version_base if app else "1.3"),
        overrides=tuple(word for word in options.words if word not in scripts),
        python=options.python,
        is_multirun=options.multirun,
        app=app,
        is_rerun=options.experimental_rerun is not None,
    )


def _version_base(typed: str | None, of_script: object) -> str | None:
    """Return what composes as the app does: without ``version_base`` hydra-core 1.3 behaves as 1.1."""
    if typed is not None:
        return None if typed.lower() == "none" else typed
    if of_script is None or isinstance(of_script, str):
        return of_script
    return "1.1" if getattr(of_script, "value", None) == "unspecified" else "1.3"


def _as_text(diagnosis: Diagnosis) -> str:
    first = f"active for run: {diagnosis.run}, active for multirun: {diagnosis.multirun} (hydra-core {diagnosis.hydra_version})"
    if not diagnosis.found:
        return f"{first}\nno way past the guard was found."
    return "\n".join([first, *(_block(item) for item in diagnosis.found)])


def _block(item: WayOut) -> str:
    change = item.change.replace("\n", "\n          ")
    return f"\n{item.kind}: {item.what} [{item.name}]\n  at:     {item.where}\n  change: {change}"


def _as_json(diagnosis: Diagnosis) -> str:
    found = [
        {"name": item.name, "kind": item.kind, "what": item.what, "where": item.where, "change": item.change} for item in diagnosis.found
    ]
    answer = {"active": {"run": diagnosis.run, "multirun": diagnosis.multirun}, "hydra_version": diagnosis.hydra_version, "found": found}
    return json.dumps(answer | {"sound": diagnosis.is_sound}, indent=2)
