from __future__ import annotations

import numpy as np
import pytest

from scalecheck.extrapolation import extrapolation
from scalecheck.fitting import Observations

SIZES, LENGTHS = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e7, 1e9, 6), np.geomspace(1e9, 1e11, 5)))
LOSS = 1.8 + 400 * SIZES**-0.34 + 1500 * LENGTHS**-0.36


def runs(loss: np.ndarray) -> Observations:
    return Observations(params=SIZES, tokens=LENGTHS, loss=loss)


def test_exact_surface_is_predicted_exactly():
    found = extrapolation(runs(LOSS))
    assert found is not None
    assert found.rms_relative_error < 1e-8
    assert found.num_fitted + found.num_predicted == 30
    assert found.num_fitted >= 20


def test_cut_is_by_compute_and_the_factor_is_beyond_it():
    flops = 6 * SIZES * LENGTHS
    found = extrapolation(runs(LOSS))
    assert found is not None
    assert (flops <= found.cut_flops * 1.000001).sum() == found.num_fitted
    assert found.factor == pytest.approx(flops.max() / found.cut_flops)
    assert found.factor > 1


def test_losses_that_bend_beyond_the_cut_show_as_error():
    flops = 6 * SIZES * LENGTHS
    cut = np.sort(flops)[19] * 1.001
    bent = extrapolation(runs(np.where(flops > cut, LOSS * 1.1, LOSS)))
    assert bent is not None
    assert bent.rms_relative_error == pytest.approx(1 - 1 / 1.1, rel=0.05)
    assert bent.max_relative_error == pytest.approx(bent.rms_relative_error, rel=0.05)
    assert bent.bias < 0


def test_too_few_runs_below_give_none():
    assert extrapolation(runs(LOSS).take(np.arange(7))) is None


def test_one_budget_gives_none():
    sizes = np.geomspace(1e7, 1e9, 12)
    assert extrapolation(Observations(params=sizes, tokens=1e19 / 6 / sizes, loss=3 + 0.1 * np.log(sizes / 1e8) ** 2)) is None


def test_one_size_below_gives_none():
    sizes = np.concatenate([np.full(10, 1e7), np.geomspace(1e9, 1e10, 5)])
    tokens = np.concatenate([np.geomspace(1e9, 1e11, 10), np.full(5, 1e12)])
    loss = 1.8 + 400 * sizes**-0.34 + 1500 * tokens**-0.36
    assert extrapolation(Observations(params=sizes, tokens=tokens, loss=loss)) is None
