from __future__ import annotations

import pytest

from scalecheck.laws.llama3_2024 import LAW


@pytest.mark.parametrize("flops", [6e18, 1e22, 3.8e25])
def test_law_gives_tokens_by_the_legend_of_figure_3(flops: float) -> None:
    assert LAW.optimum(flops).tokens == pytest.approx(0.299 * flops**0.537, rel=1e-12)


def test_flagship_budget_is_for_402_billion_parameters_on_16_trillion_tokens() -> None:
    optimum = LAW.optimum(3.8e25)
    assert optimum.params == pytest.approx(402e9, rel=0.05)
    assert 15.8e12 < optimum.tokens < 16.8e12


def test_digits_of_the_text_are_far_from_the_paper_itself() -> None:
    assert pytest.approx(10.5e12, rel=0.005) == 0.29 * 3.8e25**0.53
    assert "10.5T" in LAW.errata[0]


@pytest.mark.parametrize(("flops", "ratio"), [(1e19, 13.66), (1e21, 19.21), (1e24, 32.03), (1e26, 45.03)])
def test_optimal_tokens_per_parameter_rise_with_compute(flops: float, ratio: float) -> None:
    assert LAW.optimum(flops).tokens_per_parameter == pytest.approx(ratio, rel=5e-4)
