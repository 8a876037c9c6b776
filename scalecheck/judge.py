"""Stage 4: the policy's rules over a run -> findings, each with its severity, errors first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from scalecheck.facts import Finding, Run, Severity
from scalecheck.policy import Policy
from scalecheck.rule_settings import RuleSetting

_ORDER: tuple[Severity, ...] = ("error", "warning", "note")


def judge(run: Run, policy: Policy) -> tuple[Finding, ...]:
    """Return what the policy's rules find in one job, errors first, then in the order of the rules' names."""
    return _sorted(finding for setting in _active(policy) for finding in _stamped(setting.rule.check(run), setting))


def judge_sweep(runs: Sequence[Run], policy: Policy) -> tuple[Finding, ...]:
    """Return what the policy's rules find in the jobs of one launch taken together, errors first."""
    return _sorted(
        finding
        for setting in _active(policy)
        if hasattr(setting.rule, "check_sweep")
        for finding in _stamped(setting.rule.check_sweep(runs), setting)
    )


def _active(policy: Policy) -> Iterator[RuleSetting]:
    return (setting for setting in policy.rules.values() if setting.severity != "off")


def _stamped(findings: Iterable[Finding], setting: RuleSetting) -> Iterator[Finding]:
    """Fill in the policy's severity where the rule left it open, and the team's own text."""
    for finding in findings:
        found = finding
        if found.severity is None and setting.severity != "off":
            found = replace(found, severity=setting.severity)
        if setting.message:
            found = replace(found, message=f"{found.message.rstrip('.')}. {setting.message}")
        yield found


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: _ORDER.index(finding.severity or "note")))
