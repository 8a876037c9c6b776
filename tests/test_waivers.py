"""Waivers: how they are read, which findings of which jobs they accept, and what becomes of one that has ended or matches nothing."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalecheck import manual
from scalecheck.enforce import verdict
from scalecheck.errors import PolicyError
from scalecheck.facts import Account, Finding, Job, Reading, Report, Run
from scalecheck.policy import KEY, Policy, load_policy
from scalecheck.waivers import EXPIRED, UNMATCHED, Waiver, applied, names_of, read_waivers, unmatched

TODAY = dt.date(2026, 11, 26)
FULL = {"rule": "undertrained", "jobs": "experiment=debug*", "reason": "smoke-scale ablation", "until": "2026-12-31", "owner": "mia"}
WAIVER = Waiver(rule="undertrained", jobs="experiment=debug*", reason="smoke-scale ablation", until=dt.date(2026, 12, 31), owner="mia")


def finding(rule="undertrained", **changes) -> Finding:
    return Finding(rule=rule, message="a", severity="error", **changes)


FOUND = (finding(),)


def waiver(**changes) -> Waiver:
    return Waiver(**({"rule": "undertrained", "reason": "on purpose"} | changes))


def judged(*waivers, names=("train", ("experiment=debug_a", "seed=1")), findings=FOUND, day=TODAY):
    return applied(findings, waivers, [names_of(*names)], day)


def waived(*waivers, **changes) -> list[bool]:
    return [found.waived is not None for found in judged(*waivers, **changes)]


def job(*findings, overrides=("experiment=debug",), name="0", config="conf/train.yaml") -> Job:
    return Job(
        name=name, overrides=overrides, run=Run(reading=Reading(), account=Account()), findings=findings, verdict="stop", config=config
    )


def refusal(raw) -> str:
    with pytest.raises(PolicyError) as refused:
        load_policy({"waivers": raw})
    assert "\n" not in str(refused.value)
    return str(refused.value)


# --- reading


def test_waiver_is_read():
    assert load_policy({"waivers": [FULL]}).waivers == (WAIVER,)


@pytest.mark.parametrize("raw", [None, [], ()])
def test_no_waivers(raw):
    assert load_policy({"waivers": raw}).waivers == () == load_policy(None).waivers == read_waivers(raw, KEY)


def test_only_rule_and_reason_are_required():
    (read,) = load_policy(
        {"waivers": [{"rule": "over_budget", "reason": " paid \n twice ", "until": None, "owner": None, "jobs": None}]}
    ).waivers
    assert read == Waiver(rule="over_budget", reason="paid twice")
    assert read.jobs == "*"


def test_date_that_yaml_has_read_is_a_date_too():
    assert load_policy({"waivers": [FULL | {"until": dt.date(2026, 12, 31)}]}).waivers == (WAIVER,)


@pytest.mark.parametrize(
    ("raw", "key", "words"),
    [
        ({"rule": "undertrained"}, "", "needs a list"),
        ("undertrained", "", "needs a list"),
        ([3], "[0]", "needs a mapping"),
        ([FULL, None], "[1]", "needs a mapping"),
        ([FULL | {"untl": "2026-12-31"}], "[0].untl", "Did you mean 'until'?"),
        ([FULL | {"rule": "undertraind"}], "[0].rule", "Did you mean 'undertrained'?"),
        ([FULL | {"rule": 3}], "[0].rule", "name of a rule"),
        ([FULL | {"rule": ""}], "[0].rule", "is missing"),
        ([FULL | {"rule": "expired_waiver"}], "[0].rule", "no 'expired_waiver'"),
        ([FULL, {"rule": "undertrained"}], "[1].reason", "is missing"),
        ([FULL | {"reason": " \n\t"}], "[0].reason", "is missing"),
        ([FULL | {"reason": 3}], "[0].reason", "needs a text"),
        ([FULL | {"jobs": ["a", "b"]}], "[0].jobs", "shell glob"),
        ([FULL | {"owner": True}], "[0].owner", "needs a name"),
    ],
)
def test_broken_waiver_is_refused_with_its_key(raw, key, words):
    sentence = refusal(raw)
    assert sentence.startswith((f"{KEY}.waivers{key} is ", f"{KEY}.waivers{key}: "))
    assert words in sentence


@pytest.mark.parametrize(
    "until", ["2026-02-30", "2026-13-01", "31.12.2026", "20261231", "2026-W01-1", "soon", "", 20261231, True, dt.datetime(2026, 1, 1), "2026-12-31\n",
              "٢٠٢٦-١٢-٣١", "0000-01-01"]
)  # fmt: skip
def test_bad_date_is_refused_with_its_key(until):
    assert refusal([FULL | {"until": until}]).startswith(f"{KEY}.waivers[0].until is ")


@given(st.text(max_size=12))
def test_any_text_for_a_date_is_a_date_or_a_policy_error(text):
    try:
        (read,) = read_waivers([FULL | {"until": text}], KEY)
    except PolicyError:
        return
    assert str(read.until) == text


def test_policy_without_waivers_imports_nothing_for_them():
    program = (
        "import sys\nbefore = set(sys.modules)\nfrom scalecheck.policy import load_policy\n"
        "policy = load_policy({'waivers': []})\n"
        "print(sorted({'scalecheck.waivers', 'datetime', 'fnmatch'} & (set(sys.modules) - before)))\n"
        "from scalecheck import pipeline\npipeline.summarise([], policy)\nprint('scalecheck.waivers' in sys.modules)\n"
        "load_policy({'waivers': [{'rule': 'undertrained', 'reason': 'x'}]})\nprint('scalecheck.waivers' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    assert done.stdout.splitlines() == ["[]", "False", "True"]


# --- which findings of which jobs


@pytest.mark.parametrize(
    "jobs",
    ["*", "experiment=debug*", "experiment=debug_a", "experiment=debug_a seed=1", "*seed=1", "train", "tr?in", "seed=[12]"],
)
def test_jobs_are_matched_by_override_by_all_of_them_and_by_name(jobs):
    assert waived(waiver(jobs=jobs)) == [True]


@pytest.mark.parametrize(
    "jobs", ["experiment=debug", "debug*", "Experiment=debug*", "seed=1 experiment=debug_a", "seed=[!1]", "trai", "seed"]
)
def test_others_are_not(jobs):
    assert waived(waiver(jobs=jobs)) == [False]


@pytest.mark.parametrize("jobs", ["exp/small", "small", "conf/exp/small.yaml", "conf/exp/small", "exp/*"])
def test_jobs_are_matched_by_their_config(jobs):
    assert waived(waiver(jobs=jobs), names=("0", (), "conf/exp/small.yaml")) == [True]
    assert waived(waiver(jobs=jobs), names=("0", (), "conf/exp/smaller.yaml")) == [jobs == "exp/*"]


def test_override_that_adds_a_key_is_matched_with_and_without_its_sign():
    names = ("train", ("+experiment=debug", "~seed"))
    for jobs, is_waived in {"experiment=debug": True, "+experiment=debug": True, "experiment=debug ~seed": True, "seed": False}.items():
        assert waived(waiver(jobs=jobs), names=names) == [is_waived], jobs


def test_override_with_brackets_is_matched_as_it_stands():
    assert not fnmatchcase("layers=[1,2]", "layers=[1,2]")
    assert waived(waiver(jobs="layers=[1,2]"), names=("train", ("layers=[1,2]",))) == [True]


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_may_be_a_glob_or_an_override(jobs, override):
    assert waived(waiver(jobs=override), names=("train", (override,))) == [True]
    waived(waiver(jobs=jobs), names=("train", (override,)))


def test_only_findings_of_its_rule_are_waived():
    assert waived(waiver(), findings=(finding(), finding("over_budget"))) == [True, False]


def test_waived_finding_says_reason_until_and_owner():
    (found,) = judged(WAIVER)
    assert found.waived == "smoke-scale ablation (until 2026-12-31, mia)"
    assert judged(waiver(owner="mia"))[0].waived == "on purpose (mia)"
    assert judged(waiver(until=TODAY))[0].waived == "on purpose (until 2026-11-26)"
    assert judged(waiver())[0].waived == "on purpose"


def test_waived_finding_counts_for_nothing():
    assert verdict(judged(), "stop") == "stop"
    assert verdict(judged(waiver()), "stop") == "pass"


def test_finding_that_is_waived_already_keeps_its_words():
    assert judged(waiver(), findings=(finding(waived="baseline"),))[0].waived == "baseline"


def test_finding_on_a_sweep_is_waived_by_what_names_every_job():
    both = [names_of("0", ("seed=1", "model=a")), names_of("1", ("seed=2", "model=a"))]
    for jobs, is_waived in {"model=a": True, "seed=*": True, "seed=1": False, "*": True}.items():
        (found,) = applied([finding()], [waiver(jobs=jobs)], both, TODAY)
        assert (found.waived is not None) == is_waived, jobs


# --- ended


def test_it_holds_on_its_last_day_and_not_on_the_next():
    assert waived(waiver(until=TODAY)) == [True]
    assert waived(waiver(until=TODAY - dt.timedelta(days=1))) == [False, False]


def test_expired_waiver_is_an_error_with_day_owner_reason_and_what_to_do():
    expired, found = judged(WAIVER, day=dt.date(2027, 1, 1))
    assert (expired.rule, expired.severity, expired.waived) == (EXPIRED, "error", None)
    assert found == finding()
    assert expired.message == (
        "the waiver of undertrained for 'experiment=debug*' ended on 2026-12-31 (smoke-scale ablation, owner mia), and today is 2027-01-01: "
        "resolve the finding, or renew the waiver's until in hydra.callbacks.scalecheck.waivers"
    )
    assert "no owner" in judged(waiver(until=dt.date(2020, 1, 1)))[0].message


def test_expired_waiver_is_said_once_and_only_where_it_would_match():
    past = dt.date(2020, 1, 1)
    assert [found.rule for found in judged(waiver(until=past), findings=(finding(), finding()))] == [
        EXPIRED,
        "undertrained",
        "undertrained",
    ]
    assert [found.rule for found in judged(waiver(until=past, jobs="seed=2"))] == ["undertrained"]
    assert judged(waiver(until=past), findings=()) == ()


def test_renewed_waiver_stands_in_for_the_old_one():
    assert waived(waiver(until=dt.date(2020, 1, 1)), waiver(reason="renewed")) == [True]


# --- about nothing


def note(report: Report, *waivers: Waiver) -> list[str]:
    found = unmatched(report, Policy(waivers=waivers))
    assert all((one.rule, one.severity) == (UNMATCHED, "note") for one in found)
    return [one.message for one in found]


def test_waiver_that_is_about_nothing_is_a_note():
    report = Report(jobs=(job(finding(waived="x")), job()))
    assert note(report, waiver(), waiver(jobs="train"), waiver(jobs="experiment=debug"), waiver(until=dt.date(2020, 1, 1))) == []
    (message,) = note(report, waiver(jobs="experiment=debgu", until=TODAY))
    assert message == (
        "the waiver of undertrained for 'experiment=debgu' (on purpose, until 2026-11-26) is about no finding: "
        "it can go from hydra.callbacks.scalecheck.waivers"
    )
    assert len(note(report, waiver(rule="over_budget"))) == 1


def test_waiver_of_a_sweeps_finding_is_about_something():
    report = Report(jobs=(job(), job(overrides=("seed=2",))), findings=(finding("over_budget"),))
    assert note(report, waiver(rule="over_budget")) == []
    assert len(note(report, waiver(rule="over_budget", jobs="seed=2"))) == 1


def test_their_pages_are_in_the_manual():
    assert {EXPIRED, UNMATCHED} == {name for name in manual.names() if not manual.is_rule(name)}
    assert manual.severity(EXPIRED) == judged(waiver(until=dt.date(2020, 1, 1)))[0].severity
    assert manual.severity(UNMATCHED) == unmatched(Report(jobs=()), Policy(waivers=(waiver(),)))[0].severity
