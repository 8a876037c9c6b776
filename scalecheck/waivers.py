"""What a team accepts on purpose: findings that a policy's ``waivers`` name, with a reason, until a day, for somebody.

Imported only where a policy has any.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Protocol

from scalecheck import registry
from scalecheck.errors import PolicyError, did_you_mean
from scalecheck.facts import Finding, Job, Report
from scalecheck.options import refuse_unknown
from scalecheck.text import shown
from scalecheck.values import dataclass

EXPIRED, UNMATCHED = "expired_waiver", "unmatched_waiver"
"""What findings about waivers are called; scalecheck/manual.py has their pages."""
OPTIONS = ("rule", "jobs", "reason", "until", "owner")
KEY = "hydra.callbacks.scalecheck.waivers"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A finding that is accepted: of one rule, in the jobs that a shell glob names, for a reason. ``until`` is the last day of it."""

    rule: str
    reason: str
    jobs: str = "*"
    until: dt.date | None = None
    owner: str = ""

    @property
    def words(self) -> str:
        """What is said of a finding that it waives: ``smoke-scale ablation (until 2026-12-31, mia)``."""
        terms = [*([f"until {self.until}"] if self.until else []), *([self.owner] if self.owner else [])]
        return f"{self.reason} ({', '.join(terms)})" if terms else self.reason


class HasWaivers(Protocol):
    """A policy, as far as it is of interest here."""

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        """Its waivers."""


def read_waivers(value: Any, key: str) -> tuple[Waiver, ...]:
    """Validate the ``waivers`` of a policy, which stand at ``key``.

    Raises:
        PolicyError: one sentence with the dotted key, what stands there, and what may stand there.
    """
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        message = f"{key} is {shown(value)}; it needs a list, such as [{{rule: undertrained, jobs: experiment=debug*, reason: ...}}]."
        raise PolicyError(message)
    return tuple(_waiver(entry, f"{key}[{number}]") for number, entry in enumerate(value))


def _waiver(value: Any, key: str) -> Waiver:
    if not isinstance(value, Mapping):
        message = f"{key} is {shown(value)}; it needs a mapping with {', '.join(OPTIONS)}."
        raise PolicyError(message)
    given = {str(name): entry for name, entry in value.items()}
    refuse_unknown(given, OPTIONS, key)
    jobs = _text(given.get("jobs"), f"{key}.jobs", "a shell glob, such as experiment=debug*; leave it out for every job")
    return Waiver(
        rule=_rule(given.get("rule"), f"{key}.rule"),
        reason=_required(given.get("reason"), f"{key}.reason"),
        jobs=jobs or "*",
        until=_date(given.get("until"), f"{key}.until"),
        owner=_text(given.get("owner"), f"{key}.owner", "a name"),
    )


def _rule(value: Any, key: str) -> str:
    name, known = _text(value, key, "the name of a rule"), registry.names("rules")
    if not name:
        message = f"{key} is missing: a waiver names the rule whose findings it accepts. Known: {', '.join(known)}."
        raise PolicyError(message)
    if name not in known:
        message = f"{key}: no '{name}' in scalecheck/rules/.{did_you_mean(name, known)}"
        raise PolicyError(message)
    return name


def _required(value: Any, key: str) -> str:
    reason = _text(value, key, "a text that says why the finding is accepted")
    if not reason:
        message = f"{key} is missing: a waiver says why the finding is accepted, such as reason: smoke-scale ablation."
        raise PolicyError(message)
    return reason


def _text(value: Any, key: str, what: str) -> str:
    """Return a text on one line; null is none."""
    if value is None:
        return ""
    if not isinstance(value, str):
        message = f"{key} is {shown(value)}; it needs {what}."
        raise PolicyError(message)
    return " ".join(value.split())


def _date(value: Any, key: str) -> dt.date | None:
    """Return a day. OmegaConf leaves a date of YAML as text; other readers of YAML do not."""
    if value is None:
        return None
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            message = f"{key} is {shown(value)}; there is no such day."
            raise PolicyError(message) from None
    message = f"{key} is {shown(value)}; it needs a date as in 2026-12-31, or null for a waiver without an end."
    raise PolicyError(message)


def today() -> dt.date:
    """Return the day, the same everywhere: a waiver ends at midnight UTC."""
    return dt.datetime.now(tz=dt.timezone.utc).date()


def names_of(name: str, overrides: Sequence[str], config: str = "") -> tuple[str, ...]:
    """Return what a waiver's glob may name a job by: each override, all of them, its name, and its config with or without folders.

    A leading ``+`` of an override, by which a key is added, says nothing of what is run.
    """
    plain = [override.lstrip("+") for override in overrides]
    path = config.removesuffix(".yaml")
    steps = path.split("/")
    configs = [config, *("/".join(steps[start:]) for start in range(len(steps)))]
    return tuple(dict.fromkeys([*overrides, *plain, " ".join(overrides), " ".join(plain), name, *configs]))


def applied(findings: Iterable[Finding], waivers: Sequence[Waiver], jobs: Sequence[tuple[str, ...]], day: dt.date) -> tuple[Finding, ...]:
    """Return findings with those marked that a waiver accepts, and an error before them for each waiver that would, were it not expired.

    ``jobs`` are the names (``names_of``) of the job that the findings are about; of findings on a sweep those of every job of it, and a
    waiver has to name them all.
    """
    live = [waiver for waiver in waivers if waiver.until is None or waiver.until >= day]
    ended = [waiver for waiver in waivers if waiver not in live]
    found: list[Finding] = []
    expired: dict[Waiver, None] = {}
    for finding in findings:
        waiver = next((one for one in live if _covers(one, finding, jobs)), None)
        if waiver is None:
            expired |= dict.fromkeys(one for one in ended if _covers(one, finding, jobs))
        found.append(replace(finding, waived=waiver.words) if waiver and finding.waived is None else finding)
    return (*(_expired(waiver, day) for waiver in expired), *found)


def _covers(waiver: Waiver, finding: Finding, jobs: Sequence[tuple[str, ...]]) -> bool:
    return finding.rule == waiver.rule and all(_names(waiver, names) for names in jobs)


def _names(waiver: Waiver, names: tuple[str, ...]) -> bool:
    """Tell whether a waiver is about a job: its ``jobs`` as a glob, or as it stands, for overrides with brackets in them."""
    return waiver.jobs in ("*", *names) or any(fnmatchcase(name, waiver.jobs) for name in names)


def _expired(waiver: Waiver, day: dt.date) -> Finding:
    owner = f", owner {waiver.owner}" if waiver.owner else ", no owner"
    message = (
        f"the waiver of {waiver.rule} for {_quoted(waiver.jobs)} ended on {waiver.until} ({waiver.reason}{owner}), and today is {day}: "
        f"resolve the finding, or renew the waiver's until in {KEY}"
    )
    return Finding(rule=EXPIRED, message=message, severity="error", subject=f"{waiver.rule} {waiver.jobs}")


def unmatched(report: Report, policy: HasWaivers) -> tuple[Finding, ...]:
    """Return a note for each waiver that is about no finding of a report. Of use over a whole repo: a launch is only a part of one."""
    return tuple(_unmatched(waiver) for waiver in policy.waivers if not any(_pairs(waiver, report)))


def _pairs(waiver: Waiver, report: Report) -> Iterator[bool]:
    """Yield whether a waiver is about each finding of its rule."""
    for job in report.jobs:
        names = job_names(job)
        yield from (_covers(waiver, finding, [names]) for finding in job.findings if finding.rule == waiver.rule)
    together = [job_names(job) for job in report.jobs] if any(finding.rule == waiver.rule for finding in report.findings) else []
    yield from (_covers(waiver, finding, together) for finding in report.findings)


def job_names(job: Job) -> tuple[str, ...]:
    """Return what a waiver's glob may name a checked job by."""
    return names_of(job.name, job.overrides, job.config)


def _unmatched(waiver: Waiver) -> Finding:
    until = f", until {waiver.until}" if waiver.until else ""
    message = f"the waiver of {waiver.rule} for {_quoted(waiver.jobs)} ({waiver.reason}{until}) is about no finding: it can go from {KEY}"
    return Finding(rule=UNMATCHED, message=message, severity="note", subject=f"{waiver.rule} {waiver.jobs}")


def _quoted(jobs: str) -> str:
    return "every job" if jobs == "*" else f"'{jobs}'"
