"""Fits that the tests of their pictures look at, and what of a drawing they measure."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scalecheck.drawing import canvas
from scalecheck.fitting import Observations
from scalecheck.own_fit import Asked, fit_runs
from scalecheck.runs_table import Columns, RunsTable, read_runs

SARDANA = Path(__file__).parents[1] / "data" / "sardana.csv"
BUDGETS = (1e18, 1e19, 1e20, 1e21)
E, A, B, ALPHA, BETA = 1.7, 400.0, 410.0, 0.34, 0.28
HOSTILE = "<script>alert(1)</script> $x_1$ \x00 \u202eשלום \ud800 & " + "x" * 10_000


def surface(params, tokens):
    return E + A * params**-ALPHA + B * tokens**-BETA


def asked(resamples=20, source="runs.csv"):
    return Asked(name="mine", source=source, params_convention="total", resamples=resamples, seed=0)


def fit_of(params, tokens, loss, source="runs.csv", column="loss", resamples=20):
    runs = Observations(params=params, tokens=tokens, loss=loss)
    used = {"params": "params", "tokens": "tokens", "loss": column}
    return fit_runs(RunsTable(observations=runs, num_rows=len(runs), used=used, notes=()), asked(resamples, source))


@cache
def sardana():
    return fit_runs(read_runs(SARDANA, Columns(), {}), asked())


@cache
def isoflop(budgets=BUDGETS, multiples=(0.3, 0.6, 1.2, 2.0, 4.0), last=(0.3, 0.6, 1.2, 2.0, 4.0)):
    """Runs on isoFLOP budgets with a noise of 0.3 %; the last budget has multiples of its own."""
    random = np.random.default_rng(0)
    scale = (ALPHA * A / (BETA * B)) ** (1 / (ALPHA + BETA))
    pairs = [(flops, multiple) for flops in budgets for multiple in (last if flops == budgets[-1] else multiples)]
    flops = np.array([flops for flops, _ in pairs])
    params = np.array([scale * (flops / 6) ** (BETA / (ALPHA + BETA)) * multiple for flops, multiple in pairs])
    tokens = flops / 6 / params
    return fit_of(params, tokens, surface(params, tokens) * np.exp(random.normal(0, 0.003, len(pairs))))


@cache
def many(number=10_000):
    random = np.random.default_rng(1)
    params = 10 ** random.uniform(7, 10, number)
    tokens = params * 10 ** random.uniform(0.5, 2.5, number)
    return fit_of(params, tokens, surface(params, tokens) * np.exp(random.normal(0, 0.005, number)))


@cache
def edge():
    """Losses that do not fall with D: the fit makes B vanish."""
    params = np.repeat(np.geomspace(1e7, 1e9, 5), 4)
    tokens = np.tile(np.geomspace(1e9, 1e11, 4), 5)
    return fit_of(params, tokens, 1.7 + 400 * params**-0.34)


@cache
def few():
    """Seven runs: too few to hold some out."""
    params = np.array([1e7, 1e7, 3e7, 3e7, 1e8, 1e8, 3e8])
    tokens = np.array([1e9, 1e10, 2e9, 2e10, 4e9, 1e9, 1e10])
    return fit_of(params, tokens, surface(params, tokens) * np.array([1, 1.002, 0.999, 1, 1.001, 1, 0.998]))


@cache
def exact():
    params = np.repeat(np.geomspace(1e7, 1e9, 5), 4)
    tokens = params * np.tile([4.0, 15.0, 60.0, 250.0], 5)
    return fit_of(params, tokens, surface(params, tokens))


@cache
def hostile():
    found = exact().table.observations
    return fit_of(found.params, found.tokens, found.loss, source=HOSTILE, column=HOSTILE)


def artists_of(picture, size=canvas.WIDE):
    """Draw it and return its axes, as they were drawn."""
    kept = []

    def draw(made):
        picture.draw(made)
        kept.extend(made.figure.axes)

    canvas.png_of(draw, size, pixels_per_unit=1)
    return kept


def marks_of(axes, marker):
    """The places of all marks of a shape in some axes."""
    return sorted((float(x), float(y)) for line in axes.lines if line.get_marker() == marker for x, y in line.get_xydata())


@pytest.fixture(scope="session")
def fits():
    """All of the above, by name."""
    return SimpleNamespace(**globals())
