"""What a repo has checked, from its table or from what was typed: every job of every check, put together in one report.

``scalecheck check`` and ``scalecheck baseline`` ask the same: their options stand here.
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from itertools import islice, starmap
from pathlib import Path
from typing import Any

from scalecheck.composing import add_options, checked, composed, jobs_of, listed
from scalecheck.enforce import report_verdict
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.facts import Finding, Job, Report
from scalecheck.outputs import SUMMARY_PATH, Output, parse_output
from scalecheck.policy import Policy
from scalecheck.project_table import FAIL_LEVELS, CheckEntry, ProjectTable, find_table
from scalecheck.text import shown
from scalecheck.values import dataclass

_STRICTEST_LAST = ("off", "warn", "plan", "stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be checked, and what follows of it: the table's word where nothing was typed.

    ``is_whole``: everything that the table lists, or that there is without one. ``root`` is where the repo's own paths are told from.
    """

    options: argparse.Namespace
    checks: tuple[CheckEntry, ...]
    output: tuple[str, ...]
    fail_level: str
    jobs: int
    baseline: Path | None
    root: Path
    is_whole: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what all commands take that check a repo."""
    add = parser.add_argument
    add("overrides", nargs="*", metavar="override", help="overrides as you would type them: model=large +x=1 ~y 'experiment=glob(*)'")
    add_options(parser)
    add("--multirun", "-m", action="store_true", help="the overrides are a sweep: check every job; not needed where one of them says so")
    add("--instantiate", action="store_true", help="build the model with the config's own code and count it; runs that code")
    add("--fail-level", choices=FAIL_LEVELS, help="lowest severity that makes exit code 1 (default: the table's, or error)")
    add("--jobs", type=_count, metavar="N", help="compose and check in N processes, by joblib (default: the table's, or 1)")
    add("--backend", metavar="NAME", help="joblib's backend for --jobs: loky, multiprocessing, ray, dask (default: loky)")
    add("--only", metavar="NAME", help="of the table's checks this one")


def _count(text: str) -> int:
    if not text.isdecimal() or (number := int(text[:6])) < 1:
        message = f"{text!r:.40} is no number of processes, 1 or more"
        raise argparse.ArgumentTypeError(message)
    return number


def asked(options: argparse.Namespace) -> Asked:
    """Put what was typed over the repo's table, which is looked for where no config was named.

    Raises:
        ScalecheckError: the table is broken, there is none that ``--only`` could be about, or --untrusted forbids what it says.
    """
    here = Path.cwd()
    names_config = options.config or {"config_dir", "config_name"} & set(getattr(options, "typed", ()))
    table = None if names_config else find_table(here)
    if table is None and options.only is not None:
        message = f"--only {options.only} names a check of a [tool.scalecheck] table, and there is no table here, or a config was named."
        raise ScalecheckError(message)
    if table is not None and options.untrusted:
        _refuse_paths_outside(table, here)
    typed = bool(options.overrides or options.multirun)
    return Asked(
        options=options,
        checks=_checks(options, table, typed),
        output=table.output if table else (),
        fail_level=options.fail_level or (table.fail_level if table else None) or "error",
        jobs=options.jobs or (table.jobs if table else None) or 1,
        baseline=table.baseline if table else None,
        root=table.root if table else here,
        is_whole=options.only is None and not (options.overrides and table),
    )


def outputs_of(request: Asked) -> list[Output]:
    """Return what the table wants to be written, or the terminal's report; its paths are told from its file.

    Raises:
        ScalecheckError: there is no such format.
    """
    wanted = [parse_output(text) for text in request.output or ("terminal",)]
    place = os.path.relpath(request.root)
    return [
        output if output.path in (None, SUMMARY_PATH) else replace(output, path=Path(os.path.normpath(Path(place, str(output.path)))))
        for output in wanted
    ]


def _checks(options: argparse.Namespace, table: ProjectTable | None, typed: bool) -> tuple[CheckEntry, ...]:
    if table is None:
        entry = CheckEntry(config_dir=options.config_dir, config_name=options.config_name, overrides=tuple(options.overrides))
        entries: tuple[CheckEntry, ...] = (replace(entry, version_base=options.version_base),)
    elif typed and options.only is None:
        entries = (replace(table.common, overrides=tuple(options.overrides)),)
    else:
        entries = tuple(entry for entry in table.checks if options.only in (None, entry.name))
        if not entries:
            known = [entry.name for entry in table.checks if entry.name]
            message = f"the table of {table.file.name} has no check {shown(options.only)}.{did_you_mean(options.only, known)}"
            raise ScalecheckError(message)
        entries = tuple(replace(entry, overrides=(*entry.overrides, *options.overrides)) for entry in entries)
        # A check that is one of several goes by its name, also where it is checked alone.
        entries = entries if len(table.checks) > 1 else tuple(replace(entry, name="") for entry in entries)
    base = options.version_base if "version_base" in getattr(options, "typed", ()) else None
    return tuple(replace(entry, version_base=base or entry.version_base, policy=options.policy or entry.policy) for entry in entries)


def _refuse_paths_outside(table: ProjectTable, here: Path) -> None:
    """Let a table that a stranger may have written name no file outside of the repo.

    Raises:
        ScalecheckError: it does.
    """
    outputs = [text.partition(":")[2] for text in table.output]
    policies = [entry.policy for entry in table.checks if entry.policy and Path(entry.policy).suffix]
    baseline = [str(table.baseline)] if table.baseline else []
    for name in [*(entry.config_dir for entry in table.checks), *policies, *baseline]:
        _refuse_outside(table, name, here)
    for name in filter(None, outputs):
        _refuse_outside(table, name, table.root)


def _refuse_outside(table: ProjectTable, name: str, base: Path) -> None:
    if not (base / name).resolve().is_relative_to(table.root.resolve()):
        message = (
            f"{table.file.name} names {shown(name)}, which is outside of {table.root}; with --untrusted a table names only what is inside."
        )
        raise ScalecheckError(message)


def report_of_repo(request: Asked) -> Report:
    """Compose and check all jobs of all checks; every sweep is judged as a whole, under its own check's policy.

    Raises:
        ScalecheckError: a job cannot be composed or checked, or a check has no jobs: then nothing is said of the others either.
    """
    run = _in_parallel if request.jobs > 1 else _one_by_one
    parts = [(entry, policy, _summed(jobs, policy, entry)) for entry, policy, jobs in run(request)]
    report = _together([(entry, part) for entry, _, part in parts])
    is_a_glimpse = not request.is_whole or (len(report.jobs) == 1 and request.options.overrides)
    return report if is_a_glimpse else _with_idle_waivers(report, [policy for _, policy, _ in parts])


def _one_by_one(request: Asked) -> Iterator[tuple[CheckEntry, Policy, Iterable[Job]]]:
    for entry in request.checks:
        options = _options_for(request, entry)
        with composed(options, entry.overrides) as main:
            from scalecheck.sweep import lightened

            sweep = listed(main) if main.is_sweep else None
            jobs = (checked(job, instantiate=options.instantiate) for job in jobs_of(main, None if sweep is None else enumerate(sweep)))
            with _progress(jobs, 1 if sweep is None else len(sweep), entry.name) as watched:
                numbered = ((job, number) for number, job in enumerate(watched))
                yield entry, main.policy, watched if sweep is None else starmap(lightened, numbered)


def _in_parallel(request: Asked) -> Iterator[tuple[CheckEntry, Policy, Iterable[Job]]]:
    from scalecheck.parallel import Chunk, chunks_of, in_processes

    found: list[tuple[CheckEntry, Policy, int]] = []
    chunks: list[Chunk] = []
    for entry in request.checks:
        options = _options_for(request, entry)
        with composed(options, entry.overrides) as main:
            sweep = listed(main) if main.is_sweep else None
        found.append((entry, main.policy, 1 if sweep is None else len(sweep)))
        chunks += chunks_of(options, entry.overrides, sweep, request.jobs)
    stream = in_processes(chunks, request.jobs, request.options.backend)
    with _progress(stream, sum(number for _, _, number in found), "") as watched:
        for entry, policy, number in found:
            yield entry, policy, islice(watched, number)
        for _ in watched:  # nothing is left: the backend ends
            pass


def _options_for(request: Asked, entry: CheckEntry) -> argparse.Namespace:
    """Return what one check is composed with, all of it plain values."""
    options = copy.copy(request.options)
    vars(options).update(config_dir=entry.config_dir, config_name=entry.config_name, version_base=entry.version_base)
    vars(options).update(policy=entry.policy, label=entry.name)
    return options


def _summed(jobs: Iterable[Job], policy: Policy, entry: CheckEntry) -> Report:
    from scalecheck.pipeline import summarise

    report = summarise(jobs, policy)
    if not report.jobs:
        whose = f" of the check {shown(entry.name)}" if entry.name else ""
        message = f"no config was checked: the sweep{whose} has no jobs."
        raise ScalecheckError(message)
    return report


def _together(parts: Sequence[tuple[CheckEntry, Report]]) -> Report:
    """Return one report of several; what is said of all jobs of one check says of which."""
    if len(parts) == 1:
        return parts[0][1]
    from scalecheck.pipeline import laws_of

    reports = [report for _, report in parts]
    jobs = tuple(job for report in reports for job in report.jobs)
    findings = tuple(_named(finding, entry.name) for entry, report in parts for finding in report.findings)
    mode = max((report.mode for report in reports), key=_STRICTEST_LAST.index)
    rejects = "drop" if all(report.on_reject == "drop" for report in reports) else "stop"
    made = Report(jobs=jobs, findings=findings, mode=mode, on_reject=rejects, verdict=report_verdict(jobs, findings, mode))
    return replace(made, own_laws=laws_of(report.own_laws for report in reports))


def _named(finding: Finding, name: str) -> Finding:
    return replace(finding, message=f"{name}: {finding.message}", subject=f"{name}/{finding.subject}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _AllWaivers:
    waivers: tuple[Any, ...]


def _with_idle_waivers(report: Report, policies: Sequence[Policy]) -> Report:
    """Add a note for each waiver that is about nothing in the whole report: one of these checks may need what another does not."""
    waivers = tuple(dict.fromkeys(waiver for policy in policies for waiver in policy.waivers))
    if not waivers:
        return report
    from scalecheck.waivers import unmatched

    return replace(report, findings=(*report.findings, *unmatched(report, _AllWaivers(waivers=waivers))))


@contextmanager
def _progress(jobs: Iterable[Job], number: int, name: str) -> Iterator[Iterator[Job]]:
    """Show on a terminal how far a long check is, where tqdm is installed; the bar is gone when it is done."""
    tqdm = None
    if sys.stderr.isatty() and number > 1:
        with suppress(ImportError):
            tqdm = import_module("tqdm").tqdm
    if tqdm is None:
        yield iter(jobs)
        return
    with tqdm(jobs, total=number, desc=name or None, unit="job", leave=False, delay=0.5) as bar:
        yield iter(bar)
