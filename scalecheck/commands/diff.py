"""``scalecheck diff`` compares what a repo checks with a revision of it, or two reports: what costs more, which findings are new."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from scalecheck import comparing, comparison_text, revision, sides
from scalecheck.atomic import written_beside
from scalecheck.comparison_text import Compared
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.factors import parse_factor, parse_limits
from scalecheck.finding_changes import SEVERITIES, at_level
from scalecheck.outputs import SUMMARY_PATH, SUMMARY_VARIABLE, Output, parse_output
from scalecheck.project_table import ProjectTable, find_table
from scalecheck.text import clean
from scalecheck.values import dataclass

SUMMARY = "compare the checks of a repo with those at another revision, or two reports: N, D, C and cost before and after, new findings"
EXAMPLES = (
    "scalecheck diff --base origin/main                                            (what the [tool.scalecheck] table lists)",
    "scalecheck diff --base origin/main --config-dir conf --config-name train 'experiment=glob(*)' --fail-on-increase training_flops=1.5x",
    "scalecheck diff base.json head.json --format markdown",
)
_FORMS: dict[str, Callable[[Compared], str]] = {
    "terminal": comparison_text.terminal,
    "markdown": comparison_text.markdown,
    "json": comparison_text.json_text,
}
_THRESHOLD = "1%"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """Two reports, what they are called, remarks on them, and the table that holds for the second."""

    base: Mapping[str, Any]
    head: Mapping[str, Any]
    base_name: str
    head_name: str
    remarks: tuple[str, ...] = ()
    table: ProjectTable | None = None


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's own arguments; what it does not know goes to ``scalecheck check``, in both trees."""
    made = argparse.ArgumentParser(
        prog="scalecheck diff",
        usage="scalecheck diff --base REV [options] [options and overrides of scalecheck check]\n"
        "       scalecheck diff base.json head.json [options]",
        description="Check the same jobs at two revisions and say what changes; the checkout, its index and .git are only read. "
        "Prints nothing where nothing changes beyond the threshold.",
        epilog="exit codes: 0 no new finding at the fail level and nothing beyond a limit, 1 otherwise, 2 could not do its work",
        allow_abbrev=False,
    )
    add = made.add_argument
    add("--base", metavar="REV", help="the revision to compare with: origin/main")
    add("--head", metavar="REV", help="the revision that is compared (default: the working tree as it is)")
    add("--merge-base", action="store_true", default=True, help="take the commit where head left --base (default)")
    add("--exact", dest="merge_base", action="store_false", help="take --base as it is now")
    limited = ", ".join(comparing.LIMITED)
    add("--fail-on-increase", action="append", default=[], metavar="FIGURE=LIMIT", help=f"exit 1 beyond 1.5x or 20%%; of {limited}")
    add(
        "--threshold", metavar="T", help=f"change up to which a job is unchanged (default: the table's, or {_THRESHOLD.replace('%', '%%')})"
    )
    add("--fail-level", choices=SEVERITIES, help="lowest severity of a new finding that makes exit code 1 (default: the table's, or error)")
    add("--output", action="append", default=[], metavar="FORM[:PATH]", help="terminal, markdown or json; repeatable (default: terminal)")
    add("--format", metavar="FORM", help="the same as --output FORM")
    add("--verbose", action="store_true", help="say so where nothing changes")
    return made


def run(arguments: Sequence[str]) -> int:
    """Compare; returns 0, or 1 with a new finding at the fail level or a figure beyond its limit.

    Raises:
        ScalecheckError: there is nothing to compare.
    """
    options, rest = parser().parse_known_args(list(arguments))
    outputs = _outputs(options)
    stated = None if options.threshold is None else parse_factor(options.threshold, "--threshold")
    typed = parse_limits(_pairs(options.fail_on_increase), comparing.LIMITED, "--fail-on-increase")
    with _sides(options, [text for text in rest if text != "--"]) as both:
        table = both.table
        limits = parse_limits(table.fail_on_increase.items(), comparing.LIMITED, "fail_on_increase") if table else {}
        threshold = stated or parse_factor((table.threshold if table else None) or _THRESHOLD, "threshold")
        comparison = comparing.compare(both.base, both.head, threshold)
    compared = Compared(
        comparison=comparison,
        base=both.base_name,
        head=both.head_name,
        remarks=both.remarks,
        increases=comparing.beyond(comparison, limits | typed),
        fail_level=options.fail_level or (table.fail_level if table else None) or "error",
    )
    _write(compared, outputs)
    if options.verbose and compared.is_quiet:
        print(f"no change {compared.base} -> {compared.head}: {len(comparison.jobs)} jobs, within {threshold.text}")
    return 1 if compared.increases or any(at_level(comparison.new, compared.fail_level)) else 0


def _outputs(options: argparse.Namespace) -> list[Output]:
    found = [parse_output(text) for text in (*options.output, *([options.format] if options.format else []))] or [Output(form="terminal")]
    for output in found:
        if output.form not in _FORMS:
            message = f"--output {output.form}: a comparison has no such format.{did_you_mean(output.form, _FORMS)}"
            raise ScalecheckError(message)
    return found


def _pairs(stated: Sequence[str]) -> Iterator[tuple[str, str]]:
    for text in stated:
        name, _, limit = text.partition("=")
        yield name, limit


@contextmanager
def _sides(options: argparse.Namespace, rest: Sequence[str]) -> Iterator[_Sides]:
    """Yield both sides: of revisions, or of two files.

    Raises:
        ScalecheckError: neither is asked for, or one of the two cannot be had.
    """
    if options.base is not None:
        with ExitStack() as stack:
            yield _of_revisions(options, rest, stack)
        return
    if options.head is not None or len(rest) != 2 or any(text.startswith("-") for text in rest):
        message = "nothing to compare with: scalecheck diff --base origin/main, or two reports: scalecheck diff base.json head.json."
        raise ScalecheckError(message)
    base, head = (sides.report_in(Path(name)) for name in rest)
    versions = [str(report.get("scalecheck_version")) for report in (base, head)]
    remarks = (f"written by two versions of scalecheck, {versions[0]} and {versions[1]}, which may count differently",)
    table = find_table(Path.cwd())
    yield _Sides(base=base, head=head, base_name=rest[0], head_name=rest[1], remarks=remarks * (versions[0] != versions[1]), table=table)


def _of_revisions(options: argparse.Namespace, rest: Sequence[str], stack: ExitStack) -> _Sides:
    here = Path.cwd()
    repository = revision.repository_at(here)
    tip = revision.commit_of(repository, options.base)
    head_commit = revision.commit_of(repository, options.head or "HEAD")
    commit = revision.merge_base(repository, tip, head_commit) if options.merge_base else tip
    remarks = []
    head_tree, head_name, arguments = here, "the working tree", list(rest)
    if options.head is not None:
        top = stack.enter_context(revision.tree_of(repository, head_commit))
        head_tree, head_name = top / repository.inside, f"{options.head} ({head_commit[:10]})"
        arguments = sides.moved(rest, repository.top, top)
    elif revision.is_dirty(repository):
        remarks.append("the working tree is compared as it is, with changes that are not committed")
    head = sides.checked_tree(head_tree, arguments, head_name)
    base_name = f"{options.base} ({'' if commit == tip else 'merge base '}{commit[:10]})"
    top = stack.enter_context(revision.tree_of(repository, commit))
    base_tree, arguments = top / repository.inside, sides.moved(rest, repository.top, top)
    lacks = sides.missing_config(base_tree, top, arguments)
    if lacks is not None:
        remarks.append(f"{base_name} {lacks}, so all jobs are new")
    base = sides.NOTHING if lacks is not None else sides.checked_tree(base_tree, arguments, base_name)
    table = find_table(head_tree)
    return _Sides(base=base, head=head, base_name=base_name, head_name=head_name, remarks=tuple(remarks), table=table)


def _write(compared: Compared, outputs: Sequence[Output]) -> None:
    """Print what has no file, then write the files, each whole or not at all; where nothing changes, text files are empty.

    Raises:
        ScalecheckError: a file cannot be written.
    """
    for output in sorted(outputs, key=lambda output: output.path is not None):
        text = _FORMS[output.form](compared)
        if output.path is None:
            print(text, end="")
            continue
        try:
            _put(output.path, text)
        except (OSError, ValueError) as failure:
            why = failure.strerror if isinstance(failure, OSError) else failure
            message = f"--output {output.form}:{clean(str(output.path))}: it cannot be written: {why}."
            raise ScalecheckError(message) from None


def _put(path: Path, text: str) -> None:
    if path != SUMMARY_PATH:
        with written_beside(path, text) as temporary:
            Path(temporary).replace(path)
        return
    named = os.environ.get(SUMMARY_VARIABLE)
    if not named:
        message = f"--output {SUMMARY_PATH}: {SUMMARY_VARIABLE} is not set, so this is no step of GitHub Actions; elsewhere name a file."
        raise ScalecheckError(message)
    with Path(named).open("a", encoding="utf-8") as summary:
        summary.write(text)
