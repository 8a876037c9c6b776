"""``scalecheck check`` composes configs as Hydra or OmegaConf would and checks them, without running anything."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scalecheck import outputs, repo_check
from scalecheck.enforce import fails

SUMMARY = "compose a config, every job of a sweep, or all that a repo's table lists, and check it; nothing is run"
EXAMPLES = (
    "scalecheck check --config-dir conf --config-name train model=large",
    "scalecheck check --config-dir conf --config-name train 'experiment=glob(*)' --jobs 4",
    "scalecheck check --config-dir conf --config-name train --policy strict --format json",
    "scalecheck check --config base.yaml --config large.yaml train.lr=1e-3        (a repo without Hydra)",
    "scalecheck check --config-dir conf --config-name train --output html:report.html",
    "scalecheck check --output terminal --output sarif:scalecheck.sarif           (what [tool.scalecheck] of pyproject.toml lists)",
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    made = argparse.ArgumentParser(
        prog="scalecheck check",
        description="Compose configs as the app would and check them. Options and overrides may stand in any order. Where neither a "
        "config nor an override is named, it is what the [tool.scalecheck] table of pyproject.toml, or scalecheck.toml, lists.",
        epilog="exit codes: 0 clean, 1 findings at the fail level, 2 could not do its work or checked nothing",
    )
    repo_check.add_arguments(made)
    add = made.add_argument
    add("--output", action="append", default=[], metavar="FORM[:PATH]", help="what to write, and where; may be given several times")
    add("--format", dest="output", action="append", metavar="F", help="the same, printed: terminal, json, ... (default: terminal)")
    add("--picture", metavar="NAME", help="the picture that svg and png outputs draw; without it the first, or all into a directory")
    add("--exit-zero", action="store_true", help="exit 0 also with findings; still 2 where nothing could be checked")
    add("--baseline", type=Path, metavar="FILE", help="findings that stand in this file count for nothing (scalecheck baseline writes it)")
    return made


def run(arguments: Sequence[str]) -> int:
    """Check what the arguments name; returns 0 when clean, 1 with findings at the fail level.

    Raises:
        ScalecheckError: something could not be checked; nothing is written then.
    """
    options = parser().parse_intermixed_args(arguments)
    asked = repo_check.asked(options)
    wanted = [outputs.parse_output(text) for text in options.output] or repo_check.outputs_of(asked)
    wanted = outputs.of_picture(wanted, options.picture)
    known, path = None, options.baseline or asked.baseline
    if path is not None:
        from scalecheck import baseline

        known = baseline.read(path)
    report = repo_check.report_of_repo(asked)
    if path is not None and known is not None:
        report, num_stale = baseline.applied(report, known, path, asked.root)
        if num_stale and asked.is_whole:
            print(f"scalecheck: {baseline.stale(num_stale, path)}", file=sys.stderr)
    outputs.written(report, wanted)
    return 1 if not options.exit_zero and fails(report, asked.fail_level) else 0
