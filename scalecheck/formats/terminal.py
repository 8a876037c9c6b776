"""The report as text for a terminal: one line when all is well; otherwise what, against what, where, and what to type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from scalecheck import listing
from scalecheck.facts import Account, Counted, Finding, Job, Report
from scalecheck.text import clean, columns_of, padded, table, where
from scalecheck.units import format_count, format_flops, format_ratio, format_scientific

Paint = Callable[[str], str]
_COLORS = {"error": "31", "stop": "31", "dropped": "31", "warning": "33", "warn": "33", "pass": "32"}
_SEVERITIES = ("error", "warning", "note")
_HEAD = ("job", "overrides", "N params", "D tokens", "D/N", "multiple", "C FLOPs", "verdict")
_LEFT_ALIGNED = ("overrides", "verdict")
SHOWN_JOBS = 40
SHOWN_FINDINGS = 40
NEAR = 3.0
"""Within a factor 3 of the optimum, about 10 % of the compute or less is lost, under any of the shipped loss surfaces."""


def render(report: Report, *, color: bool = False) -> str:
    """Return the report as text, ending with a newline; ``color`` adds ANSI colours to the severities and verdicts."""
    paint = _painted if color else str
    single = len(report.jobs) == 1 and not report.findings
    lines = [*(_single(report.jobs[0], paint) if single else _sweep(report, paint)), *_waived(report)]
    return "\n".join(_inert(line) for item in lines for line in item.split("\n")) + "\n"


def render_count(counted: Counted, *, color: bool = False) -> str:
    """Return a ledger as text, ending with a newline."""
    from scalecheck import ledger_text

    return "\n".join(ledger_text.lines(counted, _painted if color else str)) + "\n"


def _inert(line: str) -> str:
    """Return a line that starts no command of GitHub Actions, whose runner reads logs: ``::`` at a line's start, ``##[`` anywhere."""
    line = line.replace("##[", "# #[") if "##[" in line else line
    return line.replace("::", ": :", 1) if line.lstrip().startswith("::") else line


def _painted(word: str) -> str:
    return f"\x1b[{_COLORS[word]}m{word}\x1b[0m" if word in _COLORS else word


def _single(job: Job, paint: Paint) -> Iterator[str]:
    # An assumption that the policy made a warning or an error is a finding like any other.
    counted = [finding for finding in job.findings if finding.waived is None]
    assumed = [finding for finding in counted if finding.rule == "assumed_values" and finding.severity in (None, "note")]
    rest = [finding for finding in counted if finding not in assumed]
    suffix = ""
    if assumed and not rest:
        names = ", ".join(name for name, origin in job.run.reading.origins.items() if origin.assumed)
        suffix, assumed = f" (assumed: {clean(names)})", []
    yield f"scalecheck: {paint(listing.word(job.verdict))}: {summary(job)}{suffix}"
    if job.run.expense is not None:
        from scalecheck import expense_text

        # Escaped clause by clause: a whole one is never cut, and a price's source is the user's own text.
        yield f"  takes {'; '.join(map(clean, expense_text.sentence(job.run.expense).split('; ')))}"
    for finding in [*rest, *assumed]:
        yield from _finding(finding, paint)


def summary(job: Job) -> str:
    """Return N, D, tokens per parameter, C and the verdict in words, on one line."""
    account = job.run.account
    bound = "at most " if job.run.reading.plan.tokens_status == "upper_bound" else ""
    params = "N unknown" if account.total_params is None else f"N {format_count(account.total_params)} params{_active(account)}"
    if account.total_params is None and account.non_embedding_params is not None:
        params = f"N unknown (without embeddings {format_count(account.non_embedding_params)})"
    flops = "C unknown" if account.training_flops is None else f"C {bound}{format_flops(account.training_flops)}"
    return f"{params}, {_tokens(job, bound)}, {flops}: {standing(job)}"


def _active(account: Account) -> str:
    is_sparse = account.active_params is not None and account.active_params != account.total_params
    return f" ({format_count(account.active_params)} active)" if is_sparse else ""


def _tokens(job: Job, bound: str) -> str:
    account, plan = job.run.account, job.run.reading.plan
    if account.training_tokens is not None:
        ratio = ""
        if account.tokens_per_parameter is not None:
            per = (account.active_params, "active parameter") if _active(account) else (account.total_params, "parameter")
            ratio = f" ({format_ratio(account.training_tokens / (per[0] or 1))} per {per[1]})"
        return f"D {bound}{format_count(account.training_tokens)} tokens{ratio}"
    if plan.tokens_status == "per_device" and plan.training_tokens is not None:
        return f"D {format_count(plan.training_tokens)} tokens per device"
    return "D unknown"


def standing(job: Job) -> str:
    """Say where the run stands against the judging law."""
    plan, outlook = job.run.reading.plan, job.run.outlooks.get(job.run.judge)
    if plan.intent_reason:
        return f"no scaling law is applied ({clean(plan.intent_reason)}); budgets are checked"
    if outlook is None:
        return "not compared with a scaling law"
    times = f"x{format_ratio(outlook.multiple)} of {outlook.law}"
    if job.run.account.total_params is None:
        under = outlook.multiple < 1 / NEAR
        return f"under-trained (at most {times})" if under else "not compared with a scaling law, as the vocabulary is unknown"
    if outlook.multiple < 1 / NEAR:
        return f"under-trained ({'at most ' if plan.tokens_status == 'upper_bound' else ''}{times})"
    if plan.tokens_status == "upper_bound":
        return f"at most {times}, as D is at most that"
    if outlook.multiple <= NEAR:
        return f"near compute-optimal ({times})"
    return f"over-trained relative to training compute only ({times})"


def _finding(finding: Finding, paint: Paint, prefix: str = "") -> Iterator[str]:
    place, severity = where(finding.origin), paint(finding.severity or "note")
    text = f"{prefix}{f'{place}: ' if place else ''}"
    yield f"{text}{severity}: {clean(finding.message)} [{finding.rule}]"
    typed = [clean(" ".join(remedy.overrides)) for remedy in finding.remedies]
    width = max((columns_of(text) for text in typed), default=0)
    for number, (text, remedy) in enumerate(zip(typed, finding.remedies, strict=True)):
        lead, effect = "try:" if number == 0 else "or: ", clean(remedy.effect)
        yield f"  {lead} {padded(text, width)}  {effect}".rstrip() if text else f"  {lead} {effect}"


def _sweep(report: Report, paint: Paint) -> Iterator[str]:
    jobs, shared = report.jobs, listing.shared_overrides(report.jobs)
    num_waived = sum(finding.waived is not None for finding in _findings(report))
    suffix = f", {listing.plural(num_waived, 'finding')} waived" if num_waived else ""
    yield f"scalecheck: {paint(listing.word(report.verdict))}: {len(jobs)} jobs checked before the first is launched{suffix}"
    chosen = list(jobs)
    most = len(jobs) if report.mode == "plan" else SHOWN_JOBS
    if len(jobs) > most:
        chosen = listing.worst_first(job for job in jobs if job.verdict != "pass")
    dropped = _dropped(report)
    launched = [job for job in jobs if job.name not in dropped]
    totals = _totals(launched, " of those launched" if dropped else "")
    yield from _table([_row(job, shared, is_dropped=job.name in dropped) for job in chosen[:most]], totals, paint)
    if len(chosen) < len(jobs):
        yield f"... {len(jobs) - len(chosen)} passing jobs not shown"
    if len(chosen) > most:
        yield f"... {len(chosen) - most} more jobs that do not pass not shown"
    for finding in report.findings:
        if finding.waived is None:
            yield from _finding(finding, paint, "all jobs: ")
    yield from _folded(jobs, shared, paint)


def _dropped(report: Report) -> frozenset[str]:
    """Return the names of the jobs that are left out of a sweep that goes on without them."""
    is_over = any(finding.severity == "error" and finding.waived is None for finding in report.findings)
    drops = report.on_reject == "drop" and report.mode in ("stop", "plan") and not is_over
    return frozenset(job.name for job in report.jobs if drops and job.verdict == "stop")


def _findings(report: Report) -> Iterator[Finding]:
    yield from report.findings
    for job in report.jobs:
        yield from job.findings


def _folded(jobs: Sequence[Job], shared: frozenset[str], paint: Paint) -> Iterator[str]:
    """Yield findings once, with the jobs that they are about, errors first."""
    about: dict[Finding, list[Job]] = {}
    for job in jobs:
        for finding in job.findings:
            if finding.waived is None:
                about.setdefault(finding, []).append(job)
    ordered = sorted(about, key=lambda finding: _SEVERITIES.index(finding.severity or "note"))
    for finding in ordered[:SHOWN_FINDINGS]:
        owners = about[finding]
        yield from _finding(finding, paint, "all jobs: " if len(owners) == len(jobs) > 1 else f"{_first(owners, shared)}: ")
    if len(ordered) > SHOWN_FINDINGS:
        yield f"... {len(ordered) - SHOWN_FINDINGS} more findings not shown; the json format has them all"


def _waived(report: Report) -> Iterator[str]:
    """Yield a line for each rule and reason: what is accepted on purpose is said, and counts for nothing."""
    about: dict[tuple[str, str], list[Job]] = {}
    for job in report.jobs:
        for finding in job.findings:
            if finding.waived is not None:
                owners = about.setdefault((finding.rule, finding.waived), [])
                owners += [] if owners and owners[-1] is job else [job]
    shared = listing.shared_overrides(report.jobs)
    lines = [f"all jobs: {finding.rule}: {clean(finding.waived)}" for finding in report.findings if finding.waived is not None]
    for (rule, reason), jobs in about.items():
        told = "" if len(report.jobs) == 1 else f"{'all jobs' if len(jobs) == len(report.jobs) else _first(jobs, shared)}: "
        lines.append(f"{told}{rule}: {clean(reason)}")
    yield from (f"waived: {line}" for line in lines[:SHOWN_FINDINGS])
    if len(lines) > SHOWN_FINDINGS:
        yield f"... {len(lines) - SHOWN_FINDINGS} more lines of waived findings not shown; the json format has them all"


def _first(jobs: Sequence[Job], shared: frozenset[str]) -> str:
    """Return the first of the jobs in words, and how many more there are."""
    typed = listing.overrides_text(jobs[0], shared)
    more = f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""
    return f"job {clean(jobs[0].name)}{f' ({typed})' if typed else ''}{more}"


def _table(rows: Sequence[tuple[str, ...]], totals: tuple[str, ...], paint: Paint) -> Iterator[str]:
    lines = [_HEAD, *rows, totals]
    left_aligned = [number for number, name in enumerate(_HEAD[:-1]) if name in _LEFT_ALIGNED]
    for cells, line in zip(table([line[:-1] for line in lines], left_aligned), lines, strict=True):
        yield "  ".join([*cells, paint(line[-1])]).rstrip()


def _row(job: Job, shared: frozenset[str], *, is_dropped: bool) -> tuple[str, ...]:
    told = "dropped" if is_dropped else listing.word(job.verdict)
    return (clean(job.name), listing.overrides_text(job, shared), *listing.figures(job).values(), told)


def _totals(jobs: Sequence[Job], of: str = "") -> tuple[str, ...]:
    """Return the last row: sums over what is known, and of how many jobs it is not."""
    tokens = [job.run.account.training_tokens for job in jobs]
    flops = [job.run.account.training_flops for job in jobs]
    missing = [f"{name} of {values.count(None)}" for name, values in (("D", tokens), ("C", flops)) if None in values]
    unknown = f" ({', '.join(missing)} unknown)" if missing else ""
    note = f"total{of}{unknown}"
    at_most = not missing and any(job.run.reading.plan.tokens_status == "upper_bound" for job in jobs)
    return ("", note, "", _sum(tokens, format_count, at_most), "", "", _sum(flops, format_scientific, at_most), "")


def _sum(values: Sequence[int | None], shown: Callable[[float], str], at_most: bool) -> str:
    known = [value for value in values if value is not None]
    return f"{'<=' if at_most else ''}{shown(sum(known))}" if known else "unknown"
