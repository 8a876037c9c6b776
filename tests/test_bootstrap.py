from __future__ import annotations

import numpy as np
import pytest

from scalecheck.bootstrap import Bootstrap, bootstrap
from scalecheck.errors import ScalecheckError
from scalecheck.fitting import Observations, fit_surface

PARAMS = 10 ** np.random.default_rng(0).uniform(7.7, 10.2, 240)
TOKENS = PARAMS * 10 ** np.random.default_rng(1).uniform(0, 2.5, 240)
NOISE = np.random.default_rng(2).standard_t(4, 240)
RUNS = Observations(
    params=PARAMS, tokens=TOKENS, loss=(1.8172 + 482.01 * PARAMS**-0.3478 + 2085.43 * TOKENS**-0.3658) * np.exp(0.01 * NOISE)
)
FIT = fit_surface(RUNS)


def test_warm_start_equals_the_full_search_on_twenty_resamples():
    found = bootstrap(RUNS, FIT, resamples=20, seed=7).log_coefficients
    runs = RUNS.in_canonical_order()
    draws = np.random.default_rng(7).multinomial(240, np.full(240, 1 / 240), size=20)
    for counts, coefficients in zip(draws, found, strict=True):
        searched = fit_surface(runs.take(np.repeat(np.arange(240), counts)))
        assert coefficients == pytest.approx(searched.log_coefficients, rel=1e-8)


def test_same_seed_gives_the_same_digits_whatever_the_order_of_rows():
    shuffled = RUNS.take(np.random.default_rng(3).permutation(240))
    first, second = (bootstrap(runs, FIT, resamples=10, seed=1).log_coefficients for runs in (RUNS, shuffled))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, bootstrap(RUNS, FIT, resamples=10, seed=2).log_coefficients)


def test_intervals_hold_the_truth_and_the_fit():
    drawn = bootstrap(RUNS, FIT, resamples=100, seed=0)
    for name, truth in {"A": 482.01, "B": 2085.43, "E": 1.8172, "alpha": 0.3478, "beta": 0.3658, "a": 0.5126}.items():
        low, high = drawn.interval(name, 0.99)
        assert low < truth < high, name
        narrow_low, narrow_high = drawn.interval(name, 0.5)
        assert low < narrow_low < narrow_high < high
    low, high = drawn.ratio_interval(5.88e23, 0.99)
    assert low < 18.4 < high


def test_progress_is_told_to_the_end():
    told: list[tuple[int, int]] = []
    bootstrap(RUNS, FIT, resamples=251, seed=0, progress=lambda done, total: told.append((done, total)))
    assert [total for _, total in told] == [251] * len(told)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (251, 251)


def test_covariance_and_ratio_are_those_of_the_resamples():
    rows = np.array([[6.0, 7.0, 0.6, 0.34, 0.36], [6.1, 7.3, 0.5, 0.35, 0.37], [6.2, 7.2, 0.7, 0.33, 0.38]])
    drawn = Bootstrap(log_coefficients=rows)
    assert np.array(drawn.log_covariance) == pytest.approx(np.cov(rows.T))
    flops = 1e21
    ratios = []
    for log_a, log_b, _, alpha, beta in rows:
        scale = (alpha * np.exp(log_a) / (beta * np.exp(log_b))) ** (1 / (alpha + beta))
        params = scale * (flops / 6) ** (beta / (alpha + beta))
        ratios.append(flops / 6 / params**2)
    assert drawn.ratio_interval(flops, 1.0) == pytest.approx((min(ratios), max(ratios)))


def test_unknown_coefficient_is_refused():
    with pytest.raises(ScalecheckError, match="no coefficient gamma"):
        Bootstrap(log_coefficients=np.zeros((2, 5))).interval("gamma", 0.8)


def test_one_resample_is_refused():
    with pytest.raises(ScalecheckError, match="at least 2"):
        bootstrap(RUNS, FIT, resamples=1, seed=0)
