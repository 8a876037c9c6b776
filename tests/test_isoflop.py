from __future__ import annotations

import numpy as np
import pytest

from scalecheck.fitting import Observations
from scalecheck.isoflop import IsoflopFit, fit_isoflop

BUDGETS = (1e18, 1e19, 1e20, 1e21)
K, A = 0.05, 0.52


def runs(budgets: tuple[float, ...], multiples: tuple[float, ...], jitter: float = 0.0) -> Observations:
    random = np.random.default_rng(0)
    flops = np.repeat(budgets, len(multiples)) * (1 + jitter * random.uniform(0, 1, len(budgets) * len(multiples)))
    params = np.concatenate([K * budget**A * np.array(multiples) for budget in budgets])
    loss = 2 + 1e3 * flops**-0.16 + 0.02 * np.log(params / (K * flops**A)) ** 2
    return Observations(params=params, tokens=flops / 6 / params, loss=loss)


def test_exact_parabolas_give_back_the_law():
    fit = fit_isoflop(runs(BUDGETS, (0.3, 0.6, 1.2, 2.0, 4.0)))
    assert isinstance(fit, IsoflopFit)
    assert fit.a == pytest.approx(A, rel=1e-8)
    assert fit.k == pytest.approx(K, rel=1e-6)
    assert fit.budgets == pytest.approx(BUDGETS)
    assert [optimum.num_runs for optimum in fit.optima] == [5] * 4
    assert fit.optima[0].params * fit.optima[0].tokens * 6 == pytest.approx(1e18)


def test_budgets_that_miss_by_rounding_are_one_budget():
    fit = fit_isoflop(runs(BUDGETS, (0.3, 0.6, 1.2, 2.0, 4.0), jitter=0.03))
    assert isinstance(fit, IsoflopFit)
    assert len(fit.optima) == 4
    assert fit.a == pytest.approx(A, abs=0.05)


def test_budget_whose_minimum_is_outside_is_left_out_and_counted():
    inside, outside = runs(BUDGETS[:3], (0.3, 1.0, 3.0)), runs(BUDGETS[3:], (2.0, 3.0, 4.0))
    both = {name: np.concatenate([getattr(inside, name), getattr(outside, name)]) for name in ("params", "tokens", "loss")}
    fit = fit_isoflop(Observations(**both))
    assert isinstance(fit, IsoflopFit)
    assert fit.budgets == pytest.approx(BUDGETS[:3])
    assert fit.num_left_out == 1


def test_downward_parabola_is_no_optimum():
    observations = runs(BUDGETS, (0.3, 1.0, 3.0))
    upside_down = Observations(params=observations.params, tokens=observations.tokens, loss=10 - observations.loss)
    found = fit_isoflop(upside_down)
    assert isinstance(found, str)
    assert "0 of 4" in found


@pytest.mark.parametrize(
    ("observations", "said"),
    [(runs(BUDGETS[:1], (0.3, 1.0, 3.0)), "within 5 %: 1"), (runs(BUDGETS, (0.5, 2.0)), "within 5 %: 0")],
    ids=["one_budget", "two_sizes_each"],
)
def test_no_isoflop_design_is_said(observations, said):
    found = fit_isoflop(observations)
    assert isinstance(found, str)
    assert said in found
