"""Two reports, what changed between them: jobs matched by what names them, findings by what they are about, limits on increases."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalecheck.comparing import FIGURES, LIMITED, Pair, beyond, compare
from scalecheck.errors import ScalecheckError
from scalecheck.factors import Factor, parse_factor, parse_limits
from scalecheck.finding_changes import at_level

ONE_PERCENT = Factor(text="1%", value=1.01)


def job(*overrides: str, findings: tuple[dict[str, Any], ...] = (), config: str = "conf/train.yaml", **figures: Any) -> dict[str, Any]:
    plain = {"total_params": 100, "training_tokens": 2000, "training_flops": 10**6, "tokens_per_parameter": 20.0}
    return (
        {"name": "0", "config": config, "overrides": list(overrides), "findings": list(findings), "status": {"tokens": "exact"}}
        | plain
        | figures
    )


def finding(rule: str = "undertrained", severity: str = "error", key: str = "trainer.max_steps", **more: Any) -> dict[str, Any]:
    origin = {"key": key, "file": "conf/train.yaml", "line": 3}
    return {"rule": rule, "severity": severity, "message": "m", "origin": origin, "subject": None, "waived": None, "remedies": []} | more


def report(*jobs: dict[str, Any], sweep: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"schema_version": 1, "jobs": list(jobs), "sweep_findings": list(sweep)}


def compared(base: dict[str, Any], head: dict[str, Any]) -> Any:
    return compare(base, head, ONE_PERCENT)


def statuses(found: Any) -> dict[str, str]:
    return {job.label: job.status for job in found.jobs}


def test_jobs_are_matched_whatever_the_order_of_jobs_and_overrides():
    base = report(job("a=1", "b=1"), job("a=2", "b=1", training_flops=5))
    head = report(job("b=1", "a=2", training_flops=5), job("b=1", "a=1"))
    assert statuses(compared(base, head)) == {"a=1": "unchanged", "a=2": "unchanged"}


def test_new_and_removed_jobs():
    found = compared(report(job("a=1"), job("a=2")), report(job("a=2"), job("a=3")))
    assert statuses(found) == {"a=1": "removed", "a=2": "unchanged", "a=3": "new"}
    assert [one.label for one in found.of("new")] == ["a=3"]


def test_jobs_that_are_named_alike_are_matched_in_their_order():
    found = compared(report(job("a=1"), job("a=1", training_flops=7)), report(job("a=1"), job("a=1", training_flops=70)))
    assert [one.status for one in found.jobs] == ["unchanged", "changed"]


def test_the_same_overrides_of_another_config_are_another_job():
    found = compared(report(job(config="a.yaml")), report(job(config="b.yaml")))
    assert statuses(found) == {"b.yaml": "new", "a.yaml": "removed"}


def test_report_of_a_launch_names_no_config_and_is_matched_all_the_same():
    assert statuses(compared(report(job("a=1", config="")), report(job("a=1")))) == {"conf/train.yaml a=1": "unchanged"}


@pytest.mark.parametrize(
    ("flops", "status"), [(1_010_000, "unchanged"), (990_200, "unchanged"), (1_010_001, "changed"), (980_000, "changed")]
)
def test_threshold_holds_in_both_directions(flops, status):
    assert statuses(compared(report(job("a=1")), report(job("a=1", training_flops=flops)))) == {"a=1": status}


@pytest.mark.parametrize("name", ["total_params", "training_tokens", "training_flops"])
def test_what_becomes_unknown_changes(name):
    assert statuses(compared(report(job("a=1")), report(job("a=1", **{name: None})))) == {"a=1": "changed"}


def test_hours_and_cost_are_compared():
    base, head = (job("a=1", expense={"gpu_hours": hours, "cost_usd": 2 * hours}) for hours in (1.0, 3.0))
    pair = compared(report(base), report(head)).jobs[0].figures["cost_usd"]
    assert (pair.base, pair.head, pair.ratio) == (2.0, 6.0, 3.0)


def test_totals_sum_what_is_known_and_count_the_rest():
    found = compared(report(job("a=1")), report(job("a=1"), job("a=2", training_flops=None), job("a=3", training_flops=5)))
    assert (found.totals["training_flops"].base, found.totals["training_flops"].head) == (10**6, 10**6 + 5)
    assert found.unknown["training_flops"] == (0, 1)
    assert found.totals["cost_usd"].head is None


def test_total_of_no_jobs_is_nothing_and_not_unknown():
    found = compared(report(), report(job("a=1")))
    assert (found.totals["training_flops"].base, found.totals["cost_usd"].base) == (0, None)
    assert compared(report(job("a=1")), report()).totals["training_flops"].head == 0


def test_finding_is_the_same_whatever_its_line_and_message():
    moved = finding(message="other", origin={"key": "trainer.max_steps", "file": "conf/other.yaml", "line": 9})
    found = compared(report(job("a=1", findings=(finding(),))), report(job("a=1", findings=(moved,))))
    assert found.new == found.fixed == ()


@pytest.mark.parametrize("other", [finding("over_budget"), finding(key="data.n"), finding(subject="training_flops"), finding()])
def test_finding_that_is_new(other):
    known = finding()
    found = compared(report(job("a=1", findings=(known,))), report(job("a=1", findings=(known, other))))
    assert [one.rule for one in found.new] == [other["rule"]]
    assert found.fixed == ()


def test_finding_of_another_job_is_new_and_says_whose():
    found = compared(report(job("a=1", findings=(finding(),)), job("a=2")), report(job("a=1"), job("a=2", findings=(finding(),))))
    assert [one.job for one in found.new] == ["a=2"]
    assert [one.job for one in found.fixed] == ["a=1"]


def test_findings_of_a_new_job_are_new_and_those_of_a_removed_one_are_not_fixed():
    found = compared(report(job("a=1", findings=(finding(),))), report(job("a=2", findings=(finding(),))))
    assert len(found.new) == 1
    assert found.fixed == ()


def test_finding_that_becomes_worse_is_new_and_says_what_it_was():
    found = compared(report(job(findings=(finding(severity="warning"),))), report(job(findings=(finding(),))))
    assert [(one.severity, one.was) for one in found.new] == [("error", "warning")]
    assert compared(report(job(findings=(finding(),))), report(job(findings=(finding(severity="note"),)))).new == ()


def test_finding_that_is_waived_now_counts_no_more_and_one_whose_waiver_is_gone_is_new():
    waived = finding(waived="on purpose")
    found = compared(report(job(findings=(finding(),))), report(job(findings=(waived,))))
    assert found.new == ()
    assert [one.waived for one in found.fixed] == ["on purpose"]
    assert len(compared(report(job(findings=(waived,))), report(job(findings=(finding(),)))).new) == 1
    assert compared(report(job()), report(job(findings=(waived,)))).new == ()


def test_finding_of_all_jobs_together_and_the_worst_first():
    head = report(job("a=1", findings=(finding(severity="note"), finding("x"))), sweep=(finding("over_budget", "warning"),))
    found = compared(report(job("a=1")), head)
    assert [(one.rule, one.job) for one in found.new] == [("x", "a=1"), ("over_budget", ""), ("undertrained", "a=1")]
    assert [one.rule for one in at_level(found.new, "warning")] == ["x", "over_budget"]


def limits(**stated: str) -> dict[str, Factor]:
    return parse_limits(stated.items(), LIMITED, "here")


def test_increase_beyond_its_limit():
    base, head = report(job("a=1"), job("a=2")), report(job("a=1", training_flops=3 * 10**6), job("a=2", training_flops=1_500_000))
    found = beyond(compared(base, head), limits(training_flops="1.5x"))
    assert [(one.job.label, one.figure, one.pair.ratio) for one in found] == [("a=1", "training_flops", 3.0)]


def test_limit_below_the_threshold_holds_all_the_same():
    found = compared(report(job("a=1")), report(job("a=1", training_flops=1_005_000)))
    assert statuses(found) == {"a=1": "unchanged"}
    assert len(beyond(found, limits(training_flops="0.1%"))) == 1


def test_limit_on_what_is_unknown_now_is_no_pass_and_new_jobs_have_none():
    head = report(job("a=1", training_flops=None), job("a=2"))
    found = beyond(compared(report(job("a=1")), head), limits(training_flops="1.5x"))
    assert [(one.job.label, one.pair.head) for one in found] == [("a=1", None)]
    assert beyond(compared(report(job("a=1", training_flops=None)), report(job("a=1"))), limits(training_flops="1.5x")) == ()


def test_ratio_from_nothing_and_of_huge_integers():
    assert Pair(base=0, head=1).ratio == math.inf
    assert Pair(base=0, head=0).ratio == 1
    assert Pair(base=1, head=10**400).ratio == math.inf
    assert Pair(base=10**400, head=10**400 * 2).ratio == 2


@pytest.mark.parametrize(("text", "value"), [("1.5x", 1.5), ("20%", 1.2), (" 0 % ", 1.0), ("1x", 1.0), ("300%", 4.0)])
def test_factor(text, value):
    assert parse_factor(text, "here").value == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "x", "1.5", "-1x", "0.9x", "nanx", "infx", "1e3x", "20 percent", 1.5, None, "1.5x\nx"])
def test_factor_that_is_none(text):
    with pytest.raises(ScalecheckError, match="^here: ") as caught:
        parse_factor(text, "here")
    assert "\n" not in str(caught.value)


def test_limit_of_what_is_no_figure_names_the_nearest():
    with pytest.raises(ScalecheckError, match="training_flops"):
        limits(training_flop="1.5x")


@pytest.mark.parametrize(
    "broken",
    [{}, {"jobs": None}, {"jobs": [1]}, {"jobs": [{}]}, report(job(training_flops="many")), report(job(findings=({},))), report(job(1))],
)
def test_object_that_is_no_report(broken):
    with pytest.raises(ScalecheckError, match="no report of scalecheck"):
        compare(report(job("a=1")), broken, ONE_PERCENT)


names = st.text(max_size=8)
jobs = st.lists(
    st.builds(lambda overrides, flops: job(*overrides, training_flops=flops), st.lists(names, max_size=3), st.none() | st.integers(0)),
    max_size=6,
)


@given(jobs, jobs)
def test_every_job_is_told_once_on_either_side(before, after):
    found = compared(report(*before), report(*after))
    assert len(found.jobs) - len(found.of("new")) == len(before)
    assert len(found.jobs) - len(found.of("removed")) == len(after)
    assert all(set(one.figures) == set(FIGURES) for one in found.jobs)


@given(jobs)
def test_report_is_unchanged_against_itself(some):
    found = compared(report(*some), report(*some))
    assert {one.status for one in found.jobs} <= {"unchanged"}
    assert found.new == found.fixed == beyond(found, limits(training_flops="1x")) == ()
