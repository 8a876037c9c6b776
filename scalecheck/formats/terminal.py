"""The report as text for a terminal: one line when all is well; otherwise what, against what, where, and what to type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scalecheck.facts import Finding, Job, Origin, Report
from scalecheck.units import format_count, format_flops, format_ratio

_COLORS = {"error": "31", "stop": "31", "warning": "33", "warn": "33", "pass": "32"}
SHOWN_JOBS = 40
NEAR = 3.0
"""Within a factor 3 of the optimum, about 10 % of the compute or less is lost, under any of the shipped loss surfaces."""


def render(report: Report, *, color: bool = False) -> str:
    """Return the report as text, ending with a newline; ``color`` adds ANSI colours to the severities and verdicts."""
    paint = _painted if color else (lambda word: word)
    lines = list(_sweep(report, paint)) if len(report.jobs) != 1 or report.findings else list(_single(report.jobs[0], paint))
    return "\n".join(lines) + "\n"


def _painted(word: str) -> str:
    return f"\x1b[{_COLORS[word]}m{word}\x1b[0m" if word in _COLORS else word


def _single(job: Job, paint: object) -> Iterator[str]:
    assumed = [finding for finding in job.findings if finding.rule == "assumed_values"]
    rest = [finding for finding in job.findings if finding.rule != "assumed_values"]
    suffix = ""
    if assumed and not rest:
        names = ", ".join(name for name, origin in job.run.reading.origins.items() if origin.assumed)
        suffix, assumed = f" (assumed: {names})", []
    word = "no verdict" if job.verdict == "silent" else job.verdict
    yield f"scalecheck: {paint(word)}: {summary(job)}{suffix}"  # type: ignore[operator]
    for finding in [*rest, *assumed]:
        yield from _finding(finding, paint)


def summary(job: Job) -> str:
    """Return N, D, tokens per parameter, C and the verdict in words, on one line."""
    account, plan = job.run.account, job.run.reading.plan
    bound = {"upper_bound": "at most ", "assumed": "", "per_device": ""}.get(plan.tokens_status, "")
    per_device = " per device" if plan.tokens_status == "per_device" else ""
    ratio = f" ({format_ratio(account.tokens_per_parameter)} per parameter)" if account.tokens_per_parameter is not None else ""
    tokens = (
        "D unknown" if account.training_tokens is None else f"D {bound}{format_count(account.training_tokens)} tokens{per_device}{ratio}"
    )
    params = "N unknown" if account.total_params is None else f"N {format_count(account.total_params)} params"
    if account.total_params is None and account.non_embedding_params is not None:
        params = f"N unknown (without embeddings {format_count(account.non_embedding_params)})"
    flops = "C unknown" if account.training_flops is None else f"C {format_flops(account.training_flops)}"
    return f"{params}, {tokens}, {flops}: {standing(job)}"


def standing(job: Job) -> str:
    """Say where the run stands against the judging law."""
    plan, outlook = job.run.reading.plan, job.run.outlooks.get(job.run.judge)
    if plan.intent_reason:
        return f"no scaling law is applied ({_clean(plan.intent_reason)}); budgets are checked"
    if outlook is None:
        return "not compared with a scaling law"
    times = f"x{format_ratio(outlook.multiple)} of {outlook.law}"
    if outlook.multiple < 1 / NEAR:
        return f"under-trained ({times})"
    if outlook.multiple <= NEAR:
        return f"near compute-optimal ({times})"
    return f"over-trained relative to training compute only ({times}); common where a model will be served"


def _finding(finding: Finding, paint: object, prefix: str = "") -> Iterator[str]:
    place = where(finding.origin)
    severity = paint(finding.severity or "note")  # type: ignore[operator]
    yield f"{prefix}{f'{place}: ' if place else ''}{severity}: {_clean(finding.message)} [{finding.rule}]"
    typed = [" ".join(remedy.overrides) for remedy in finding.remedies]
    width = max((len(text) for text in typed), default=0)
    for number, (text, remedy) in enumerate(zip(typed, finding.remedies, strict=True)):
        lead = "try:" if number == 0 else "or: "
        yield f"  {lead} {_clean(text):<{width}}  {_clean(remedy.effect)}".rstrip() if text else f"  {lead} {_clean(remedy.effect)}"


def where(origin: Origin) -> str:
    """Return ``file:line``, the override as typed, or the key."""
    if origin.file:
        return f"{_clean(origin.file)}:{origin.line}"
    if origin.override:
        return f"override {_clean(origin.override)}"
    return _clean(origin.key or "")


def _sweep(report: Report, paint: object) -> Iterator[str]:
    jobs = report.jobs
    yield f"scalecheck: {paint(report.verdict)}: {len(jobs)} jobs checked before the first is launched"  # type: ignore[operator]
    chosen = jobs if len(jobs) <= SHOWN_JOBS else [job for job in jobs if job.verdict not in ("pass", "silent")]
    yield from _table(chosen[:SHOWN_JOBS], jobs)
    if len(chosen[:SHOWN_JOBS]) < len(jobs):
        yield f"... {len(jobs) - len(chosen[:SHOWN_JOBS])} more jobs not shown"
    for finding in report.findings:
        yield from _finding(finding, paint, "all jobs: ")
    yield from _folded(jobs, paint)


def _folded(jobs: Sequence[Job], paint: object) -> Iterator[str]:
    """Yield findings once, with the jobs that they are about."""
    about: dict[Finding, list[Job]] = {}
    for job in jobs:
        for finding in job.findings:
            about.setdefault(finding, []).append(job)
    for finding, owners in about.items():
        first = f"job {owners[0].name} ({_overrides(owners[0], _shared(jobs))})"
        more = f" and {len(owners) - 1} more" if len(owners) > 1 else ""
        yield from _finding(finding, paint, "all jobs: " if len(owners) == len(jobs) > 1 else f"{first}{more}: ")


def _table(shown: Sequence[Job], jobs: Sequence[Job]) -> Iterator[str]:
    shared = _shared(jobs)
    head = ("job", "overrides", "N", "D", "D/N", "multiple", "C", "verdict")
    rows = [head, *(_row(job, shared) for job in shown), _totals(jobs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(width) if column in (1, 7) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _shared(jobs: Sequence[Job]) -> frozenset[str]:
    return frozenset.intersection(*(frozenset(job.overrides) for job in jobs)) if len(jobs) > 1 else frozenset()


def _row(job: Job, shared: frozenset[str]) -> tuple[str, ...]:
    account, outlook = job.run.account, job.run.outlooks.get(job.run.judge)
    ratio = account.tokens_per_parameter
    return (
        job.name,
        _overrides(job, shared),
        format_count(account.total_params) if account.total_params is not None else "unknown",
        format_count(account.training_tokens) if account.training_tokens is not None else "unknown",
        "-" if ratio is None else format_ratio(ratio),
        "-" if outlook is None else f"x{format_ratio(outlook.multiple)}",
        "unknown" if account.training_flops is None else format_flops(account.training_flops).removesuffix(" FLOPs"),
        job.verdict,
    )


def _totals(jobs: Sequence[Job]) -> tuple[str, ...]:
    tokens = [job.run.account.training_tokens for job in jobs]
    flops = [job.run.account.training_flops for job in jobs]
    unknown = sum(value is None for value in flops)
    note = f"total ({unknown} unknown)" if unknown else "total"
    total = format_flops(sum(value or 0 for value in flops))
    return ("", note, "", format_count(sum(value or 0 for value in tokens)), "", "", total.removesuffix(" FLOPs"), f"C = {total}")


def _overrides(job: Job, shared: frozenset[str] = frozenset()) -> str:
    """Return what was typed for a job, without what all jobs of the sweep share."""
    text = _clean(" ".join(text for text in job.overrides if text not in shared))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _clean(text: str) -> str:
    """Escape control characters, so that config text cannot forge lines or colours."""
    escaped = "".join(character if character.isprintable() else character.encode("unicode_escape").decode() for character in text)
    return escaped if len(escaped) <= 600 else f"{escaped[:597]}..."
