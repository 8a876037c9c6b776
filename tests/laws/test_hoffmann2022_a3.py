from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.laws.hoffmann2022_a3 import LAW

ROUNDED = replace(LAW, E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28)
# Hoffmann et al. 2022, Table A3, Approach 3: parameters, tokens.
TABLE_A3 = [(400e6, 9.2e9), (1e9, 27.1e9), (10e9, 410.1e9), (175e9, 12.0e12), (280e9, 20.1e12), (520e9, 43.5e12), (10e12, 1425.5e12)]


def test_coefficients_are_those_of_the_tex_source() -> None:
    assert pytest.approx((1.6933736809989528, 406.4010175194737, 410.7228269450398), rel=1e-14) == (LAW.E, LAW.A, LAW.B)
    assert (LAW.alpha, LAW.beta) == (0.33917084, 0.2849083)


@pytest.mark.parametrize(("flops", "ratio"), [(1e19, 22.72), (1e21, 33.91), (1e24, 61.83), (1e26, 92.27), (5.88e23, 59.04)])
def test_optimal_tokens_per_parameter_rise_with_compute(flops: float, ratio: float) -> None:
    assert LAW.optimum(flops).tokens_per_parameter == pytest.approx(ratio, rel=5e-4)


def test_gophers_budget_is_for_40_billion_parameters() -> None:
    assert LAW.optimum(5.76e23).params == pytest.approx(40e9, rel=0.01)
    assert ROUNDED.optimum(5.76e23).params == pytest.approx(32.2e9, rel=0.001)


def test_rounded_coefficients_are_as_far_from_the_papers_table_as_the_errata_say() -> None:
    told = LAW.errata[1]
    assert all(number in told for number in ("1.57 to 2.22", "1.06 to 1.19", "32.2B", "40.4B"))
    rounded, exact = ([law.tokens_for_model(params) / tokens for params, tokens in TABLE_A3] for law in (ROUNDED, LAW))
    assert (min(rounded), max(rounded)) == pytest.approx((1.57, 2.22), abs=0.005)
    assert (min(exact), max(exact)) == pytest.approx((1.06, 1.19), abs=0.005)


def test_rounded_coefficients_ask_for_93_tokens_per_parameter_at_chinchillas_budget() -> None:
    assert ROUNDED.optimum(5.88e23).tokens_per_parameter == pytest.approx(92.8, abs=0.05)


def test_law_says_that_it_is_superseded() -> None:
    assert LAW.note.startswith("Superseded by besiroglu2024")
    assert LAW.interval(1e21) is None
