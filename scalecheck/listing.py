"""What formats share: findings in a row and with whom they are about, paths that a host can follow, and a job in a few words."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from scalecheck.facts import Finding, Job, Report, Severity, Verdict
from scalecheck.text import clean
from scalecheck.units import format_count, format_ratio, format_scientific
from scalecheck.values import dataclass

LEVELS: tuple[Severity, ...] = ("error", "warning", "note")
WORST_FIRST: tuple[Verdict, ...] = ("stop", "warn", "silent", "pass")
"""The order in which jobs are shown where not all can be."""
NO_FILE = "scalecheck"
"""The path of what has none, for formats that must name one."""
WORKSPACES = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Where hosts say that the repository is checked out."""
NUM_LEDGERS = 200
"""So many first jobs of a sweep keep the lines of their ledgers: pictures show a few, and thousands of them would fill the memory."""
_LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A finding with its fingerprint and its job; ``None`` where it is about the sweep as a whole."""

    fingerprint: str
    job: Job | None
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A finding that several jobs have alike, said once; no job where it is about the sweep as a whole."""

    finding: Finding
    jobs: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A path relative to the repository's root, with forward slashes; ``line`` counts from 1, ``None`` where only the file is known."""

    path: str
    line: int | None = None


def level(finding: Finding) -> Severity:
    """Return the severity of a finding; one that has none is a note."""
    return finding.severity or "note"


def active(report: Report) -> list[Listed]:
    """Return the findings that count, errors first, otherwise in the report's order."""
    return sorted((item for item in _all(report) if item.finding.waived is None), key=lambda item: LEVELS.index(level(item.finding)))


def word(verdict: Verdict) -> str:
    """Return what a verdict is called: ``no verdict`` where no law was asked."""
    return "no verdict" if verdict == "silent" else verdict


def worst_first(jobs: Iterable[Job]) -> list[Job]:
    """Return jobs with the worst verdicts first, otherwise in their order."""
    return sorted(jobs, key=lambda job: WORST_FIRST.index(job.verdict))


def waived(report: Report) -> list[Listed]:
    """Return the findings that count for nothing, in the report's order."""
    return [item for item in _all(report) if item.finding.waived is not None]


def _all(report: Report) -> Iterator[Listed]:
    from scalecheck.fingerprints import fingerprinted  # a launch prints without them

    for fingerprint, job, finding in fingerprinted(report):
        yield Listed(fingerprint=fingerprint, job=job, finding=finding)


def folded(report: Report) -> list[Folded]:
    """Return every finding once, those that count first and errors first among them; those of the sweep before those of jobs."""
    about: dict[Finding, list[Job]] = {}
    for job in report.jobs:
        for finding in job.findings:
            owners = about.setdefault(finding, [])
            owners += [] if owners and owners[-1] is job else [job]
    made = [Folded(finding=finding) for finding in report.findings]
    made += [Folded(finding=finding, jobs=tuple(jobs)) for finding, jobs in about.items()]
    return sorted(made, key=lambda item: (item.finding.waived is not None, LEVELS.index(level(item.finding))))


def sentence(report: Report) -> str:
    """Return how many jobs were checked and how many findings of each level there are; no word of it comes from a config."""
    findings = [*report.findings, *(finding for job in report.jobs for finding in job.findings)]
    counts = dict.fromkeys(LEVELS, 0)
    for finding in findings:
        if finding.waived is None:
            counts[level(finding)] += 1
    found = ", ".join(plural(count, name) for name, count in counts.items() if count) or "nothing found"
    num_waived = sum(finding.waived is not None for finding in findings)
    return f"{plural(len(report.jobs), 'job')} checked: {found}{f'; {num_waived} waived' if num_waived else ''}"


def plural(count: int, name: str) -> str:
    """Return ``1 job``, ``2 jobs``."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def shared_overrides(jobs: Sequence[Job]) -> frozenset[str]:
    """Return the overrides that all jobs of a sweep have, which tell none from another."""
    return frozenset.intersection(*(frozenset(job.overrides) for job in jobs)) if len(jobs) > 1 else frozenset()


def overrides_text(job: Job, shared: frozenset[str] = frozenset()) -> str:
    """Return what was typed for a job, on one line and cut short, without what all jobs of the sweep share."""
    text = clean(" ".join(text for text in job.overrides if text not in shared))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def who(jobs: Sequence[Job], report: Report, shared: frozenset[str] = frozenset()) -> str:
    """Return whom a finding is about: ``job 3 (seed=1) and 4 more``, ``all jobs``; empty where there is one job only."""
    if len(report.jobs) == 1 and jobs:
        return ""
    if not jobs or len(jobs) == len(report.jobs):
        return "all jobs"
    typed = overrides_text(jobs[0], shared)
    more = f" and {len(jobs) - 1:,} more" if len(jobs) > 1 else ""
    return f"job {clean(jobs[0].name)}{f' ({typed})' if typed else ''}{more}"


def told(finding: Finding, about: str = "") -> str:
    """Return a finding's message on one line, after whom it is about."""
    return f"{about}: {clean(finding.message)}" if about else clean(finding.message)


def remedies(finding: Finding) -> list[str]:
    """Return what to type and what it does, a line each."""
    lines = []
    for number, remedy in enumerate(finding.remedies):
        text = f"{clean(' '.join(remedy.overrides))}  {clean(remedy.effect)}".strip()
        lines.append(f"{'or' if number else 'try'}: {text}")
    return lines


def figures(job: Job) -> dict[str, str]:
    """Return N, D, D/N, the multiple of the judging law's optimum and C, each as a few characters."""
    account, plan, outlook = job.run.account, job.run.reading.plan, job.run.outlooks.get(job.run.judge)
    ratio, bound = account.tokens_per_parameter, "<=" if plan.tokens_status == "upper_bound" else ""
    tokens = "unknown" if account.training_tokens is None else f"{bound}{format_count(account.training_tokens)}"
    if account.training_tokens is None and plan.tokens_status == "per_device" and plan.training_tokens is not None:
        tokens = f"{format_count(plan.training_tokens)}/device"
    return {
        "N params": format_count(account.total_params),
        "D tokens": tokens,
        "D/N": "-" if ratio is None else f"{bound}{format_ratio(ratio)}",
        "multiple": "-" if outlook is None else f"x{format_ratio(outlook.multiple)}",
        "C FLOPs": "unknown" if account.training_flops is None else f"{bound}{format_scientific(account.training_flops)}",
    }


def place_of(finding: Finding, job: Job | None, report: Report, top: str) -> Place:
    """Return where a finding is shown, below ``top``: its file and line, else the config of its job, else ``scalecheck``."""
    origin = finding.origin
    if origin.file and (path := repo_path(origin.file, top)):
        return Place(path=path, line=origin.line if origin.line and origin.line > 0 else None)
    for known in (job,) if job else report.jobs[:1]:
        if known.config and (path := repo_path(known.config, top)):
            return Place(path=path)
    return Place(path=NO_FILE)


def root(environ: Mapping[str, str] = os.environ) -> str:
    """Return the directory that a host's paths are relative to: its checkout where the working directory is in it, else the latter."""
    here = os.getcwd()  # noqa: PTH109 - the formats are imported at every launch, and pathlib's Path is slower
    for name in WORKSPACES:
        top = environ.get(name)
        if top and os.path.isabs(top):  # noqa: PTH117
            real = os.path.realpath(top)
            if _below(here, (real, os.path.normpath(top))) is not None or here == real:
                return real
    return here


def repo_path(file: str, top: str) -> str:
    """Return a path relative to ``top`` with forward slashes; empty where it does not lie below it."""
    whole = os.path.normpath(os.path.join(os.getcwd(), file))  # noqa: PTH109, PTH118
    return (_below(whole, (top,)) or "").replace(os.sep, "/")


def _below(path: str, tops: Iterable[str]) -> str | None:
    for top in tops:
        prefix = top if top.endswith(os.sep) else top + os.sep
        if path.startswith(prefix):
            return path[len(prefix) :]
    return None
