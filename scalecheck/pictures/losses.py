"""The laws' picture: predicted loss against C, N and D, the runs on it, and what 2, 10 and 100 times the compute would buy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from scalecheck import listing, registry
from scalecheck.drawing import curves
from scalecheck.drawing.curves import LossScene, Spot
from scalecheck.drawing.scene import Picture, Table
from scalecheck.drawing.words import short
from scalecheck.facts import Job, Outlook, Report
from scalecheck.forms import LossSurface
from scalecheck.law_words import LOSS_LAW
from scalecheck.text import clean
from scalecheck.units import format_count, format_ratio, format_scientific

ORDER = 20
MULTIPLES = (1, 2, 10, 100)
MOST_RUNS = 500
GUESS = math.log(50_000)
"""Nats per token of a uniform guess over a vocabulary of usual size."""
_LARGEST = 1e300
_HEAD = ("run", "C (FLOPs)", "N", "D (tokens)", "loss (nats per token)", "gain")
_TITLE = "Predicted loss against compute, parameters and tokens"


def picture(report: Report) -> Picture:
    """Return the picture of a report under the judging law, or, where that has no loss, under the one that tells losses."""
    law = _law(report)
    groups = {} if law is None else _groups(report, law)
    if law is None or not groups:
        why = f"Nothing is drawn: {_why_not(report)}."
        return Picture(name="losses", title=_TITLE, description="", table=Table(head=_HEAD, rows=()), draw=None, notes=(why,))
    made = scene(report, law, groups)
    return Picture(
        name="losses",
        title=_TITLE,
        description=_description(made, len(report.jobs)),
        table=Table(head=_HEAD, rows=tuple(_rows(made))),
        draw=partial(curves.draw, made),
        notes=tuple(_notes(report, law, made, groups)),
    )


Key = tuple[float, float, str]
Groups = dict[Key, list[Job]]


def scene(report: Report, law: LossSurface, groups: Groups) -> LossScene:
    """Return what is drawn: each distinct run once, by verdict, and the multiples of the largest one's compute."""
    shared, single = listing.shared_overrides(report.jobs), len(report.jobs) == 1
    runs = []
    for (params, tokens, verdict), jobs in list(groups.items())[:MOST_RUNS]:
        name = "this run" if single else f"{short(listing.who(jobs, report, shared))}, {verdict}"
        title = f"{name}\n{_figures(law, params, tokens)}"
        label = "this run" if single else ""
        runs.append(Spot(params=params, tokens=tokens, role=verdict, label=label, title=title))
    base = max(runs, key=lambda spot: spot.flops)
    whose = "this run's" if single else "the runs'" if len(runs) == 1 else "the largest run's"
    return LossScene(law=law, runs=tuple(runs), base=base, bought=_bought(law, base, whose), whose=whose)


def _bought(law: LossSurface, base: Spot, whose: str) -> tuple[Spot, ...]:
    """Return the compute-optimal splits of multiples of a run's C = 6ND; none where one leaves the range of a float."""
    made = []
    for multiple in MULTIPLES:
        try:
            best = law.optimum(base.flops * multiple)
        except (ArithmeticError, ValueError):
            return ()
        words = f"{multiple}x {whose} compute, compute-optimal\n{_figures(law, best.params, best.tokens)}"
        made.append(Spot(params=best.params, tokens=best.tokens, role="law", label=f"{multiple}x", title=words))
    return tuple(made) if all(_is_drawable(law, spot.params, spot.tokens) for spot in made) else ()


def _law(report: Report) -> LossSurface | None:
    for job in report.jobs:
        for name in (job.run.judge, LOSS_LAW, *job.run.outlooks):
            law = _named(name, report) if name in job.run.outlooks else None
            if law is not None:
                return law
    return None


def _named(name: str, report: Report) -> LossSurface | None:
    law = report.own_laws.get(name)
    if law is None and name in registry.names("laws"):
        law = registry.load("laws", name).LAW
    return law if isinstance(law, LossSurface) else None


def _groups(report: Report, law: LossSurface) -> Groups:
    """Return the jobs of each distinct N, D and verdict; those that the law says nothing of are in none."""
    made: Groups = {}
    for job in report.jobs:
        outlook, tokens = job.run.outlooks.get(law.name), job.run.account.training_tokens
        if outlook is None or tokens is None or not 0 < tokens <= _LARGEST or not 0 < outlook.params <= _LARGEST:
            continue
        key = (float(outlook.params), float(tokens), job.verdict)
        if _is_drawable(law, key[0], key[1]):
            made.setdefault(key, []).append(job)
    return made


def _is_drawable(law: LossSurface, params: float, tokens: float) -> bool:
    values = (params, tokens, 6 * params * tokens, curves.above_floor(law, params, tokens))
    return all(math.isfinite(value) and 0 < value <= _LARGEST for value in values)


def _why_not(report: Report) -> str:
    if not report.jobs:
        return "no job was checked"
    run = report.jobs[0].run
    whose = "" if len(report.jobs) == 1 else " of the first job"
    if run.account.training_tokens is None:
        return f"no law predicts a loss, as the training tokens{whose} are unknown"
    if run.account.total_params is None:
        return f"no law predicts a loss, as the parameters{whose} are unknown"
    if run.reading.plan.intent_reason and not run.outlooks:
        return f"no scaling law is applied ({clean(run.reading.plan.intent_reason)})"
    if run.outlooks:
        return f"no law that was asked has a loss for these runs ({short(', '.join(run.outlooks))})"
    return "no law was compared with these runs"


def _description(made: LossScene, num_jobs: int) -> str:
    base, law = made.base, made.law
    who = "this run" if num_jobs == 1 else f"the largest of {num_jobs:,} jobs"
    told = f"{law.name} predicts a loss of {_loss(law, base):.3f} nats per token for {who}, at C {format_scientific(base.flops)} FLOPs"
    bought = [f"{spot.label} {_loss(law, spot):.3f}" for spot in made.bought]
    return f"{told}; compute-optimal, by multiple of that compute: {', '.join(bought)}." if bought else f"{told}."


def _rows(made: LossScene) -> list[tuple[str, ...]]:
    from_run = _loss(made.law, made.base)
    rows = [(spot.title.split("\n")[0], *_cells(made.law, spot), "") for spot in made.runs]
    return rows + [(spot.title.split("\n")[0], *_cells(made.law, spot), f"{from_run - _loss(made.law, spot):.3f}") for spot in made.bought]


def _cells(law: LossSurface, spot: Spot) -> tuple[str, ...]:
    return format_scientific(spot.flops), format_count(spot.params), format_count(spot.tokens), f"{_loss(law, spot):.3f}"


def _loss(law: LossSurface, spot: Spot) -> float:
    return law.loss(spot.params, spot.tokens)


def _figures(law: LossSurface, params: float, tokens: float) -> str:
    loss = law.loss(params, tokens)
    flops = format_scientific(6 * params * tokens)
    return f"N {format_count(params)}, D {format_count(tokens)}, C {flops} FLOPs\npredicted loss {loss:.3f} nats per token"


def _notes(report: Report, law: LossSurface, made: LossScene, groups: Groups) -> list[str]:
    drawn = [job for jobs in list(groups.values())[:MOST_RUNS] for job in jobs]
    notes = [
        (
            f"The losses are of {law.name}'s own corpus and tokenizer ({short(law.data, 160)}), in nats per token: "
            "a run on other data, or with another tokenizer, has another loss."
        ),
        (
            f"The vertical axis is logarithmic in L - E, where E = {law.E:.4g} is the loss that no compute removes under this law; "
            "its power laws are straight lines there."
        ),
    ]
    judges = {job.run.judge for job in drawn if job.run.judge and job.run.judge != law.name}
    notes += [f"{short(', '.join(sorted(judges)))} judges and has no loss of its own; {law.name} tells it."] if judges else []
    notes += _of_outlooks([job.run.outlooks[law.name] for job in drawn], law)
    if any(job.run.reading.plan.tokens_status == "upper_bound" for job in drawn):
        notes.append("D is at most what is drawn where the config tells an upper bound only: such a run's loss is at least that.")
    if _loss(law, made.base) > GUESS:
        notes.append(f"A loss above {GUESS:.1f} is worse than a blind guess among 50,000 tokens: so far out the law says nothing.")
    num_left_out = len(report.jobs) - sum(len(jobs) for jobs in groups.values())
    if num_left_out:
        notes.append(f"{listing.plural(num_left_out, 'job')} left out: no figures that {law.name} has a loss for.")
    if len(groups) > MOST_RUNS:
        notes.append(f"The first {MOST_RUNS} of {len(groups):,} different runs are drawn.")
    notes += [] if made.bought else ["What more compute would buy is left out: it lies beyond the range of a float."]
    return notes


def _of_outlooks(outlooks: Sequence[Outlook], law: LossSurface) -> list[str]:
    notes = []
    conventions = dict.fromkeys(outlook.params_convention for outlook in outlooks if outlook.params_convention != "total")
    if conventions:
        notes.append(f"N is counted as {law.name} counts it: {short(', '.join(clean(name) for name in conventions))} parameters.")
    beyond = [outlook.extrapolated for outlook in outlooks if outlook.extrapolated > 1]
    if beyond:
        who = "This run is" if len(outlooks) == 1 else f"{len(beyond):,} of {len(outlooks):,} jobs are"
        factor = format_ratio(max(beyond))
        notes.append(f"{who} extrapolated, by up to {factor}x outside the range that {law.name} was fitted on (dashed, unshaded).")
    repeated = [outlook for outlook in outlooks if outlook.effective_loss is not None]
    if repeated:
        notes.append(f"Every token counts as new here; with repeats worth less, the loss is {repeated[0].effective_loss:.3f} ({law.name}).")
    return notes
