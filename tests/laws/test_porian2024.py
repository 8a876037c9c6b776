from __future__ import annotations

import pytest

from scalecheck.laws.porian2024 import LADDER, LAW


@pytest.mark.parametrize(("flops", "ratio"), [(1e19, 15.46), (1e21, 15.91), (1e24, 16.61), (1e26, 17.09)])
def test_optimal_tokens_per_parameter_hardly_move_with_compute(flops: float, ratio: float) -> None:
    assert LAW.optimum(flops).tokens_per_parameter == pytest.approx(ratio, rel=5e-4)


def test_chinchillas_budget_is_for_77_billion_parameters_within_the_published_interval() -> None:
    optimum = LAW.optimum(5.88e23)
    assert optimum.params == pytest.approx(77e9, rel=0.01)
    assert 13.1 < optimum.tokens_per_parameter < 20.0


def test_exponent_lies_in_its_published_interval() -> None:
    assert 0.4907 < LAW.a < 0.5045


def test_ladder_leads_from_kaplans_exponent_down_to_the_law() -> None:
    exponents = [a for _, a in LADDER.values()]
    assert [round(a, 3) for a in exponents] == [0.835, 0.706, 0.602, 0.571, 0.497]
    assert (LAW.k, LAW.a) == LADDER["tuned_no_decay"]


def test_its_parameters_are_those_of_the_blocks_and_the_head() -> None:
    assert LAW.params_convention == "with_head"
