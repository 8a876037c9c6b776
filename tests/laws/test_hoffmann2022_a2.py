from __future__ import annotations

import math
from statistics import linear_regression

import pytest

from scalecheck.laws.hoffmann2022_a2 import LAW

# Rows of Hoffmann et al. 2022, Table A3, Approach 2, that lie on one line: parameters, FLOPs, tokens.
TABLE_A3 = [
    (400e6, 1.84e19, 7.7e9),
    (1e9, 1.20e20, 20.0e9),
    (10e9, 1.32e22, 219.5e9),
    (175e9, 4.54e24, 4.3e12),
    (280e9, 1.18e25, 7.1e12),
    (520e9, 4.19e25, 13.4e12),
    (10e12, 1.75e28, 292.0e12),
]


def test_exponent_is_near_a_regression_of_the_rows() -> None:
    params, flops, _ = zip(*TABLE_A3, strict=True)
    slope, _ = linear_regression([math.log(c) for c in flops], [math.log(n) for n in params])
    assert LAW.a == pytest.approx(slope, rel=2e-4)


@pytest.mark.parametrize(("params", "flops", "tokens"), TABLE_A3)
def test_table_a3_comes_back(params: float, flops: float, tokens: float) -> None:
    optimum = LAW.optimum(flops)
    assert optimum.params == pytest.approx(params, rel=0.006)
    assert optimum.tokens == pytest.approx(tokens, rel=0.011)


def test_derived_exponent_rounds_to_the_published_one_and_lies_in_its_interval() -> None:
    assert round(LAW.a, 2) == 0.49
    assert 0.462 < LAW.a < 0.534


@pytest.mark.parametrize(("flops", "ratio"), [(1e19, 19.15), (1e21, 21.00), (1e24, 24.14), (1e26, 26.48)])
def test_optimal_tokens_per_parameter_rise_with_compute(flops: float, ratio: float) -> None:
    assert LAW.optimum(flops).tokens_per_parameter == pytest.approx(ratio, rel=5e-4)
