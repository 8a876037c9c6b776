"""What stands on a page, in order, as values that a template fills in: the verdict first, then pictures, findings, numbers and sources."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from scalecheck import expense_text, listing
from scalecheck.drawing.canvas import SIZES, WIDE
from scalecheck.drawing.scene import Picture
from scalecheck.facts import Job, Report, Verdict
from scalecheck.law_words import COUNTED_AS
from scalecheck.page import drawings, findings, jobs, numbers, sources, template
from scalecheck.text import clean
from scalecheck.units import format_count, format_flops, format_ratio

WORDS: Mapping[str, str] = {"pass": "Pass", "warn": "Warning", "stop": "Stop", "silent": "No verdict"}
_SWEEP_WORDS: Mapping[Verdict, str] = {"stop": "stopped", "warn": "with warnings", "silent": "without a verdict", "pass": "passing"}
_NO_SECTIONS: Mapping[str, Any] = {
    "figures": (), "about": (), "verdict": "", "word": "", "is_report": False, "findings": None, "waived": None,
    "jobs": None, "numbers": (), "num_numbers_left_out": 0, "unknowns": None,
    "laws": (), "known_runs": (),
}  # fmt: skip


def of_report(report: Report) -> dict[str, Any]:
    """Return the values of a report's page."""
    template.check_installed()
    shared = listing.shared_overrides(report.jobs)
    told, waived = findings.of_report(report, shared)
    detailed = numbers.of_report(report, shared)
    return {
        **_NO_SECTIONS,
        "is_report": True,
        "title": f"scalecheck: {WORDS[report.verdict]}",
        "word": WORDS[report.verdict] if report.jobs else "",
        "verdict": report.verdict,
        "heading": sentence(report),
        "lead": f"{listing.sentence(report)}.",
        "figures": _figures(report),
        "pictures": drawings.shown(drawings.of_report(report), SIZES),
        "findings": told,
        "waived": waived,
        "jobs": jobs.of_report(report, shared) if len(report.jobs) > 1 else None,
        "numbers": detailed,
        "num_numbers_left_out": len(report.jobs) - len(detailed),
        "unknowns": numbers.unknowns(report, shared),
        "laws": sources.laws_of(report),
        "known_runs": sources.known(),
    }


def of_pictures(title: str, lead: str, pictures: Sequence[Picture], about: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the values of a page of pictures alone."""
    template.check_installed()
    made = {"title": title, "heading": title, "lead": lead, "about": tuple(about)}
    return {**_NO_SECTIONS, **made, "pictures": drawings.shown(pictures, SIZES)}


def of_fragment(pictures: Sequence[Picture], lead: str) -> dict[str, Any]:
    """Return the values of a notebook's piece; ids hold a digest of what is shown, as a notebook may show many."""
    template.check_installed()
    seen = repr([lead, *((picture.name, picture.description, picture.table) for picture in pictures)])
    digest = hashlib.sha256(seen.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return {"lead": lead, "pictures": drawings.shown(pictures, [WIDE], f"-{digest}")}


def sentence(report: Report) -> str:
    """Return the verdict in one sentence, without its word."""
    if len(report.jobs) == 1:
        about = f", and {listing.plural(len(report.findings), 'finding')} about the launch" if report.findings else ""
        return f"{_of_job(report.jobs[0])}{about}."
    if not report.jobs:
        return "No job was checked."
    counts = Counter(job.verdict for job in report.jobs)
    told = ", ".join(f"{counts[verdict]:,} {words}" for verdict, words in _SWEEP_WORDS.items() if counts[verdict])
    about = f"; {listing.plural(len(report.findings), 'finding')} about the sweep as a whole" if report.findings else ""
    return f"of {len(report.jobs):,} jobs, {told}{about}."


def _of_job(job: Job) -> str:
    account, plan, outlook = job.run.account, job.run.reading.plan, job.run.outlooks.get(job.run.judge)
    at_most = "at most " if plan.tokens_status == "upper_bound" else ""
    params = f"{format_count(account.total_params)} parameters" if account.total_params is not None else "an unknown number of parameters"
    if account.active_params is not None and account.active_params != account.total_params:
        params += f" ({format_count(account.active_params)} active)"
    tokens = f"{at_most}{format_count(account.training_tokens)} tokens" if account.training_tokens is not None else "unknown tokens"
    if plan.intent_reason:
        return f"{params} on {tokens}; no scaling law is applied ({clean(plan.intent_reason)})"
    if outlook is None:
        return f"{params} on {tokens}; not compared with a scaling law"
    bound = at_most or ("at most " if account.total_params is None else "")
    counted = COUNTED_AS.get(outlook.params_convention, "")
    per = f" ({counted} ones)" if counted not in ("", "total") else ""
    ratio = f"{bound}{format_ratio(outlook.multiple)} times the tokens per parameter{per} that {clean(outlook.law)} finds optimal"
    return f"{params} on {tokens}: {ratio} at this compute"


def _figures(report: Report) -> tuple[tuple[str, str], ...]:
    if len(report.jobs) == 1:
        job = report.jobs[0]
        found = {"Parameters N": "N params", "Training tokens D": "D tokens", "D/N": "D/N", "Of the optimal D/N": "multiple"}
        cells = listing.figures(job)
        flops = job.run.account.training_flops
        bound = "at most " if flops is not None and job.run.reading.plan.tokens_status == "upper_bound" else ""
        shown = [(name, cells[key]) for name, key in found.items()]
        shown.append(("Training FLOPs C", "unknown" if flops is None else f"{bound}{format_flops(flops)}"))
        return (*shown, *_expense(job))
    known = [job.run.account.training_flops for job in report.jobs]
    total = [value for value in known if value is not None]
    if not total:
        return ()
    unknown = f" (without {listing.plural(len(known) - len(total), 'job')} whose C is unknown)" if len(total) < len(known) else ""
    return (("Jobs", f"{len(known):,}"), ("Training FLOPs of all jobs", f"{format_flops(sum(total))}{unknown}"))


def _expense(job: Job) -> tuple[tuple[str, str], ...]:
    return (("Takes", clean(expense_text.sentence(job.run.expense))),) if job.run.expense is not None else ()
