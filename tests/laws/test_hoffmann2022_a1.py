from __future__ import annotations

import math
from statistics import linear_regression

import pytest

from scalecheck.laws.hoffmann2022_a1 import LAW

# Hoffmann et al. 2022, Table 3: parameters, FLOPs, tokens.
TABLE_3 = [
    (400e6, 1.92e19, 8.0e9),
    (1e9, 1.21e20, 20.2e9),
    (10e9, 1.23e22, 205.1e9),
    (67e9, 5.76e23, 1.5e12),
    (175e9, 3.85e24, 3.7e12),
    (280e9, 9.90e24, 5.9e12),
    (520e9, 3.43e25, 11.0e12),
    (1e12, 1.27e26, 21.2e12),
    (10e12, 1.30e28, 216.2e12),
]


def test_coefficients_are_the_regression_of_table_3() -> None:
    params, flops, _ = zip(*TABLE_3, strict=True)
    slope, intercept = linear_regression([math.log(c) for c in flops], [math.log(n) for n in params])
    assert LAW.a == pytest.approx(slope, rel=1e-9)
    assert LAW.k == pytest.approx(math.exp(intercept), rel=1e-9)


@pytest.mark.parametrize(("params", "flops", "tokens"), TABLE_3)
def test_table_3_comes_back(params: float, flops: float, tokens: float) -> None:
    optimum = LAW.optimum(flops)
    assert optimum.params == pytest.approx(params, rel=0.013)
    # The 67B row's tokens are rounded up from 1.43T.
    assert optimum.tokens == pytest.approx(tokens, rel=0.06 if params == 67e9 else 0.01)


def test_value_of_appendix_d4_that_was_not_fitted() -> None:
    assert LAW.optimum(1e21).params == pytest.approx(2.86e9, rel=0.005)


def test_derived_exponent_lies_inside_the_published_interval() -> None:
    assert 0.488 < LAW.a < 0.502
