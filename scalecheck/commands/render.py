"""``scalecheck render`` shows a JSON report in any other format, also long after the check, also elsewhere."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from scalecheck import registry
from scalecheck.outputs import of_picture, parse_output, written
from scalecheck.report_file import read_report

SUMMARY = "render a JSON report in other formats: a job summary, annotations, SARIF, JUnit, ..."
EXAMPLES = (
    "scalecheck render report.json --format markdown",
    "scalecheck render report.json --output html:report.html --output svg:pictures/",
    "scalecheck render report.json --output sarif:out.sarif --output markdown:github-summary",
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    known = ", ".join(registry.names("formats"))
    made = argparse.ArgumentParser(
        prog="scalecheck render",
        description="Render a report that scalecheck check --output json:FILE has written. Nothing is composed or checked.",
        epilog="exit codes: 0 rendered, whatever was found; 2 could not be",
    )
    made.add_argument("report", type=Path, help="the JSON report")
    made.add_argument("--format", dest="outputs", action="append", metavar="F", help=f"print it as {known} (default: terminal)")
    made.add_argument(
        "--output",
        dest="outputs",
        action="append",
        metavar="FORM[:FILE]",
        help="the same, into a file; may be given several times. The file github-summary is the job summary of GitHub Actions",
    )
    made.add_argument("--picture", metavar="NAME", help="the picture that svg and png draw; without it the first, or all into a directory")
    return made


def run(arguments: Sequence[str]) -> int:
    """Render what the arguments name; returns 0.

    Raises:
        ScalecheckError: the report cannot be read, a format is not known, a file cannot be written.
    """
    options = parser().parse_args(arguments)
    chosen = of_picture([parse_output(text) for text in options.outputs or ["terminal"]], options.picture)
    written(read_report(options.report), chosen)
    return 0
