from __future__ import annotations

import math

import pytest

from scalecheck.laws.besiroglu2024 import LAW

# 80 % intervals of D*/N* straight from the 4,000 bootstrap refits whose covariance the law carries.
BOOTSTRAP_80 = {1e21: (17.1, 26.15), 5.88e23: (10.2, 28.69), 1e24: (9.76, 28.89), 1e25: (8.07, 29.94), 1e26: (6.69, 31.02)}


def test_loss_of_chinchilla_is_the_sum_of_its_three_terms() -> None:
    assert LAW.loss(70e9, 1.4e12) == pytest.approx(1.97388, abs=5e-6)


@pytest.mark.parametrize(
    ("flops", "tokens_per_parameter"),
    [(1e19, 24.25), (1e20, 22.88), (1e21, 21.59), (1e22, 20.37), (1e23, 19.22), (1e24, 18.14), (1e25, 17.11), (1e26, 16.15)],
)
def test_optimal_tokens_per_parameter_fall_with_compute(flops: float, tokens_per_parameter: float) -> None:
    assert LAW.optimum(flops).tokens_per_parameter == pytest.approx(tokens_per_parameter, rel=5e-4)


def test_exponent_is_the_published_one() -> None:
    assert round(LAW.params_exponent, 4) == 0.5126


@pytest.mark.parametrize(("flops", "bootstrap"), BOOTSTRAP_80.items())
def test_interval_is_near_the_bootstrap_it_summarises(flops: float, bootstrap: tuple[float, float]) -> None:
    assert LAW.interval(flops) == pytest.approx(bootstrap, rel=0.15)


@pytest.mark.parametrize("flops", BOOTSTRAP_80)
def test_interval_is_centred_on_the_laws_own_value(flops: float) -> None:
    interval = LAW.interval(flops)
    assert interval is not None
    assert math.sqrt(math.prod(interval)) == pytest.approx(LAW.optimum(flops).tokens_per_parameter, rel=1e-12)


def test_covariance_is_symmetric_and_gives_the_published_standard_error_of_a() -> None:
    assert LAW.log_covariance is not None
    assert all(row[j] == LAW.log_covariance[j][i] for i, row in enumerate(LAW.log_covariance) for j in range(5))
    total = LAW.alpha + LAW.beta
    gradient = {3: -LAW.beta / total**2, 4: LAW.alpha / total**2}
    variance = sum(gradient[i] * LAW.log_covariance[i][j] * gradient[j] for i in gradient for j in gradient)
    assert math.sqrt(variance) == pytest.approx(0.018, abs=0.002)


def test_refit_quoted_in_the_errata_moves_the_ratio_by_as_much_as_they_say() -> None:
    assert "2.6 %" in LAW.errata[0]
    assert LAW.optimum(5.88e23).tokens_per_parameter / 17.91074 - 1 == pytest.approx(0.026, abs=0.0005)
