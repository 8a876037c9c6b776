from __future__ import annotations

import pytest

from scalecheck.laws.muennighoff2023 import LAW, R_D_STAR, R_N_STAR


def test_coefficients_round_to_those_of_the_paper() -> None:
    assert (round(LAW.E, 2), round(LAW.A), round(LAW.B)) == (1.87, 521, 1488)
    assert (round(LAW.alpha, 3), round(R_D_STAR, 1), round(R_N_STAR, 1)) == (0.353, 15.4, 5.3)


def test_coefficients_are_the_repositorys_in_full() -> None:
    assert pytest.approx((1.8691436784054858, 520.8249516599187, 1487.716093782861), rel=1e-14) == (LAW.E, LAW.A, LAW.B)


@pytest.mark.parametrize("flops", [1e18, 1e21, 1e26])
def test_tied_exponents_make_the_optimal_ratio_one_number(flops: float) -> None:
    assert LAW.alpha == LAW.beta
    assert LAW.params_exponent == 0.5
    assert LAW.optimum(flops).tokens_per_parameter == pytest.approx(19.61, rel=5e-4)


def test_gophers_budget_is_for_70_billion_parameters() -> None:
    optimum = LAW.optimum(5.76e23)
    assert optimum.params == pytest.approx(69962173313.52, rel=1e-10)
    assert optimum.tokens == pytest.approx(1.37e12, rel=0.005)
