"""law_words: which laws count, and each clause, empty where there is nothing to say."""

from __future__ import annotations

from dataclasses import replace

from scalecheck import law_words
from scalecheck.facts import Account, Outlook, Reading, Run

VIEW = Outlook(
    law="hoffmann2022_a1",
    params=10**9,
    params_convention="total",
    law_flops=6e18,
    optimal_params=2e8,
    optimal_tokens=5e9,
    tokens_per_parameter=20.0,
    multiple=0.1,
    tokens_for_this_model=2e10,
)


def seen(*views: Outlook, judge: str = "hoffmann2022_a1") -> Run:
    return Run(reading=Reading(), account=Account(), outlooks={view.law: view for view in views}, judge=judge)


def law(name: str, ratio: float = 20.0, **changes) -> Outlook:
    return replace(VIEW, law=name, tokens_per_parameter=ratio, **changes)


def test_judge_comes_first_and_history_not_at_all():
    run = seen(law("besiroglu2024"), law("kaplan2020"), VIEW)
    assert [view.law for view in law_words.consensus(run)] == ["hoffmann2022_a1", "besiroglu2024"]


def test_history_counts_where_it_judges():
    run = seen(law("besiroglu2024"), law("kaplan2020", 0.4), judge="kaplan2020")
    assert law_words.optimal_range(run) == "0.40-20 (2 published laws)"


def test_one_law_is_named_and_several_are_counted():
    assert law_words.optimal_range(seen(VIEW)) == "20 (hoffmann2022_a1)"
    assert law_words.optimal_range(seen(VIEW, law("besiroglu2024", 17.6))) == "18-20 (2 published laws)"


def test_law_of_ones_own_is_no_published_one():
    run = seen(VIEW, law("besiroglu2024"), law("mine", 41.0))
    assert law_words.optimal_range(run) == "20-41 (2 published laws and mine)"
    assert law_words.optimal_range(seen(VIEW, law("mine", 41.0))) == "20-41 (hoffmann2022_a1 and mine)"


def test_range_of_equal_laws_is_one_number():
    assert law_words.optimal_range(seen(VIEW, law("besiroglu2024", 20.2))) == "20 (2 published laws)"


def test_waste_is_the_judges_else_the_first_law_that_has_one():
    telling = law("besiroglu2024", wasted_compute=0.481)
    assert law_words.wasted(seen(VIEW, telling)) == "48 % of the compute is wasted (besiroglu2024)"
    assert law_words.wasted(seen(telling, replace(VIEW, wasted_compute=0.7))) == "70 % of the compute is wasted (hoffmann2022_a1)"


def test_history_tells_no_waste():
    assert law_words.wasted(seen(VIEW, law("kaplan2020", wasted_compute=0.9))) == ""


def test_interval_is_the_judges_else_that_of_the_law_that_tells_the_waste():
    telling = law("besiroglu2024", wasted_compute=0.5, interval=(10.1, 29.4))
    assert law_words.interval(seen(VIEW, telling)) == "80 % interval 10-29 (besiroglu2024)"
    assert law_words.interval(seen(replace(VIEW, interval=(15.0, 25.0)), telling)) == "80 % interval 15-25 (hoffmann2022_a1)"
    assert law_words.interval(seen(VIEW, law("porian2024", interval=(1.0, 2.0)))) == "", "a law that says nothing else here"


def test_nothing_is_said_where_nothing_is_known():
    nobody = seen(judge="")
    assert (law_words.optimal_range(nobody), law_words.wasted(nobody), law_words.interval(nobody)) == ("", "", "")


def test_extrapolation_is_said_beyond_the_range_only():
    assert law_words.extrapolated(VIEW) == ""
    beyond = law_words.extrapolated(replace(VIEW, extrapolated=30.2))
    assert beyond == "extrapolated: this run is 30x outside the range that hoffmann2022_a1 was fitted on"


def test_parameters_are_named_as_the_law_counts_them():
    conventions = ("total", "non_embedding", "with_head", "flops_over_6", "active")
    words = [law_words.parameters(law("x", params_convention=convention)) for convention in conventions]
    assert words == [
        "parameters",
        *(f"parameters ({kind})" for kind in ("non-embedding", "non-embedding + head", "FLOPs per token / 6", "active")),
    ]
