"""The report as GitHub-flavoured Markdown, for a job summary or a comment: a sentence, a table of jobs, findings, details folded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from scalecheck import listing
from scalecheck.facts import Job, Remedy, Report
from scalecheck.listing import Folded
from scalecheck.text import clean, place

MOST_ROWS = 50
MOST_CHARACTERS = 60_000
"""A comment on GitHub has at most 65,536."""
_SHARES = {"jobs": 20_000, "findings": 25_000, "notes": 7_000, "waived": 6_000}
"""Characters for each part, so that none crowds the next one out; together with what stands around them they are below the limit."""
_MARKUP = re.compile(r"://|www\.|[#$&*<@\[\]\\`|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", re.IGNORECASE)
_BROKEN = {"@": "&#64;<!-- -->", "://": "&#58;<!-- -->//", "#": "&#35;<!-- -->"}
"""Even as entities these would make a mention, a link or a reference; a comment in between breaks the word."""
_PLAIN_CODE = re.compile(r"[^`|\\\s](?:[^`|\\\n\r]*[^`|\\\s])?")


def render(report: Report, *, color: bool = False) -> str:  # noqa: ARG001 - every format has this signature
    """Return Markdown of less than 60,000 characters, whatever the configs hold; no text of theirs is markup, a link or a mention."""
    shared = listing.shared_overrides(report.jobs)
    found = listing.folded(report)
    counted = [item for item in found if item.finding.waived is None]
    notes = [item for item in counted if listing.level(item.finding) == "note"]
    waived = [item for item in found if item.finding.waived is not None]
    told = _teller(report, shared)
    parts = [
        [f"**scalecheck: {listing.word(report.verdict)}: {listing.sentence(report)}**"],
        _table(report, shared),
        _fitting(
            (told(item) for item in counted if listing.level(item.finding) != "note"), len(counted) - len(notes), "finding", "findings"
        ),
        _details(listing.plural(len(notes), "note"), _fitting(map(told, notes), len(notes), "note", "notes")),
        _details(f"{len(waived):,} waived", _fitting(map(told, waived), len(waived), "waived finding", "waived")),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _table(report: Report, shared: frozenset[str]) -> list[str]:
    worst_first = listing.worst_first(report.jobs)
    if not worst_first:
        return []
    figures = list(listing.figures(worst_first[0]))
    head = ["job", "overrides", *figures, "verdict"]
    aligned = ["---", "---", *["---:"] * len(figures), "---"]
    rows = (_row([code(job.name), code(listing.overrides_text(job, shared)), *_figures(job)]) for job in worst_first[:MOST_ROWS])
    lines = [_row(head), _row(aligned), *_fitting(rows, 0, "job", "jobs")]
    left_out = len(worst_first) - (len(lines) - 2)
    return [*lines, "", f"{listing.plural(left_out, 'more job')} not shown, none of them worse"] if left_out else lines


def _figures(job: Job) -> list[str]:
    return [*map(text, listing.figures(job).values()), listing.word(job.verdict)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _teller(report: Report, shared: frozenset[str]) -> Callable[[Folded], str]:
    def told(item: Folded) -> str:
        finding = item.finding
        where = " · ".join(part for part in (code(place(finding.origin)), text(listing.who(item.jobs, report, shared))) if part)
        lead = f"- **{listing.level(finding)}** {code(finding.rule)}{f' · {where}' if where else ''}: {text(finding.message)}"
        if finding.waived is not None:
            return f"{lead} (waived: {text(finding.waived)})"
        return "\n".join([lead, *(_remedy(remedy, number) for number, remedy in enumerate(finding.remedies))])

    return told


def _remedy(remedy: Remedy, number: int) -> str:
    told = ": ".join(part for part in (code(" ".join(remedy.overrides)), text(remedy.effect)) if part)
    return f"  - {'or' if number else 'try'} {told}"


def _fitting(items: Iterable[str], total: int, name: str, share: str) -> list[str]:
    """Return the items that fit in a part's share of the characters, and how many of ``total`` do not."""
    kept: list[str] = []
    room = _SHARES[share]
    for item in items:
        room -= len(item) + 1
        if room < 0:
            break
        kept.append(item)
    missing = total - len(kept)
    return [*kept, f"- {listing.plural(missing, f'more {name}')} not shown; the json format has all"] if missing > 0 else kept


def _details(summary: str, lines: list[str]) -> list[str]:
    return ["<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>"] if lines else []


def text(words: str) -> str:
    """Return words that Markdown shows as they are: its markup as entities, mentions and links broken by a comment within them."""
    return _MARKUP.sub(lambda found: _escaped(found.group()), clean(words))


def _escaped(found: str) -> str:
    if found in _BROKEN:
        return _BROKEN[found]
    return f"{found[:-1]}<!-- -->." if len(found) > 1 else f"&#{ord(found)};"


def code(words: str) -> str:
    """Return words in a code span; as HTML where they hold what a span or a table would take for its end. Nothing for nothing."""
    kept = clean(words)
    if not kept:
        return ""
    return f"`{kept}`" if _PLAIN_CODE.fullmatch(kept) else f"<code>{text(kept)}</code>"
