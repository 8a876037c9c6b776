"""``scalecheck check`` composes a config as Hydra would and checks it, without running anything."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from scalecheck import registry
from scalecheck.composing import add_options, hydra_of, policy_of
from scalecheck.errors import ScalecheckError
from scalecheck.facts import Job, Report
from scalecheck.text import wants_color

SUMMARY = "compose a config (or every job of a sweep) and check it; nothing is run, nothing is written"
EXAMPLES = (
    "scalecheck check --config-dir conf --config-name train model=large",
    "scalecheck check --config-dir conf --config-name train -m model=small,large seed=1,2",
    "scalecheck check --config-dir conf --config-name train --policy strict --format json",
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    made = argparse.ArgumentParser(
        prog="scalecheck check",
        description="Compose a config as the app would and check it. Options and overrides may stand in any order.",
        epilog="exit codes: 0 clean, 1 findings at the fail level, 2 could not do its work or checked nothing",
    )
    made.add_argument("overrides", nargs="*", metavar="override", help="Hydra overrides as you would type them: model=large +x=1 ~y")
    add_options(made)
    made.add_argument("--multirun", "-m", action="store_true", help="the overrides are a sweep: check every job")
    made.add_argument("--format", default="terminal", metavar="F", help="terminal or json (default: terminal)")
    made.add_argument("--instantiate", action="store_true", help="build the model with the config's own code and count it; runs that code")
    levels = ("note", "warning", "error")
    made.add_argument("--fail-level", default="error", choices=levels, help="lowest severity that makes exit code 1")
    return made


def run(arguments: Sequence[str]) -> int:
    """Check what the arguments name; returns 0 when clean, 1 with findings at the fail level.

    Raises:
        ScalecheckError: nothing could be checked.
    """
    options = parser().parse_intermixed_args(arguments)
    renderer = registry.load("formats", options.format)
    report = _report(options)
    if not report.jobs:
        message = "no config was checked: the sweep has no jobs."
        raise ScalecheckError(message)
    color = options.format == "terminal" and wants_color(sys.stdout)
    print(renderer.render(report, color=color).rstrip("\n"))
    return 1 if _fails(report, options.fail_level) else 0


def _fails(report: Report, fail_level: str) -> bool:
    levels = ("note", "warning", "error")
    findings = [*report.findings, *(finding for job in report.jobs for finding in job.findings)]
    return any(levels.index(f.severity or "note") >= levels.index(fail_level) for f in findings if not f.waived)


def _report(options: argparse.Namespace) -> Report:
    from scalecheck import compose

    with hydra_of(options):
        multirun = options.multirun or compose.asks_for_multirun(options.config_name, options.overrides)
        config = compose.compose_main(options.config_name, options.overrides, multirun=multirun)
        return (_sweep if multirun else _single)(config, options)


def _single(config: Any, options: argparse.Namespace) -> Report:
    from scalecheck import compose, launch
    from scalecheck.pipeline import summarise

    check = launch.instantiated_job if options.instantiate else launch.checked_job
    prefix, policy = policy_of(config, options.policy)
    name = str(config.hydra.job.config_name or "")
    job = check(config, policy, prefix, name=name, overrides=compose.job_overrides(config), origins=True)
    return summarise([job], policy)


def _sweep(config: Any, options: argparse.Namespace) -> Report:
    from scalecheck import compose, launch
    from scalecheck.pipeline import summarise

    expanded = compose.expand_sweep(config)
    if expanded is None:
        target = config.hydra.sweeper.get("_target_")
        message = f"hydra.sweeper is {target}: its jobs are chosen while it runs and cannot be enumerated here; they are checked at launch."
        raise ScalecheckError(message)
    check = launch.instantiated_job if options.instantiate else launch.checked_job
    jobs: list[Job] = []
    for number, overrides in enumerate(expanded):
        job_config = compose.sweep_job(config, overrides)
        prefix, policy = policy_of(job_config, options.policy)
        jobs.append(check(job_config, policy, prefix, name=str(number), overrides=tuple(overrides), origins=True))
    return summarise(jobs, policy_of(config, options.policy)[1])
