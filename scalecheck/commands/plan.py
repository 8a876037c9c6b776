"""``scalecheck plan`` runs the user's own script so that it composes and checks every job, prints the report and starts nothing.

Unlike ``scalecheck check`` it sees what the script itself adds: resolvers, structured configs, search paths, environment variables.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scalecheck import plan_signal
from scalecheck.errors import ScalecheckError
from scalecheck.hydra_script import HydraApp, find_app

SUMMARY = "run your own script in check-only mode: every job and the totals, with its resolvers and structured configs; nothing is started"
EXAMPLES = (
    "scalecheck plan train.py -m model=small,large seed=1,2",
    "scalecheck plan --module pkg.train --config-name sweep -m model=small,large",
)
_NODE = "hydra.callbacks.scalecheck"
OVERRIDES = (
    f"++{_NODE}._target_=hydra_plugins.hydra_scalecheck.callback.ScaleCheckCallback",
    f"++{_NODE}._recursive_=false",
    f"++{_NODE}.mode=plan",
)
"""What makes any Hydra app plan: forced, so that it does not matter whether the app has our line; its own policy keys stay."""
_OF_PLAN = {"--python": 2, "--module": 2, "--anyway": 1, "-h": 1, "--help": 1}
_PRINT_ONLY = ("--help", "--hydra-help", "--version", "--cfg", "--info", "--shell-completion")
_RERUN = "--experimental-rerun"
_SHORT = {"-h": "--help", "-c": "--cfg", "-i": "--info", "-s": "--shell-completion"}
_SHORT_TAKEN = ("-m", "-r", "-p", "-cp", "-cn", "-cd")
_WITH_VALUE = ("--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd", "--package", "-p")
_INTERRUPTED = (130, -signal.SIGINT)
_SECONDS_TO_END = 5.0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's own options, which stand before the script."""
    made = argparse.ArgumentParser(
        prog="scalecheck plan",
        usage="scalecheck plan [--python PYTHON] [--anyway] (train.py | --module pkg.train) [arguments of the script]",
        description="Run a Hydra script as it stands, check every job that it would launch, and start none. "
        "All that follows the script is the script's. Its module-level code runs, as do other callbacks that stand before ours.",
        epilog="exit codes: 0 clean, 1 findings of severity error, 2 could not do its work or checked nothing",
        allow_abbrev=False,
    )
    made.add_argument("--python", metavar="PYTHON", default=sys.executable, help="the interpreter to run it with (default: this one)")
    made.add_argument("--module", metavar="MODULE", help="run a module, as python -m does, instead of a script")
    made.add_argument("--anyway", action="store_true", help="run what is not seen to be a Hydra app; it may do anything, training too")
    return made


def run(arguments: Sequence[str]) -> int:
    """Plan; returns 0 when clean and 1 with findings of severity error.

    Raises:
        ScalecheckError: there is no such script, it is not seen to be one that can be planned, or it ended without a report.
        KeyboardInterrupt: Ctrl-C, also of the script; the script has ended by then.
    """
    own, rest = _split(arguments)
    options = parser().parse_args(own)
    if os.name == "nt":
        message = "scalecheck plan needs a POSIX system. Type scalecheck=plan (+scalecheck=plan without our line) after your own command."
        raise ScalecheckError(message)
    if not options.module and not rest:
        message = "no script: scalecheck plan train.py -m model=small,large, or scalecheck plan --module pkg.train"
        raise ScalecheckError(message)
    name, typed = (options.module, rest) if options.module else (rest[0], rest[1:])
    _refuse_other_uses(typed)
    if not options.anyway:
        _refuse_what_may_train(name, _module_file(name) if options.module else Path(name))
    start = ["-m", name] if options.module else [name]
    code, report = _ended([options.python, *start, *with_ours(typed)])
    if code in _INTERRUPTED:
        raise KeyboardInterrupt
    if report is None:
        message = f"{name} ended with exit code {code} and no report of scalecheck came; what it said itself stands above."
        raise ScalecheckError(message)
    return report


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the command's own options, and from the script on all the rest; a module is the last of them, as in ``python -m``.

    Raises:
        ScalecheckError: an option that is none of ours stands before the script.
    """
    index = 0
    while index < len(arguments) and arguments[index].startswith("-"):
        name, equals, _ = arguments[index].partition("=")
        if name not in _OF_PLAN:
            message = f"{name} is no option of scalecheck plan; the script's own follow the script: scalecheck plan train.py {name} ..."
            raise ScalecheckError(message)
        index += 1 if equals else _OF_PLAN[name]
        if name == "--module":
            break
    return list(arguments[:index]), list(arguments[index:])


def _refuse_other_uses(typed: Sequence[str]) -> None:
    """Refuse what makes Hydra do something else than launch; argparse takes beginnings of long options, and short ones in one word."""
    for text in typed:
        meant = _other_use(text.partition("=")[0])
        if meant == _RERUN:
            message = f"{text}: Hydra reruns a job from its files past every check; plan the job with its overrides instead."
            raise ScalecheckError(message)
        if meant:
            message = f"{text}: with {meant} Hydra prints something and launches nothing, so there is nothing to plan."
            raise ScalecheckError(message)


def _other_use(name: str) -> str | None:
    if name.startswith("--"):
        return next((option for option in (*_PRINT_ONLY, _RERUN) if len(name) > 2 and option.startswith(name)), None)
    if not name.startswith("-") or name in _SHORT_TAKEN:
        return None
    return _SHORT.get(f"-{name[1:].lstrip('mr')[:1]}")


def _refuse_what_may_train(name: str, path: Path | None) -> None:
    """Refuse a script that is not seen to hand its command line to Hydra: it would run, and train, without a check.

    Raises:
        ScalecheckError: with what was seen.
    """
    if path is None:
        message = f"no module {name} is found from here, so it is not seen whether it is a Hydra app; --anyway before --module runs it."
        raise ScalecheckError(message)
    if not path.is_file():
        message = f"{path}: there is no such script (looked in {Path.cwd()})."
        raise ScalecheckError(message)
    why = _why_not(find_app(path))
    if why is not None:
        message = f"{path}{why}; it was not run, as it may train. If its launches are checked all the same, --anyway before it runs it."
        raise ScalecheckError(message)


def _why_not(app: HydraApp | None) -> str | None:
    if app is None:
        return ": no @hydra.main is seen in it"
    if app.kind == "launch":
        return f":{app.line}: hydra_zen.launch takes nothing from the command line"
    if app.passed:
        return f":{app.passed[0]}: {app.function or 'the task function'} is called with a config, past Hydra and every check"
    return None


def _module_file(name: str) -> Path | None:
    """Return a module's file without importing the packages that it is in."""
    below = Path(*name.split("."))
    named = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    for root in (Path.cwd(), *map(Path, (*named, *sys.path))):
        for candidate in (root / below.with_suffix(".py"), root / below / "__main__.py"):
            if candidate.is_file():
                return candidate
    return None


def with_ours(typed: Sequence[str]) -> list[str]:
    """Add the overrides of a plan right after the last one that was typed: hydra-core 1.3 takes overrides only in one piece."""
    places = [
        index
        for index, text in enumerate(typed, 1)
        if not text.startswith("-") and ("=" in text or text.startswith("~")) and (index < 2 or typed[index - 2] not in _WITH_VALUE)
    ]
    end = places[-1] if places else len(typed)
    return [*typed[:end], *OVERRIDES, *typed[end:]]


def _ended(command: Sequence[str]) -> tuple[int, int | None]:
    """Run a command in this process's group, so that Ctrl-C reaches it; return its exit code, and that of its report if one came."""
    read_end, write_end = os.pipe()
    told = {plan_signal.ENVIRONMENT_VARIABLE: str(write_end), "PYTHONDONTWRITEBYTECODE": "1"}  # a plan leaves no file
    try:
        child = subprocess.Popen(command, env=os.environ | told, pass_fds=(write_end,))  # noqa: S603 - what the user typed
    except OSError as failure:
        os.close(read_end)
        message = f"--python {command[0]} cannot be run: {failure.strerror}."
        raise ScalecheckError(message) from failure
    finally:
        os.close(write_end)
    try:
        code = child.wait()
    except KeyboardInterrupt:
        _end(child)
        raise
    else:
        return code, plan_signal.told(read_end)
    finally:
        os.close(read_end)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Let an interrupted script end: a terminal's Ctrl-C has reached it already, a signal to this process alone has not."""
    try:
        try:
            child.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGINT)
            child.wait(timeout=_SECONDS_TO_END)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()
        child.wait()
