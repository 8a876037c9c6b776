"""A comparison as text for a terminal, as Markdown for a comment, and as JSON. Nothing that changed beyond the threshold: no text."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from scalecheck import __version__
from scalecheck.comparing import FIGURES, SUMMED, Comparison, Increase, JobChange, Pair
from scalecheck.finding_changes import FindingChange, at_level
from scalecheck.formats.markdown import code
from scalecheck.formats.markdown import text as escaped
from scalecheck.listing import plural
from scalecheck.text import clean, table
from scalecheck.units import format_count, format_ratio, format_scientific
from scalecheck.values import dataclass

SCHEMA_VERSION = 1
MOST_ROWS = 50
MOST_FINDINGS = 50
_COLUMNS = {
    "N": "total_params",
    "D": "training_tokens",
    "C": "training_flops",
    "tokens/param": "tokens_per_parameter",
    "GPU-hours": "gpu_hours",
    "cost": "cost_usd",
}
_ONLY_IF_KNOWN = ("gpu_hours", "cost_usd")
_ROOM = 15_000
"""Characters for each list of a comment, which has at most 65,536 on GitHub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A comparison with what is said about it: the two sides by name, remarks on them, and what grew beyond its limit."""

    comparison: Comparison
    base: str
    head: str
    remarks: tuple[str, ...] = ()
    increases: tuple[Increase, ...] = ()
    fail_level: str = "error"

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing changes beyond the threshold; notes that come and go do not count unless they fail."""
        level = "note" if self.fail_level == "note" else "warning"
        findings = (*self.comparison.new, *self.comparison.fixed)
        return not self.increases and not any(at_level(findings, level)) and all(job.status == "unchanged" for job in self.comparison.jobs)


def sentence(compared: Compared) -> str:
    """Return in a sentence how many jobs change, what that makes in all, and how many findings are new and fixed."""
    found = compared.comparison
    changed, new, removed = (len(found.of(status)) for status in ("changed", "new", "removed"))
    counts = [f"{changed} of {plural(len(found.jobs) - new - removed, 'job')} changed"]
    counts += [f"{count} {word}" for count, word in ((new, "new"), (removed, "removed")) if count]
    parts = [", ".join(counts)]
    flops = found.totals["training_flops"]
    if not flops.stays_within(found.threshold.value):
        parts.append(f"training FLOPs in all {_change('training_flops', flops)}")
    parts += [f"{plural(len(compared.increases), 'increase')} beyond the limit"] * bool(compared.increases)
    came, went = (list(at_level(findings, "warning")) for findings in (found.new, found.fixed))
    parts += [f"{plural(len(came), 'new finding')}"] * bool(came) + [f"{len(went)} fixed"] * bool(went)
    return f"{compared.base} -> {compared.head}: {'; '.join(parts)}"


def terminal(compared: Compared) -> str:
    """Return text in columns for a terminal, ending with a newline; empty where nothing changes."""
    if compared.is_quiet:
        return ""
    found = compared.comparison
    lines = [f"scalecheck: {clean(sentence(compared))}", *(f"note: {clean(remark)}" for remark in compared.remarks)]
    head, *rows = _cells(compared, lambda job: clean(_label(job)))
    if len(rows) > 1:
        lines += ("  ".join(cells).rstrip() for cells in table([head, *rows], [0]))
    lines += _left_out(compared)
    lines += (f"error: {clean(_cut(one.job.label))}: {_increase(one)} [fail_on_increase]" for one in compared.increases)
    for word, findings in (("new ", found.new), ("fixed ", found.fixed)):
        told = list(at_level(findings, "warning"))
        lines += (line for finding in told[:MOST_FINDINGS] for line in _finding_lines(word, finding))
        lines += [f"... {plural(len(told) - MOST_FINDINGS, f'more {word}finding')} not shown"] * (len(told) > MOST_FINDINGS)
    return "\n".join(lines) + "\n"


def markdown(compared: Compared) -> str:
    """Return GitHub-flavoured Markdown; no text of a config is markup, a link or a mention in it. Empty where nothing changes."""
    if compared.is_quiet:
        return ""
    found = compared.comparison
    head, *rows = _cells(compared, lambda job: " ".join(filter(None, (code(_cut(job.label)), _mark(job)))))
    parts = [[f"**scalecheck: {_own(sentence(compared))}**"], [f"> {escaped(remark)}" for remark in compared.remarks]]
    if len(rows) > 1:
        lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
        parts.append([f"| {' | '.join(cells)} |" for cells in lines])
    parts.append([escaped(line) for line in _left_out(compared)])
    limits = (f"- **error** `fail_on_increase` · {code(_cut(one.job.label))}: {_own(_increase(one))}" for one in compared.increases)
    parts.append(_fitting(limits))
    parts.append(_fitting(map(_item, at_level(found.new, "warning"))))
    notes = [finding for finding in found.new if finding.severity == "note"]
    parts += [_folded(len(found.fixed), "fixed finding", found.fixed), _folded(len(notes), "new note", notes)]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def json_text(compared: Compared) -> str:
    """Return all of it as JSON, ending with a newline, also where nothing changes."""
    found = compared.comparison
    made = {
        "schema_version": SCHEMA_VERSION,
        "scalecheck_version": __version__,
        "base": compared.base,
        "head": compared.head,
        "remarks": list(compared.remarks),
        "threshold": found.threshold.text,
        "changed": not compared.is_quiet,
        "jobs": [_job(job) for job in found.jobs],
        "totals": {
            name: _pair(found.totals[name]) | dict(zip(("base_unknown", "head_unknown"), found.unknown[name], strict=True))
            for name in SUMMED
        },
        "increases": [
            {"job": one.job.label, "figure": one.figure, "limit": one.limit.text} | _pair(one.pair) for one in compared.increases
        ],
        "new_findings": [asdict(finding) for finding in found.new],
        "fixed_findings": [asdict(finding) for finding in found.fixed],
    }
    return json.dumps(made, indent=2, allow_nan=False) + "\n"


def _job(job: JobChange) -> dict[str, Any]:
    figures = {name: _pair(pair) for name, pair in job.figures.items()}
    return {"name": job.name, "config": job.config or None, "overrides": list(job.overrides), "status": job.status, "figures": figures}


def _pair(pair: Pair) -> dict[str, Any]:
    ratio = pair.ratio if pair.ratio is not None and math.isfinite(pair.ratio) else None
    return {"base": pair.base, "head": pair.head, "ratio": ratio}


def _cells(compared: Compared, named: Callable[[JobChange], str]) -> Iterator[list[str]]:
    """Yield the head, a row for each job that changes, the most first, and the totals."""
    found = compared.comparison
    columns = {
        head: name
        for head, name in _COLUMNS.items()
        if name not in _ONLY_IF_KNOWN or any((job.figures[name].base, job.figures[name].head) != (None, None) for job in found.jobs)
    }
    yield ["Job", *columns]
    ordered = _ordered(compared)
    for job in ordered[:MOST_ROWS]:
        yield [named(job), *(_cell(job, name, found.threshold.value) for name in columns.values())]
    if ordered:
        before, after = len(found.jobs) - len(found.of("new")), len(found.jobs) - len(found.of("removed"))
        count = plural(after, "job") if before == after else f"{before} -> {plural(after, 'job')}"
        yield [f"all {count}", *(_total(found, name) for name in columns.values())]


def _ordered(compared: Compared) -> list[JobChange]:
    beyond = {id(one.job) for one in compared.increases}

    def rank(job: JobChange) -> tuple[bool, int, float]:
        ratio = job.figures["training_flops"].ratio
        by = math.inf if ratio in (None, 0) else abs(math.log(ratio or 1))
        return (id(job) not in beyond, ("changed", "new", "removed", "unchanged").index(job.status), -by)

    return sorted((job for job in compared.comparison.jobs if job.status != "unchanged" or id(job) in beyond), key=rank)


def _left_out(compared: Compared) -> list[str]:
    """Say what the table does not show."""
    found, lines = compared.comparison, []
    hidden, same = len(_ordered(compared)) - MOST_ROWS, len(found.of("unchanged"))
    if hidden > 0:
        lines.append(f"{plural(hidden, 'more job')} with smaller changes not shown; the json format has all")
    if same:
        lines.append(f"{plural(same, 'job')} unchanged (within {found.threshold.text})")
    unknown = [
        f"{name} of {after}" for name, key in (("D", "training_tokens"), ("C", "training_flops")) if (after := found.unknown[key][1])
    ]
    if unknown:
        lines.append(f"not in the totals, as they are unknown: {', '.join(unknown)} jobs")
    return lines


def _cut(label: str) -> str:
    return label if len(label) <= 80 else f"{label[:77]}..."


def _mark(job: JobChange) -> str:
    return f"({job.status})" if job.status in ("new", "removed") else ""


def _label(job: JobChange) -> str:
    return f"{_cut(job.label)} {_mark(job)}".strip()


def _cell(job: JobChange, name: str, factor: float) -> str:
    pair = job.figures[name]
    if job.status == "new" or (job.status != "removed" and pair.stays_within(factor)):
        return _amount(name, pair.head, pair.head_is_bound)
    return _amount(name, pair.base, pair.base_is_bound) if job.status == "removed" else _change(name, pair)


def _total(found: Comparison, name: str) -> str:
    if name not in SUMMED:
        return ""
    pair = found.totals[name]
    return _amount(name, pair.head, pair.head_is_bound) if pair.stays_within(found.threshold.value) else _change(name, pair)


def _change(name: str, pair: Pair) -> str:
    """Return ``1.0e18 -> 3.0e18 (x3.0)``."""
    told = f"{_amount(name, pair.base, pair.base_is_bound)} -> {_amount(name, pair.head, pair.head_is_bound)}"
    return told if pair.ratio is None or not pair.base else f"{told} ({_times(pair.ratio)})"


def _times(ratio: float) -> str:
    return f"x{ratio:.2f}" if 0.5 <= ratio < 2 else f"x{format_ratio(ratio)}"


def _amount(name: str, value: float | None, is_bound: bool) -> str:
    if value is None:
        return "unknown"
    if name in ("total_params", "training_tokens"):
        told = format_count(value)
    elif name == "training_flops":
        told = format_scientific(value)
    else:
        told = f"{value:,.0f}" if 100 <= value < 10**9 else format_ratio(value)
    return f"{'<=' if is_bound else ''}{'$' if name == 'cost_usd' else ''}{told}"


def _increase(one: Increase) -> str:
    words = f"{FIGURES[one.figure]} {_change(one.figure, one.pair)}"
    if one.pair.head is None:
        return f"{words}, so the limit of {one.limit.text} cannot be checked"
    return f"{words}, and the limit is {one.limit.text}"


def _finding_lines(word: str, finding: FindingChange) -> Iterator[str]:
    place = f"{clean(_place(finding))}: " if _place(finding) else ""
    told = f"{place}{clean(finding.message)} [{clean(finding.rule)}]{clean(_aside(finding))}"
    yield f"{word}{finding.severity}: {clean(_about(finding))}: {told}"
    if word == "new " and finding.remedies:
        yield f"  try: {clean(finding.remedies[0])}"


def _item(finding: FindingChange) -> str:
    where = " · ".join(filter(None, (code(_place(finding)), code(_about(finding)))))
    lead = f"- **{finding.severity}** {code(finding.rule)} · {where}: {escaped(finding.message)}{escaped(_aside(finding))}"
    return f"{lead}\n  - {code(finding.remedies[0])}" if finding.remedies else lead


def _own(words: str) -> str:
    """Escape a sentence of ours, but for its arrows."""
    return escaped(words).replace("-&#62;", "->")


def _about(finding: FindingChange) -> str:
    return _cut(finding.job) or "all jobs"


def _place(finding: FindingChange) -> str:
    return f"{finding.file}:{finding.line}" if finding.file and finding.line else finding.file or finding.key


def _aside(finding: FindingChange) -> str:
    if finding.was is not None:
        return f" (was: {finding.was})"
    return f" (waived: {finding.waived})" if finding.waived is not None else ""


def _folded(count: int, name: str, findings: Sequence[FindingChange]) -> list[str]:
    if not findings:
        return []
    return ["<details>", f"<summary>{plural(count, name)}</summary>", "", *_fitting(map(_item, findings)), "", "</details>"]


def _fitting(items: Iterable[str]) -> list[str]:
    """Return the items that fit in one list's share of a comment."""
    kept: list[str] = []
    room = _ROOM
    for number, item in enumerate(items):
        room -= len(item) + 1
        if room < 0 or number == MOST_FINDINGS:
            return [*kept, "- more are not shown; the json format has all"]
        kept.append(item)
    return kept
