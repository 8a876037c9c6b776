"""Planning: one question to every law, and what more compute and serving change."""

from __future__ import annotations

import math

import pytest

from scalecheck.errors import ScalecheckError
from scalecheck.outlook import law_named
from scalecheck.planning import (
    LawPlan,
    Question,
    Refusal,
    answers,
    more_compute,
    plan,
    served,
    shipped_laws,
)
from scalecheck.policy_laws import DEFAULT_LAWS

BESIROGLU = law_named("besiroglu2024")


def ask(name, quantity, value):
    return plan(law_named(name), Question(quantity=quantity, value=value))


def test_gophers_budget_is_67_billion_under_approach_1_and_40_billion_under_approach_3():
    assert 67e9 < ask("hoffmann2022_a1", "flops", 5.76e23).optimal_params < 68e9
    assert ask("hoffmann2022_a3", "flops", 5.76e23).optimal_params == pytest.approx(40.36e9, rel=1e-3)


@pytest.mark.parametrize("name", shipped_laws())
def test_every_shipped_law_comes_back_from_its_own_optimum(name):
    budget = ask(name, "flops", 1e22)
    for quantity, value in (("params", budget.optimal_params), ("tokens", budget.optimal_tokens)):
        back = ask(name, quantity, value)
        assert back.training_flops == pytest.approx(1e22, rel=1e-9)
        assert back.tokens_per_parameter == pytest.approx(budget.tokens_per_parameter, rel=1e-9)


def test_loss_is_reached_by_the_budget_that_predicts_it():
    budget = ask("besiroglu2024", "flops", 1e22)
    back = ask("besiroglu2024", "loss", budget.predicted_loss)
    assert back.training_flops == pytest.approx(1e22, rel=1e-6)
    assert back.predicted_loss == pytest.approx(budget.predicted_loss)


def test_laws_judge_in_their_order_and_history_comes_last():
    assert shipped_laws()[: len(DEFAULT_LAWS)] == DEFAULT_LAWS
    assert shipped_laws()[-1] == "kaplan2020"


def test_loss_below_E_and_a_law_without_a_loss_say_so():
    assert "below the irreducible loss E of besiroglu2024, 1.817" in ask("besiroglu2024", "loss", 1.5).reason
    assert ask("hoffmann2022_a1", "loss", 2.2).reason == "no loss"


def test_extrapolation_is_the_factor_beyond_the_fitted_runs():
    assert ask("besiroglu2024", "flops", 1e21).extrapolated == 1.0
    assert ask("besiroglu2024", "flops", 1.3e24).extrapolated == pytest.approx(100)


@pytest.mark.parametrize("value", [1e-300, 1e-3, 1.0])
def test_budget_of_less_than_a_parameter_or_a_token_is_refused(value):
    assert isinstance(ask("besiroglu2024", "flops", value), Refusal)


@pytest.mark.parametrize("quantity", ["params", "tokens", "flops", "loss"])
@pytest.mark.parametrize("value", [5e-324, 1e-100, 1e100, 1e300])
@pytest.mark.parametrize("name", shipped_laws())
def test_absurd_numbers_give_finite_answers_or_a_reason(name, quantity, value):
    answer = ask(name, quantity, value)
    if isinstance(answer, LawPlan):
        assert all(math.isfinite(number) for number in (answer.optimal_params, answer.optimal_tokens, answer.training_flops))
    else:
        assert answer.reason


def test_more_compute_gains_less_and_less_for_each_factor():
    rows = more_compute(1e21, BESIROGLU)
    assert [row.multiple for row in rows] == [1, 2, 10, 100]
    assert rows[0].loss_gained == 0
    assert rows[2].loss_gained == pytest.approx(rows[0].predicted_loss - rows[2].predicted_loss)
    assert rows[3].loss_gained - rows[2].loss_gained < rows[2].loss_gained
    assert rows[2].training_flops == 1e22


def test_more_compute_under_a_law_without_a_loss_is_empty():
    assert more_compute(1e21, law_named("hoffmann2022_a1")) == ()


def test_serving_makes_the_model_smaller_and_the_whole_cheaper_at_the_same_loss():
    only = plan(BESIROGLU, Question(quantity="flops", value=1e22))
    both = served(BESIROGLU, only, 1e12)
    assert BESIROGLU.loss(both.params, both.tokens) == pytest.approx(only.predicted_loss)
    assert both.params < only.optimal_params
    assert both.training_flops > only.training_flops
    assert 0 < both.share_saved < 1
    assert both.total_flops == pytest.approx((1 - both.share_saved) * (1e22 + 2 * only.optimal_params * 1e12))


def test_serving_under_a_law_without_a_surface_is_refused():
    law = law_named("llama3_2024")
    assert isinstance(served(law, plan(law, Question(quantity="flops", value=1e22)), 1e12), Refusal)


def test_serving_where_the_loss_is_E_to_the_last_digit_is_refused():
    only = plan(BESIROGLU, Question(quantity="flops", value=1e280))
    assert isinstance(served(BESIROGLU, only, 1e12), Refusal)


def test_range_is_over_the_laws_that_judge_by_default():
    laws = [law_named(name) for name in shipped_laws()]
    found = answers(laws, Question(quantity="flops", value=1e22), None, loss_law=BESIROGLU)
    assert {item.law for item in found.consensus} == set(DEFAULT_LAWS)
    assert len(found.plans) == len(laws)
    assert found.served == ()


def test_question_without_any_answer_is_one_sentence_with_the_reasons():
    laws = [BESIROGLU, law_named("hoffmann2022_a1")]
    with pytest.raises(ScalecheckError, match=r"^--loss 1: no law that was asked has an answer: below the irreducible .* no loss \(hoff"):
        answers(laws, Question(quantity="loss", value=1.0), None, loss_law=BESIROGLU)
