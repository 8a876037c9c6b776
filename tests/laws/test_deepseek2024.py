from __future__ import annotations

import pytest

from scalecheck.laws import deepseek2024
from scalecheck.laws.deepseek2024 import LAW


@pytest.mark.parametrize("flops", [1e17, 1e20, 3e20, 1e24])
def test_tokens_are_the_papers_own_within_the_rounding_of_its_digits(flops: float) -> None:
    assert deepseek2024.optimal_tokens(flops) / LAW.optimum(flops).tokens == pytest.approx(1.00012, abs=1e-6)


@pytest.mark.parametrize(("flops", "ratio"), [(1e19, 24.34), (1e21, 19.46), (1e24, 13.91), (1e26, 11.12)])
def test_optimal_tokens_per_parameter_fall_with_compute(flops: float, ratio: float) -> None:
    assert LAW.optimum(flops).tokens_per_parameter == pytest.approx(ratio, rel=5e-4)


def test_six_times_n_is_the_papers_m() -> None:
    assert LAW.params_convention == "flops_over_6"
    assert 6 * LAW.optimum(1e20).params == pytest.approx(0.1715 * 1e20**0.5243, rel=1e-12)


def test_attention_adds_to_the_flops_of_the_parameters() -> None:
    assert deepseek2024.training_flops_per_token(1, 10, 0) == 7200
    assert deepseek2024.training_flops_per_token(2, 10, 100) == 2 * (7200 + 12000)


def test_learning_rate_falls_and_batch_grows_with_compute() -> None:
    assert deepseek2024.learning_rate(1e16) == pytest.approx(0.3118 * 1e-2)
    assert deepseek2024.batch_tokens(1e20) / deepseek2024.batch_tokens(1e19) == pytest.approx(10**0.3271)
