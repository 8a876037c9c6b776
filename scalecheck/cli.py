"""The command line. ``scalecheck check`` composes a config as Hydra would and checks it, without running anything."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from scalecheck import __version__
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.facts import Job, Report

EXIT_CLEAN, EXIT_FINDINGS, EXIT_CANNOT = 0, 1, 2
_HELP = """\
scalecheck reads a composed Hydra training config, computes parameters N, training tokens D and
training FLOPs C, and compares them with published scaling laws and with your budgets.

commands:
  check    compose a config (or every job of a sweep) and check it; nothing is run, nothing is written

examples:
  scalecheck check --config-dir conf --config-name train model=large
  scalecheck check --config-dir conf --config-name train -m model=small,large seed=1,2
  scalecheck check --config-dir conf --config-name train --policy strict --format json

in a Hydra app, check every launch by adding one line to the defaults list of the primary config:
  - scalecheck: default      (warns)      or      - scalecheck: strict      (stops, exit 3)

exit codes: 0 clean, 1 findings at the fail level, 2 scalecheck could not do its work or checked nothing
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # config text that the terminal cannot show is no reason to fail
    commands: dict[str, Callable[[list[str]], int]] = {"check": _check}
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_HELP, end="")
        return EXIT_CLEAN if arguments else EXIT_CANNOT
    if arguments[0] in ("-V", "--version"):
        print(f"scalecheck {__version__}")
        return EXIT_CLEAN
    if arguments[0] not in commands:
        return _cannot(f"no command '{arguments[0]}'.{did_you_mean(arguments[0], commands)} See scalecheck --help.")
    try:
        return commands[arguments[0]](arguments[1:])
    except ScalecheckError as error:
        return _cannot(str(error))
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - the reader of our output has gone; say no more
        return EXIT_CLEAN
    except Exception as bug:
        return _cannot(f"internal error: {type(bug).__name__}: {str(bug)[:300]}. Please report it with the command you typed.")


def _cannot(sentence: str) -> int:
    print(f"scalecheck: error: {sentence}", file=sys.stderr)
    return EXIT_CANNOT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scalecheck check",
        description="Compose a config as the app would and check it. Options and overrides may stand in any order.",
        epilog="exit codes: 0 clean, 1 findings at the fail level, 2 could not do its work or checked nothing",
    )
    add = parser.add_argument
    add("overrides", nargs="*", metavar="override", help="Hydra overrides as you would type them: model=large +x=1 ~y")
    add("--config-dir", "-cd", default="conf", metavar="DIR", help="directory of the primary config (default: conf)")
    add("--config-name", "-cn", default="config", metavar="NAME", help="name of the primary config (default: config)")
    add("--multirun", "-m", action="store_true", help="the overrides are a sweep: check every job")
    add("--version-base", default="1.3", metavar="V", help="the app's version_base; it changes how old repos compose: 1.1, 1.2, 1.3, none")
    add("--policy", metavar="NAME|FILE", help="a shipped policy (default, strict) or a YAML file; instead of the one in the config")
    add("--format", default="terminal", metavar="F", help="terminal or json (default: terminal)")
    add("--fail-level", default="error", choices=("note", "warning", "error"), help="lowest severity that makes exit code 1")
    return parser


def _check(arguments: list[str]) -> int:
    from scalecheck import registry

    try:
        options = _parser().parse_intermixed_args(arguments)
    except SystemExit as leaving:  # argparse has printed its help or its error
        return leaving.code if isinstance(leaving.code, int) else EXIT_CANNOT
    renderer = registry.load("formats", options.format)
    report = _report(options)
    if not report.jobs:
        return _cannot("no config was checked: the sweep has no jobs.")
    color = options.format == "terminal" and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print(renderer.render(report, color=color).rstrip("\n"))
    return EXIT_FINDINGS if _fails(report, options.fail_level) else EXIT_CLEAN


def _fails(report: Report, fail_level: str) -> bool:
    levels = ("note", "warning", "error")
    findings = [*report.findings, *(finding for job in report.jobs for finding in job.findings)]
    return any(levels.index(f.severity or "note") >= levels.index(fail_level) for f in findings if not f.waived)


def _report(options: argparse.Namespace) -> Report:
    from scalecheck import compose

    config_dir = Path(options.config_dir)
    if not config_dir.is_dir():
        message = f"--config-dir {options.config_dir}: there is no such directory (looked in {Path.cwd()})."
        raise ScalecheckError(message)
    version_base = None if options.version_base.lower() == "none" else options.version_base
    with compose.hydra_at(config_dir, version_base):
        multirun = options.multirun or compose.asks_for_multirun(options.config_name, options.overrides)
        config = compose.compose_main(options.config_name, options.overrides, multirun=multirun)
        return _sweep(config, options.policy) if multirun else _single(config, options.policy)


def _single(config: Any, policy_name: str | None) -> Report:
    from scalecheck import compose, launch
    from scalecheck.pipeline import summarise

    prefix, policy = _policy(config, policy_name)
    name = str(config.hydra.job.config_name or "")
    job = launch.checked_job(config, policy, prefix, name=name, overrides=compose.job_overrides(config), origins=True)
    return summarise([job], policy)


def _sweep(config: Any, policy_name: str | None) -> Report:
    from scalecheck import compose, launch
    from scalecheck.pipeline import summarise

    expanded = compose.expand_sweep(config)
    if expanded is None:
        target = config.hydra.sweeper.get("_target_")
        message = f"hydra.sweeper is {target}: its jobs are chosen while it runs and cannot be enumerated here; they are checked at launch."
        raise ScalecheckError(message)
    jobs: list[Job] = []
    for number, overrides in enumerate(expanded):
        job_config = compose.sweep_job(config, overrides)
        prefix, policy = _policy(job_config, policy_name)
        jobs.append(launch.checked_job(job_config, policy, prefix, name=str(number), overrides=tuple(overrides), origins=True))
    return summarise(jobs, _policy(config, policy_name)[1])


def _policy(config: Any, policy_name: str | None) -> tuple[str, Any]:
    from scalecheck import compose
    from scalecheck.pipeline import DEFAULT_PREFIX
    from scalecheck.policy import load_policy

    found = compose.policy_node(config)
    prefix, raw = found or (DEFAULT_PREFIX, None)
    if policy_name is not None:
        raw = compose.read_policy(policy_name)
    policy = load_policy(raw)
    return prefix, replace(policy, mode="warn") if policy.mode == "off" else policy


if __name__ == "__main__":
    sys.exit(main())
