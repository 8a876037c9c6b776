"""``scalecheck check`` composes a config as Hydra or OmegaConf would and checks it, without running anything."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from scalecheck import registry
from scalecheck.composing import add_options, checked, composed, jobs_of
from scalecheck.errors import ScalecheckError
from scalecheck.facts import Report
from scalecheck.text import wants_color

SUMMARY = "compose a config (or every job of a sweep) and check it; nothing is run, nothing is written"
EXAMPLES = (
    "scalecheck check --config-dir conf --config-name train model=large",
    "scalecheck check --config-dir conf --config-name train -m model=small,large seed=1,2",
    "scalecheck check --config-dir conf --config-name train --policy strict --format json",
    "scalecheck check --config base.yaml --config large.yaml train.lr=1e-3        (a repo without Hydra)",
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    made = argparse.ArgumentParser(
        prog="scalecheck check",
        description="Compose a config as the app would and check it. Options and overrides may stand in any order.",
        epilog="exit codes: 0 clean, 1 findings at the fail level, 2 could not do its work or checked nothing",
    )
    made.add_argument("overrides", nargs="*", metavar="override", help="overrides as you would type them: model=large +x=1 ~y")
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
    with composed(options, options.overrides) as main:
        from scalecheck.pipeline import summarise

        return summarise((checked(job, instantiate=options.instantiate) for job in jobs_of(main)), main.policy)
