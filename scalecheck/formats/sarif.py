"""The report as SARIF 2.1.0, with all that GitHub code scanning asks for."""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from urllib.parse import quote

from scalecheck import __version__, listing, manual, registry
from scalecheck.facts import Report
from scalecheck.listing import Listed
from scalecheck.text import clean

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULE_ADDRESS = "urn:scalecheck:rule:{}"
MOST_RESULTS = 25_000
"""GitHub refuses a run with more of them."""
_TAGS = ["scaling-laws", "compute-budget"]
_PROBLEMS = {"error": "error", "warning": "warning", "note": "recommendation"}


def render(report: Report, *, color: bool = False, rule_address: str = RULE_ADDRESS) -> str:  # noqa: ARG001 - every format has this signature
    """Return a SARIF log, ending with a newline. What is waived is left out: GitHub would show it, as it reads no suppressions.

    ``rule_address`` is the address of a rule's page, with ``{}`` for its name. The fingerprint of a finding holds no value and no line,
    and is also given as GitHub's own, which otherwise would make one alert of all jobs that share a line.
    """
    found = listing.active(report)
    shown = found[:MOST_RESULTS]
    names = sorted({*manual.names(), *(clean(item.finding.rule) for item in shown)})
    shared, top = listing.shared_overrides(report.jobs), listing.root()
    run: dict[str, Any] = {
        "tool": {"driver": _driver(names, rule_address)},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(item, names, _words(item, report, shared), listing.place_of(item.finding, item.job, report, top)) for item in shown
        ],
    }
    if len(shown) < len(found):
        text = f"{len(found) - len(shown):,} more findings are left out; --output json:FILE has all."
        notes = [{"level": "note", "message": {"text": text}}]
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": notes}]
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, allow_nan=False) + "\n"


def _driver(names: list[str], rule_address: str) -> dict[str, Any]:
    return {
        "name": "scalecheck",
        "version": __version__,
        "semanticVersion": __version__,
        "informationUri": "urn:scalecheck",
        "rules": [_rule(name) | {"helpUri": rule_address.format(quote(name, safe=""))} for name in names],
    }


@cache
def _rule(name: str) -> dict[str, Any]:
    """Return what SARIF tells of a rule, from its manual page; little of a name that has none, as in a report of a newer version."""
    is_known = name in manual.names()
    first = manual.summary(name) if is_known else f"{name}: not known to scalecheck {__version__}."
    page = manual.page(name) if is_known else first
    severity = registry.load("rules", name).Rule.DEFAULT_SEVERITY if manual.is_rule(name) else "warning"
    return {
        "id": name,
        # Not the id in other letters: SARIF wants a name that is told apart from it without regard to case.
        "name": "".join(word.capitalize() for word in ("scalecheck", *name.split("_"))),
        "shortDescription": {"text": first},
        "fullDescription": {"text": first},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": severity},
        "properties": {"tags": _TAGS, "precision": "high", "problem.severity": _PROBLEMS[severity]},
    }


def _words(item: Listed, report: Report, shared: frozenset[str]) -> str:
    about = listing.who((item.job,) if item.job else (), report, shared)
    lines = [listing.told(item.finding, about), *listing.remedies(item.finding)]
    return "\n".join(lines).replace("](", "] (")  # [text](target) would be a link


def _result(item: Listed, names: list[str], words: str, place: listing.Place) -> dict[str, Any]:
    line = place.line or 1
    region = {"startLine": line, "startColumn": 1, "endLine": line, "endColumn": 2}
    name = clean(item.finding.rule)
    return {
        "ruleId": name,
        "ruleIndex": names.index(name),
        "level": listing.level(item.finding),
        "message": {"text": words},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(place.path)}, "region": region}}],
        "partialFingerprints": {"primaryLocationLineHash": f"{item.fingerprint}:1", "scalecheck/v1": item.fingerprint},
    }


def _uri(path: str) -> str:
    """Return a relative path as a URI reference: percent-encoded, bytes that are no UTF-8 as they are, and no scheme before a colon."""
    return quote(path.encode("utf-8", "surrogateescape" if _is_encodable(path) else "backslashreplace"), safe="/")


def _is_encodable(path: str) -> bool:
    try:
        path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True
