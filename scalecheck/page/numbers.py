"""How a job's numbers came about, and what is unknown: arithmetic in lines, and a table of where each value was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace

from scalecheck import arithmetic, expense_text, listing
from scalecheck.facts import Impossible, Job, ModelShape, Origin, Report, Unknown
from scalecheck.text import clean
from scalecheck.values import dataclass

MOST_JOBS = 12
_MOST_CHARACTERS = 60_000
_LONGEST, _LONGEST_LINE = 240, 1500
_BLOCKS: tuple[Callable[[Job], Iterator[str]], ...] = (
    arithmetic.params,
    arithmetic.tokens,
    arithmetic.flops,
    arithmetic.ratio,
    arithmetic.laws,
    arithmetic.intent,
)
MOST_UNKNOWNS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A value and where it came from; ``place`` is ``file:line`` or the override as typed."""

    field: str
    value: str
    key: str
    place: str
    assumed: bool
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """One job's arithmetic in lines, and the sources of its values; ``who`` is empty where there is one job."""

    who: str
    arithmetic: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """A quantity that is unknown or impossible: why, its key, and lines that would tell it."""

    kind: str
    field: str
    reason: str
    key: str
    lines: tuple[str, ...]
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknowns:
    """What is unknown, said once for all jobs that it is unknown of; how much of it is not shown."""

    items: tuple[Untold, ...]
    num_left_out: int


def of_report(report: Report, shared: frozenset[str]) -> tuple[Numbers, ...]:
    """Return the numbers of each job, of a sweep the worst ones first, as many as a page has room for; at least one."""
    made: list[Numbers] = []
    room = _MOST_CHARACTERS
    for job in listing.worst_first(report.jobs)[:MOST_JOBS]:
        who = listing.who([job], report, shared)
        one = Numbers(who=who, arithmetic="\n".join(_lines(_without_untold_sizes(job))), sources=tuple(_sources(job)))
        room -= len(repr(one))
        if made and room < 0:
            break
        made.append(one)
    return tuple(made)


def _without_untold_sizes(job: Job) -> Job:
    """Return a job that was read from a file without the sizes of its model: such a file has their origins, not their values."""
    reading = job.run.reading
    if reading.shape is None or reading.shape.num_layers or reading.shape.hidden_size:
        return job
    sizes = {field.name for field in fields(ModelShape)} - {"family"}
    origins = {name: origin for name, origin in reading.origins.items() if name not in sizes}
    return replace(job, run=replace(job.run, reading=replace(reading, origins=origins)))


def _lines(job: Job) -> Iterator[str]:
    for block in _BLOCKS:
        for line in block(job):
            # Jobs of a sweep are kept without their ledger, so nothing would follow.
            yield _cut(line if job.run.account.parts else line.removesuffix(", the sum of"), _LONGEST_LINE)
    if job.run.expense is not None:
        yield from (clean(clause) for clause in expense_text.sentence(job.run.expense).split("; "))


def _sources(job: Job) -> Iterator[Source]:
    told = _without_untold_sizes(job).run.reading.origins
    for field, origin in job.run.reading.origins.items():
        value = arithmetic.value_of(job, field) if field in told else None
        because = "; ".join(
            part for part in (clean(origin.because), ", ".join(f"goes on to {clean(step)}" for step in origin.chain)) if part
        )
        yield Source(
            field=_cut(clean(field)),
            value="" if value is None else _cut(arithmetic.shown_value(job, field)),
            key=_cut(clean(origin.key or "")),
            place=_cut(_place(origin)),
            assumed=origin.assumed,
            because=_cut(because),
        )


def _place(origin: Origin) -> str:
    file = clean(origin.file or "") + (f":{origin.line}" if origin.file and origin.line is not None else "")
    typed = f"override {clean(origin.override)}" if origin.override else ""
    return ", ".join(part for part in (typed, file) if part)


def unknowns(report: Report, shared: frozenset[str]) -> Unknowns:
    """Return what is impossible or unknown in a report, each once."""
    about: dict[Unknown | Impossible, list[Job]] = {}
    for job in report.jobs:
        for item in arithmetic.problems(job):
            about.setdefault(item, []).append(job)
    ordered = sorted(about.items(), key=lambda pair: isinstance(pair[0], Unknown))
    items = tuple(_untold(item, listing.who(jobs, report, shared)) for item, jobs in ordered[:MOST_UNKNOWNS])
    return Unknowns(items=items, num_left_out=max(0, len(ordered) - MOST_UNKNOWNS))


def _untold(item: Unknown | Impossible, who: str) -> Untold:
    return Untold(
        kind="unknown" if isinstance(item, Unknown) else "impossible",
        field=_cut(clean(item.field)),
        reason=clean(item.reason),
        key=_cut(clean(item.key or "")),
        lines=tuple(clean(line) for line in item.remedies) if isinstance(item, Unknown) else (),
        who=who,
    )


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
