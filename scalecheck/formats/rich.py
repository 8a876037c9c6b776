"""The report as tables for people at a terminal, with the plane of N and D as text; rich and plotext draw, imported when asked for."""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from scalecheck import listing
from scalecheck.errors import ScalecheckError
from scalecheck.facts import Job, Report
from scalecheck.listing import Folded
from scalecheck.text import clean, place

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

MOST_ROWS = 40
MOST_FINDINGS = 40
_WIDTHS = ((88, ()), (56, ("D/N", "C FLOPs")), (0, ("D/N", "C FLOPs", "D tokens")))
"""From how many columns on which figures are left out of a table; the multiple, which they all go into, never is."""
PLOT_LINES = 20
_LEAST, _MOST = 30, 200
_LONGEST_NAME = 24
_STYLES = {"error": "red", "stop": "red", "warning": "yellow", "warn": "yellow", "pass": "green", "note": "cyan", "silent": "dim"}
_REST = "the json format has them all"


class _Sheet(io.StringIO):
    """What is rendered, in the encoding of standard output: where that is not Unicode, rich draws with ASCII alone."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(sys.stdout, "encoding", None) or "utf-8"


def render(report: Report, *, color: bool = False) -> str:
    """Return the verdict, the figures of the jobs, their plane of N and D, and the findings, as wide as the terminal is.

    No config text is markup. What is to be typed stands on a line of its own, however long, so that it can be copied.

    Raises:
        ScalecheckError: rich or plotext is not installed; what to install.
    """
    from scalecheck import text_plot

    try:
        from rich.console import Group
    except ImportError:
        raise ScalecheckError(text_plot.INSTALL) from None
    columns = min(max(shutil.get_terminal_size().columns, _LEAST), _MOST)
    sheet = _Sheet()
    console = _console(sheet, columns, color=color)
    for drawn in _parts(report, columns, is_ascii=console.options.ascii_only):
        console.print(Group(drawn), crop=False)  # a bare text would be wrapped, whatever it says
    text = "\n".join(_inert(line.rstrip()) for line in sheet.getvalue().split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"  # a table has an empty line around it


def _console(sheet: _Sheet, columns: int, *, color: bool) -> Console:
    from rich.console import Console

    return Console(
        file=sheet,
        width=columns,
        height=100,
        force_terminal=color,
        color_system="standard" if color else None,
        force_jupyter=False,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ={},  # who asks decides on colours, no variable
    )


def _inert(line: str) -> str:
    """Return a line that starts no command of GitHub Actions, as a folded one might."""
    return line.replace("::", ": :", 1) if line.lstrip().startswith("::") else line


def _text(words: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(words, style=style, overflow="fold")


def _parts(report: Report, columns: int, *, is_ascii: bool) -> Iterator[RenderableType]:
    yield _text(f"scalecheck: {listing.word(report.verdict)}: {listing.sentence(report)}", _STYLES[report.verdict])
    yield from _jobs(report, columns)
    yield from _plot(report, columns, is_ascii=is_ascii)
    yield from _findings(report)


def _jobs(report: Report, columns: int) -> Iterator[RenderableType]:
    """Yield one job's figures below each other, or a table of several, of too many the worst."""
    jobs: Sequence[Job] = report.jobs
    if len(jobs) == 1:
        yield _figures(jobs[0])
        return
    if len(jobs) > MOST_ROWS:
        jobs = listing.worst_first(jobs)[:MOST_ROWS]
    if jobs:
        yield _table(report, jobs, next(names for least, names in _WIDTHS if columns >= least))
    missing = len(report.jobs) - len(jobs)
    if missing:
        yield _text(f"... {listing.plural(missing, 'more job')} not shown, none of them worse; {_REST}", "dim")


def _figures(job: Job) -> Table:
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    typed = listing.overrides_text(job)
    for name, value in (({"overrides": typed} if typed else {}) | listing.figures(job)).items():
        of_law = f" of {clean(job.run.judge)}" if name == "multiple" and value != "-" else ""
        made.add_row(_text(name), _text(f"{value}{of_law}"))
    return made


def _table(report: Report, jobs: Sequence[Job], left_out: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    shared = listing.shared_overrides(report.jobs)
    names = [name for name in listing.figures(jobs[0]) if name not in left_out]
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for head in ("job", *([] if left_out else ["overrides"])):
        made.add_column(head, overflow="fold")
    for name in names:
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("verdict", overflow="fold")
    for job in jobs:
        figures, called = listing.figures(job), clean(job.name)
        words = [called if len(called) <= _LONGEST_NAME else f"{called[: _LONGEST_NAME - 3]}..."]
        words += [] if left_out else [listing.overrides_text(job, shared)]
        made.add_row(*map(_text, words), *(_text(figures[name]) for name in names), _text(listing.word(job.verdict), _STYLES[job.verdict]))
    return made


def _plot(report: Report, columns: int, *, is_ascii: bool) -> Iterator[RenderableType]:
    from rich.text import Text

    from scalecheck import text_plot

    if report.jobs:
        drawn = text_plot.report_text(report, columns, PLOT_LINES, is_ascii=is_ascii)
        yield Text(drawn, no_wrap=True, overflow="ignore")


def _findings(report: Report) -> Iterator[RenderableType]:
    shared, found = listing.shared_overrides(report.jobs), listing.folded(report)
    counted = [item for item in found if item.finding.waived is None]
    waived = [item for item in found if item.finding.waived is not None]
    for item in counted[:MOST_FINDINGS]:
        yield from _finding(item, listing.who(item.jobs, report, shared))
    if waived:
        yield ""
    for item in waived[:MOST_FINDINGS]:
        about = listing.who(item.jobs, report, shared)
        yield _text(f"waived: {f'{about}: ' if about else ''}{clean(item.finding.rule)}: {clean(item.finding.waived or '')}", "dim")
    for items, name in ((counted, "more finding"), (waived, "more waived finding")):
        if len(items) > MOST_FINDINGS:
            yield _text(f"... {listing.plural(len(items) - MOST_FINDINGS, name)} not shown; {_REST}", "dim")


def _finding(item: Folded, about: str) -> Iterator[RenderableType]:
    """Yield a rule with the level and the finding's name, where and what it is, and what to type, which no line break parts."""
    from rich.padding import Padding
    from rich.rule import Rule
    from rich.text import Text

    finding, level = item.finding, listing.level(item.finding)
    yield ""
    yield Rule(_text(f"{level}: {clean(finding.rule)}", _STYLES[level]), align="left", style=_STYLES[level])
    where = ", ".join(part for part in (place(finding.origin), about) if part)
    if where:
        yield _text(where, "dim")
    yield _text(clean(finding.message))
    for number, remedy in enumerate(finding.remedies):
        lead, typed, effect = "or: " if number else "try:", clean(" ".join(remedy.overrides)), clean(remedy.effect)
        if typed:
            yield Text.assemble((f"  {lead} ", "dim"), (typed, "bold"), no_wrap=True, overflow="ignore")
        told = Text.assemble("" if typed else (f"{lead} ", "dim"), effect, overflow="fold")
        if effect:
            yield Padding(told, (0, 0, 0, 7 if typed else 2))
