"""Severities are the policy's unless the rule says so itself; errors come first; ``off`` is off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scalecheck.facts import Account, Finding, Reading, Run
from scalecheck.judge import judge, judge_sweep
from scalecheck.policy import Policy
from scalecheck.rule_settings import RuleSetting

RUN = Run(reading=Reading(), account=Account())


@dataclass(frozen=True)
class Says:
    """A rule that finds what it is given."""

    findings: tuple[Finding, ...]

    def check(self, run: Run) -> Iterator[Finding]:
        yield from self.findings


@dataclass(frozen=True)
class Counts:
    """A rule that looks only at the whole sweep."""

    def check(self, run: Run) -> Iterator[Finding]:
        yield from ()

    def check_sweep(self, runs: Sequence[Run]) -> Iterator[Finding]:
        yield Finding(rule="counts", message=f"{len(runs)} jobs")


def finding(message: str, severity=None) -> Finding:
    return Finding(rule="says", message=message, severity=severity)


def policy(**settings) -> Policy:
    return Policy(rules={name: RuleSetting(severity=severity, rule=rule) for name, (severity, rule) in settings.items()})


def test_policys_severity_is_stamped():
    (found,) = judge(RUN, policy(says=("warning", Says((finding("a"),)))))
    assert found == finding("a", "warning")


def test_severity_that_the_rule_set_stays():
    (found,) = judge(RUN, policy(says=("error", Says((finding("a", "note"),)))))
    assert found.severity == "note"


def test_rule_that_is_off_is_not_asked_even_for_findings_with_a_severity():
    off = policy(says=("off", Says((finding("a", "error"), finding("b")))), counts=("off", Counts()))
    assert judge(RUN, off) == ()
    assert judge_sweep([RUN], off) == ()


def test_errors_come_first_and_equals_keep_their_order():
    found = judge(
        RUN, policy(one=("note", Says((finding("n"),))), two=("warning", Says((finding("w"), finding("e", "error"), finding("v")))))
    )
    assert [item.message for item in found] == ["e", "w", "v", "n"]


def test_sweep_asks_only_rules_that_look_at_sweeps():
    found = judge_sweep([RUN, RUN], policy(says=("error", Says((finding("a"),))), counts=("warning", Counts())))
    assert found == (Finding(rule="counts", message="2 jobs", severity="warning"),)


def test_teams_own_text_ends_every_message_of_its_rule_and_of_no_other():
    rules = {
        "says": RuleSetting(severity="error", rule=Says((finding("a"), finding("b.", "note"))), message="Ask Mia"),
        "others": RuleSetting(severity="error", rule=Says((finding("c"),))),
        "counts": RuleSetting(severity="note", rule=Counts(), message="Ask Tom"),
    }
    assert [item.message for item in judge(RUN, Policy(rules=rules))] == ["a. Ask Mia", "c", "b. Ask Mia"]
    assert [item.message for item in judge_sweep([RUN], Policy(rules=rules))] == ["1 jobs. Ask Tom"]
