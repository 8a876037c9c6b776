"""The ledger's picture: where the parameters and where the FLOPs are, part by part, of each distinct model of a report."""

from __future__ import annotations

from scalecheck import listing
from scalecheck.drawing.ledger import MOST_MODELS, Model, picture_of_models
from scalecheck.drawing.scene import Picture
from scalecheck.drawing.words import short
from scalecheck.facts import Job, Part, Report

ORDER = 30
_NAMED = 10


def picture(report: Report) -> Picture:
    """Return the ledgers of the models of a report, largest first; models of equal parts are one."""
    groups: dict[tuple[Part, ...], list[Job]] = {}
    for job in report.jobs:
        groups.setdefault(job.run.account.parts, []).append(job)
    without = groups.pop((), [])
    jobs = sorted(groups.values(), key=lambda group: -_size(group[0]))
    if not jobs:
        return _empty(report, without)
    shared = listing.shared_overrides(report.jobs)
    names = [_name(group, report, shared) for group in jobs]
    models = [Model(name=name, account=group[0].run.account) for name, group in zip(names, jobs, strict=True)]
    notes = []
    if len(jobs) > MOST_MODELS:
        rest = names[MOST_MODELS : MOST_MODELS + _NAMED]
        more = f" and {len(jobs) - MOST_MODELS - _NAMED:,} more" if len(jobs) > MOST_MODELS + _NAMED else ""
        notes.append(f"The {MOST_MODELS} largest of {len(jobs):,} models are drawn; left out: {'; '.join(rest)}{more}.")
    if without:
        why = "the parts of the model are not known"
        if len(report.jobs) > listing.NUM_LEDGERS:
            why += f", or were not kept, as a sweep keeps those of its first {listing.NUM_LEDGERS} jobs"
        notes.append(f"{listing.plural(len(without), 'job')} left out: {why}.")
    return picture_of_models(models, notes)


def _empty(report: Report, without: list[Job]) -> Picture:
    if not report.jobs:
        return picture_of_models((), ("Nothing is drawn: no job was checked.",))
    first = without[0]
    if len(report.jobs) == 1:
        return picture_of_models((Model(name=_family(first), account=first.run.account),))
    return picture_of_models((), ("Nothing is drawn: of no job's model are the parts known.",))


def _size(job: Job) -> int:
    total = job.run.account.total_params
    return total if total is not None else sum((part.params or 0) * part.copies for part in job.run.account.parts)


def _family(job: Job) -> str:
    shape = job.run.reading.shape
    return short(shape.family, 60) if shape else "model"


def _name(group: list[Job], report: Report, shared: frozenset[str]) -> str:
    who = listing.who(group, report, shared)
    if not who or who == "all jobs":
        return _family(group[0])
    return f"{_family(group[0])}, {short(who)}"
