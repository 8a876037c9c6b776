from __future__ import annotations

import pytest

from scalecheck.laws import kaplan2020
from scalecheck.laws.kaplan2020 import LAW

PF_DAY = 8.64e19


@pytest.mark.parametrize(("pf_days", "params"), [(1, 1.3e9), (10, 1.3e9 * 10**0.73), (1000, 1.3e9 * 1000**0.73)])
def test_optimal_params_are_those_of_table_6(pf_days: float, params: float) -> None:
    assert LAW.optimum(pf_days * PF_DAY).params == pytest.approx(params, rel=1e-12)
    assert kaplan2020.recipe(pf_days * PF_DAY).params == pytest.approx(params, rel=1e-12)


@pytest.mark.parametrize(("flops", "ratio"), [(1e19, 22.98), (1e21, 2.762), (1e24, 0.1152), (1e26, 0.01384)])
def test_optimal_tokens_per_parameter_fall_fast_with_compute(flops: float, ratio: float) -> None:
    assert LAW.optimum(flops).tokens_per_parameter == pytest.approx(ratio, rel=5e-4)


def test_table_6_spends_twice_the_least_compute_less_a_little() -> None:
    recipe = kaplan2020.recipe(PF_DAY)
    assert 6 * recipe.params * recipe.tokens / PF_DAY == pytest.approx(1.806, abs=0.001)
    assert recipe.tokens / LAW.optimum(PF_DAY).tokens == pytest.approx(1.8, abs=0.01)


def test_a_recipe_grows_in_all_but_steps() -> None:
    small, large = kaplan2020.recipe(PF_DAY), kaplan2020.recipe(10 * PF_DAY)
    growth = (large.tokens / small.tokens, large.batch_tokens / small.batch_tokens, large.steps / small.steps)
    assert growth == pytest.approx((10**0.27, 10**0.24, 10**0.03), rel=1e-9)


@pytest.mark.parametrize(
    ("loss", "scale", "exponent"),
    [
        (kaplan2020.loss_of_params, 8.8e13, 0.076),
        (kaplan2020.loss_of_tokens, 5.4e13, 0.095),
        (kaplan2020.loss_of_flops, 1.6e7 * PF_DAY, 0.057),
        (kaplan2020.loss_of_min_flops, 3.1e8 * PF_DAY, 0.050),
    ],
    ids=["N", "D", "C", "C_min"],
)
def test_plain_power_law_is_one_nat_at_its_scale_and_falls_by_its_exponent(loss, scale: float, exponent: float) -> None:
    assert loss(scale) == pytest.approx(1.0, rel=1e-12)
    assert loss(scale / 1e6) == pytest.approx(1e6**exponent, rel=1e-9)


def test_loss_of_params_and_tokens_has_the_plain_laws_as_its_limits() -> None:
    assert kaplan2020.loss(1e9, 1e30) == pytest.approx((6.4e13 / 1e9) ** 0.076, rel=1e-6)
    assert kaplan2020.loss(1e60, 1e9) == pytest.approx((1.8e13 / 1e9) ** 0.103, rel=1e-6)
    assert kaplan2020.loss(1e9, 1e9) > kaplan2020.loss(1e9, 1e10) > kaplan2020.loss(1e10, 1e10)


def test_predicted_exponent_is_near_the_fitted_one() -> None:
    assert pytest.approx(0.052, abs=5e-4) == kaplan2020.PREDICTED_ALPHA_C_MIN


def test_training_nearer_to_convergence_takes_a_smaller_model_and_more_compute() -> None:
    cost = kaplan2020.relative_cost(0.02, 0.10)
    assert cost.params == pytest.approx(1 / 2.7007, rel=1e-4)
    assert cost.steps == pytest.approx(1 / 0.13288, rel=1e-4)
    assert cost.params * cost.tokens == pytest.approx(1 / 0.35887, rel=1e-4)


def test_training_as_far_from_convergence_costs_the_same() -> None:
    same = kaplan2020.relative_cost(0.1, 0.1)
    assert (same.params, same.tokens, same.batch_tokens, same.steps) == (1, 1, 1, 1)


def test_law_says_that_it_is_history() -> None:
    assert LAW.note.startswith("History")
    assert LAW.params_convention == "non_embedding"
