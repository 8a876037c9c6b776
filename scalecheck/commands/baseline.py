"""``scalecheck baseline`` writes the findings that a repo has today into a file, so that ``scalecheck check`` fails for new ones alone."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from scalecheck import repo_check
from scalecheck.baseline import DEFAULT_FILE, entries_of, write

SUMMARY = "write today's findings to a file, so that only new ones fail: scalecheck check --baseline FILE"
EXAMPLES = (
    "scalecheck baseline                                  (of all that the repo's table lists)",
    "scalecheck baseline --config-dir conf --config-name train 'experiment=glob(*)' --out scalecheck-baseline.json",
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    made = argparse.ArgumentParser(
        prog="scalecheck baseline",
        description="Check as scalecheck check would, and write the warnings and errors that were found to a file; of notes only with "
        "--fail-level note. A finding is known by its rule, its job and what it is about, whatever its numbers and lines.",
        epilog="exit codes: 0 written, 2 could not do its work or checked nothing",
    )
    repo_check.add_arguments(made)
    made.add_argument("--out", type=Path, metavar="FILE", help=f"the file to write (default: the table's baseline, or {DEFAULT_FILE})")
    return made


def run(arguments: Sequence[str]) -> int:
    """Check what the arguments name and write what was found.

    Raises:
        ScalecheckError: something could not be checked, or the file cannot be written; it is left as it was then.
    """
    options = parser().parse_intermixed_args(arguments)
    asked = repo_check.asked(options)
    path = options.out or asked.baseline or Path(DEFAULT_FILE)
    report = repo_check.report_of_repo(asked)
    entries = entries_of(report, asked.root, "note" if asked.fail_level == "note" else "warning")
    write(entries, path)
    jobs = "1 job" if len(report.jobs) == 1 else f"{len(report.jobs):,} jobs"
    findings = "1 finding" if len(entries) == 1 else f"{len(entries):,} findings"
    print(f"scalecheck: {findings} of {jobs} written to {path}; use it with: scalecheck check --baseline {path}")
    return 0
