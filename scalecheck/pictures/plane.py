"""The run's picture: where it stands in the plane of N and D, beside the laws' optima, its remedies and well-known runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

from scalecheck import listing, registry
from scalecheck.drawing.plane import draw
from scalecheck.drawing.plane_known import known_points
from scalecheck.drawing.plane_limits import limits
from scalecheck.drawing.plane_scene import PlanePoint, PlaneScene, has_interval
from scalecheck.drawing.scene import Picture, Table
from scalecheck.drawing.words import short
from scalecheck.facts import Job, Outlook, Report, Verdict
from scalecheck.forms import Law, LossSurface
from scalecheck.law_params import active_or_total
from scalecheck.law_words import COUNTED_AS, HISTORY, LOSS_LAW, optimal_range
from scalecheck.text import clean
from scalecheck.units import format_count, format_ratio, format_scientific
from scalecheck.values import dataclass

ORDER = 10
MOST_POINTS = 500
_LARGEST = 1e100
_LABELLED = 24
_NAMED = 3
_TO_REMEDY = ("undertrained", "overtrained")
_HEAD = ("what", "N params", "D tokens", "D/N", "C = 6ND", "verdict", "optimal D/N at this C")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Jobs at one place of the plane."""

    params: float | None
    tokens: float | None
    jobs: tuple[Job, ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict that all of them have."""
        return self.jobs[0].verdict


def picture(report: Report) -> Picture:
    """Return the plane of a report's jobs. A job whose N or D is unknown is a line; one that has neither is left out."""
    groups, num_left_out = _grouped(report)
    laws = _laws(report)
    scene = scene_of(report, groups, laws) if groups else None
    return Picture(
        name="plane",
        title="Parameters and tokens",
        description=_description(report, groups, laws),
        table=_table(report, groups, laws),
        draw=partial(draw, scene) if scene else None,
        notes=tuple(_notes(report, groups, laws, num_left_out)),
        scene=scene,
    )


def scene_of(report: Report, groups: Sequence[_Group], laws: Mapping[str, Law]) -> PlaneScene:
    """Return what is drawn."""
    judge = next(iter(laws.values()), None)
    points = tuple(_points(report, groups))
    params, tokens = limits(points, judge)
    surface = judge if isinstance(judge, LossSurface) else laws.get(LOSS_LAW)
    band = next((law for law in (judge, surface, laws.get(LOSS_LAW)) if law is not None and has_interval(law)), None)
    return PlaneScene(
        params=params,
        tokens=tokens,
        points=points,
        known=known_points(),
        laws=tuple(laws.values()),
        band=band,
        surface=surface if isinstance(surface, LossSurface) else None,
        fitted=judge.fitted_range if judge else None,
    )


def _grouped(report: Report) -> tuple[list[_Group], int]:
    """Return the places of jobs, the worst first, and how many jobs have none."""
    found: dict[tuple[float | None, float | None, str], list[Job]] = {}
    num_left_out = 0
    for job in report.jobs:
        params, tokens = _place(job)
        if params is None and tokens is None:
            num_left_out += 1
        else:
            found.setdefault((params, tokens, job.verdict), []).append(job)
    groups = [_Group(params=params, tokens=tokens, jobs=tuple(jobs)) for (params, tokens, _), jobs in found.items()]
    return sorted(groups, key=lambda group: listing.WORST_FIRST.index(group.verdict)), num_left_out


def _place(job: Job) -> tuple[float | None, float | None]:
    """Return N, as the judging law counts it where it was asked, and D, to four digits; one beyond any scale has no place."""
    outlook, account = job.run.outlooks.get(job.run.judge), job.run.account
    values = (outlook.params if outlook else active_or_total(account), account.training_tokens)
    if any(value is not None and not 1 <= value <= _LARGEST for value in values):
        return None, None
    params, tokens = (None if value is None else float(f"{value:.4g}") for value in values)
    return params, tokens


def _laws(report: Report) -> dict[str, Law]:
    """Return the laws that the jobs were compared with, the judge's first; those kept for their history only where they judge."""
    judges = dict.fromkeys(job.run.judge for job in report.jobs if job.run.judge in job.run.outlooks)
    names = dict.fromkeys([*judges, *(name for job in report.jobs for name in job.run.outlooks if name not in HISTORY)])
    known = registry.names("laws")
    found: dict[str, Law] = {}
    for name in names:
        if name in report.own_laws:
            found[name] = report.own_laws[name]
        elif name in known:
            found[name] = cast("Law", registry.load("laws", name).LAW)
    return found


def _points(report: Report, groups: Sequence[_Group]) -> list[PlanePoint]:
    shared = listing.shared_overrides(report.jobs)
    drawn = groups[:MOST_POINTS]
    labels = [_label(group, report, shared) for group in drawn]
    made = [
        PlanePoint(
            params=group.params,
            tokens=group.tokens,
            role=group.verdict,
            # A label that another has too, as both were cut, tells nothing.
            label=label if len(drawn) <= _LABELLED and labels.count(label) == 1 else "",
            title=_title(group, report, shared),
        )
        for group, label in zip(drawn, labels, strict=True)
    ]
    return [*made, *(point for group in drawn[:_NAMED] for point in _remedies(group, labelled=len(drawn) == 1))]


def _label(group: _Group, report: Report, shared: frozenset[str], most: int = 28) -> str:
    if len(report.jobs) == 1:
        return "this run"
    # The last word of a key is enough for a label; the title has the override as it was typed.
    typed = [clean(text) for text in group.jobs[0].overrides if text not in shared]
    words = short(" ".join(_last_word(text) for text in typed) or f"job {group.jobs[0].name}", most)
    return words if len(group.jobs) == 1 else f"{words} + {len(group.jobs) - 1:,}"


def _last_word(override: str) -> str:
    key, equals, value = override.partition("=")
    return f"{key.lstrip('+~').rsplit('.', 1)[-1]}{equals}{value}"


def _title(group: _Group, report: Report, shared: frozenset[str]) -> str:
    job = group.jobs[0]
    figures = listing.figures(job)
    who = [short(_who(one, report, shared), 120) for one in group.jobs[:_NAMED]]
    more = [f"and {len(group.jobs) - len(who):,} more here"] if len(group.jobs) > len(who) else []
    verdict = listing.word(job.verdict)
    return "\n".join([f"{who[0]}: {verdict}", *who[1:], *more, *(f"{name}: {value}" for name, value in figures.items())])


def _who(job: Job, report: Report, shared: frozenset[str]) -> str:
    return "this run" if len(report.jobs) == 1 else listing.who((job,), report, shared)


def _remedies(group: _Group, *, labelled: bool) -> list[PlanePoint]:
    """Return the two ways to the optimum: the D of this N, and the split of this C; only where training was found out of balance."""
    job = group.jobs[0]
    outlook = job.run.outlooks.get(job.run.judge)
    if outlook is None or not any(finding.rule in _TO_REMEDY and finding.waived is None for finding in job.findings):
        return []
    ways = (
        ("same model", "the D at which this model is compute-optimal", outlook.params, outlook.tokens_for_this_model),
        ("same compute", "the compute-optimal split of this C", outlook.optimal_params, outlook.optimal_tokens),
    )
    return [
        PlanePoint(
            params=params,
            tokens=tokens,
            role="remedy",
            label=name if labelled else "",
            title=f"{name}: {words} ({short(outlook.law)})\nN {format_count(params)}, D {format_count(tokens)}",
        )
        for name, words, params, tokens in ways
        if 1 <= params <= _LARGEST and 1 <= tokens <= _LARGEST
    ]


def _description(report: Report, groups: Sequence[_Group], laws: Mapping[str, Law]) -> str:
    law = next(iter(laws), "")
    beside = f", beside the compute-optimal line of {short(law)}" if law else ""
    if len(report.jobs) != 1 or not groups:
        return (
            f"The {listing.plural(len(report.jobs), 'job')} in the plane of parameters N and training tokens D, both logarithmic{beside}."
        )
    job = report.jobs[0]
    outlook = job.run.outlooks.get(job.run.judge)
    stands = f": its D/N is {format_ratio(outlook.multiple)} times the optimum at its compute" if outlook else ""
    return f"This run in the plane of parameters N and training tokens D, both logarithmic{beside}{stands}."


def _table(report: Report, groups: Sequence[_Group], laws: Mapping[str, Law]) -> Table:
    shared = listing.shared_overrides(report.jobs)
    rows = [_row_of(_label(group, report, shared, 90), group) for group in groups[:MOST_POINTS]]
    if len(groups) == 1:
        rows += [_row(f"{point.label}, compute-optimal", point.params, point.tokens) for point in _remedies(groups[0], labelled=True)]
        outlooks = groups[0].jobs[0].run.outlooks
        rows += [_row(f"optimum of {short(name)}", *_optimum(outlooks[name])) for name in laws if name in outlooks]
    return Table(head=_HEAD, rows=tuple(rows), words=(0, 5, 6))


def _optimum(outlook: Outlook) -> tuple[float, float]:
    return outlook.optimal_params, outlook.optimal_tokens


def _row_of(what: str, group: _Group) -> tuple[str, ...]:
    job = group.jobs[0]
    what, params, tokens, ratio, flops, *_ = _row(what, group.params, group.tokens)
    bound = "<=" if job.run.reading.plan.tokens_status == "upper_bound" and group.tokens is not None else ""
    shown = [text if text in ("-", "unknown") else f"{bound}{text}" for text in (tokens, ratio, flops)]
    return (what, params, *shown, listing.word(group.verdict), clean(optimal_range(job.run)) or "-")


def _row(what: str, params: float | None, tokens: float | None) -> tuple[str, ...]:
    known = params is not None and tokens is not None
    ratio, flops = ((tokens or 0) / (params or 1), 6 * (params or 0) * (tokens or 0))
    figures = (format_ratio(ratio), format_scientific(flops)) if known else ("-", "unknown")
    return (what, format_count(params), format_count(tokens), *figures, "-", "-")


def _counted(job: Job) -> str:
    """Return in words which parameters the N is where a job stands; empty where it is unknown."""
    outlook, account = job.run.outlooks.get(job.run.judge), job.run.account
    if outlook is not None and outlook.params_convention.strip():  # a report that was written by hand may say none
        *marks, name = outlook.params_convention.split()
        return f"{short(' '.join([*marks, COUNTED_AS.get(name, name)]))} parameters, as {short(outlook.law)} counts them"
    if active_or_total(account) is None:
        return ""
    return "all parameters" if account.active_params in (None, account.total_params) else "the parameters that a token meets"


def _notes(report: Report, groups: Sequence[_Group], laws: Mapping[str, Law], num_left_out: int) -> list[str]:
    if not groups:
        return ["Nothing is drawn: of no job are N or D known, within what can be drawn."]
    counted = "; ".join(dict.fromkeys(text for job in report.jobs if (text := _counted(job))))
    notes = [f"N on the axis: {counted}."] if counted else []
    if len(laws) > 1:
        notes.append(f"Each law's line is in its own N: {', '.join(map(short, laws))}.")
    if not laws:
        notes.append("No law was compared with, so none is drawn.")
    statuses = {job.run.reading.plan.tokens_status for job in report.jobs}
    if "upper_bound" in statuses:
        notes.append("D is at most what is drawn where the config tells only an upper bound.")
    if "per_device" in statuses:
        notes.append("D is unknown where the config tells only that of one device, and not of how many.")
    if any((group.params is None) is not (group.tokens is None) for group in groups):
        notes.append("Where only one of N and D is known, a dashed line stands at it.")
    if num_left_out:
        notes.append(f"{listing.plural(num_left_out, 'job')} left out: neither N nor D is known, or one is beyond any scale.")
    if len(groups) > MOST_POINTS:
        notes.append(f"{MOST_POINTS} of {len(groups):,} places are drawn, the worst verdicts first.")
    if laws and all(math.isfinite(job.run.outlooks[name].extrapolated) for job in report.jobs for name in job.run.outlooks):
        beyond = max(
            (job.run.outlooks[job.run.judge].extrapolated for job in report.jobs if job.run.judge in job.run.outlooks), default=1.0
        )
        if beyond > 1:
            notes.append(f"Outside the shaded range the judging law is extrapolated, here by up to {format_ratio(beyond)}x.")
    return notes
