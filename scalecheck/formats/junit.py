"""The report as JUnit XML, in the strict subset that Jenkins' junit-10.xsd allows: one suite, a test case per job and rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from scalecheck import listing
from scalecheck.facts import Finding, Job, Report
from scalecheck.text import clean, where

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SUITE = "scalecheck"
CHECKED = "checked"
"""The test case that every job has: that it was checked. It passes."""


def render(report: Report, *, color: bool = False) -> str:  # noqa: ARG001 - every format has this signature
    """Return one test suite: for each job that it was checked, and a case for each rule that found something in it.

    An error is a failure; a warning or a note passes, with its text in ``system-out``, as it does not fail the command either. What
    is waived is skipped, with its reason. Names hold the job's config and overrides, not its number, so that they stay over commits.
    """
    from xml.etree import ElementTree as ET

    cases = list(_cases(report))
    counts = {
        name: str(sum(case.find(tag) is not None for case in cases)) for name, tag in (("failures", "failure"), ("skipped", "skipped"))
    }
    suite = ET.Element("testsuite", {"name": SUITE, "tests": str(len(cases)), "errors": "0", **counts})
    suite.extend(cases)
    ET.indent(suite)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(suite, encoding="unicode")}\n'


def _cases(report: Report) -> Iterator[Element]:
    taken: dict[str, int] = {}
    for rule, findings in _by_rule(report.findings):
        yield _case(_free(f"{clean(rule)}[all jobs]", taken), findings)
    for job in report.jobs:
        name = _name(job)
        yield _case(_free(f"{CHECKED}{name}", taken), ())
        for rule, findings in _by_rule(job.findings):
            yield _case(_free(f"{clean(rule)}{name}", taken), findings)


def _name(job: Job) -> str:
    told = clean(" ".join([*([job.config] if job.config else []), *job.overrides]))
    return f"[{told}]" if told else ""


def _free(name: str, taken: dict[str, int]) -> str:
    taken[name] = taken.get(name, 0) + 1
    return name if taken[name] == 1 else f"{name} #{taken[name]}"


def _by_rule(findings: Iterable[Finding]) -> Iterable[tuple[str, list[Finding]]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.rule, []).append(finding)
    return found.items()


def _case(name: str, findings: Iterable[Finding]) -> Element:
    from xml.etree import ElementTree as ET

    case = ET.Element("testcase", {"classname": SUITE, "name": name})
    counted = [finding for finding in findings if finding.waived is None]
    failures = [finding for finding in counted if finding.severity == "error"]
    skipped = [finding for finding in findings if finding.waived is not None]
    if failures:
        made = ET.SubElement(case, "failure", {"type": clean(failures[0].rule), "message": clean(failures[0].message)})
        made.text = _text(failures)
    elif skipped and not counted:
        ET.SubElement(case, "skipped", {"message": clean(skipped[0].waived or "")})
    rest = [finding for finding in findings if finding not in failures]
    if rest:
        ET.SubElement(case, "system-out").text = _text(rest)
    return case


def _text(findings: Iterable[Finding]) -> str:
    lines = []
    for finding in findings:
        place = where(finding.origin)
        kept = "" if finding.waived is None else f" (waived: {clean(finding.waived)})"
        lines.append(f"{f'{place}: ' if place else ''}{listing.level(finding)}: {clean(finding.message)} [{clean(finding.rule)}]{kept}")
        lines += [f"  {line}" for line in listing.remedies(finding)] if finding.waived is None else []
    return "\n".join(lines)
