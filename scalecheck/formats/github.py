"""The report as workflow commands of GitHub Actions: annotations on the files of a pull request, and one line in the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scalecheck import listing
from scalecheck.facts import Report, Severity
from scalecheck.listing import Folded
from scalecheck.text import clean

MOST_PER_LEVEL = 10
"""What GitHub shows of each level and step; what is beyond is lost without a word."""
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_ELSEWHERE = "--output markdown:github-summary shows more of them, --output json:FILE has all"


def render(report: Report, *, color: bool = False) -> str:  # noqa: ARG001 - every format has this signature
    """Return annotations, at most ten of each level, and last a line with the counts that starts no command.

    Config text stands in escaped data and properties of commands only, so that none of it starts a line.
    """
    found = [item for item in listing.folded(report) if item.finding.waived is None]
    levels = {name: [item for item in found if listing.level(item.finding) == name] for name in listing.LEVELS}
    shared, top = listing.shared_overrides(report.jobs), listing.root()
    kept = _kept(levels)
    lines = [_annotation(item, report, shared, top) for items in kept.values() for item in items]
    lines += _left_out({name: len(levels[name]) - len(kept[name]) for name in kept})
    return "\n".join([*lines, f"scalecheck: {report.verdict}: {listing.sentence(report)}"]) + "\n"


def _kept(levels: dict[Severity, list[Folded]]) -> dict[Severity, list[Folded]]:
    """Return what is shown; the notice that says what is not takes the place of one."""
    overflows = any(len(items) > MOST_PER_LEVEL for items in levels.values())
    return {name: items[: MOST_PER_LEVEL - (overflows and name == "note")] for name, items in levels.items()}


def _left_out(counts: dict[Severity, int]) -> Iterator[str]:
    missing = [listing.plural(count, name) for name, count in counts.items() if count]
    if missing:
        yield command("notice", f"{', '.join(missing)} not shown here: {_ELSEWHERE}", title="scalecheck")


def _annotation(item: Folded, report: Report, shared: frozenset[str], top: str) -> str:
    finding, jobs = item.finding, item.jobs
    place = listing.place_of(finding, jobs[0] if jobs else None, report, top)
    text: Sequence[str] = (listing.told(finding, listing.who(jobs, report, shared)), *listing.remedies(finding))
    where = {} if place.path == listing.NO_FILE else {"file": place.path, "line": "" if place.line is None else str(place.line)}
    return command(_COMMANDS[listing.level(finding)], "\n".join(text), **where, title=f"scalecheck {clean(finding.rule)}")


def command(name: str, data: str, **properties: str) -> str:
    """Return a workflow command, escaped as actions/toolkit's command.ts does; an empty property is left out."""
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    return f"::{name} {given}::{_data(data)}"


def _data(text: str) -> str:
    return _whole(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _whole(text: str) -> str:
    """Return a text without what ends a line for some reader of logs, or is no character of UTF-8."""
    return "".join(character if character.isprintable() or character in "\r\n" else clean(character) for character in text)
