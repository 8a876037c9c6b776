"""Fits that the tests of their pictures look at, and what of a drawing they measure."""

from __future__ import annotations

import itertools
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


def drawn_texts(picture, size):
    """Draw it and return the figure's texts with their boxes, and its width and height."""
    kept = []

    def draw(made):
        picture.draw(made)
        figure = made.figure
        figure.draw_without_rendering()
        hidden = _hidden_ticks(figure)
        for text in figure.findobj(match=lambda artist: artist.__class__.__name__ in ("Text", "Annotation")):
            if text.get_text().strip() and text.get_visible() and text not in hidden:
                kept.append((text.get_text(), text.get_window_extent()))
        kept.append(("", figure.bbox.frozen()))

    canvas.png_of(draw, size, pixels_per_unit=1)
    return kept[:-1], kept[-1][1]


def _hidden_ticks(figure):
    """Ticks beyond the limits keep their words and are not drawn."""
    hidden = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        shown = axis._update_ticks()
        ticks = {*axis.get_major_ticks(), *axis.get_minor_ticks(), *shown}
        hidden |= {label for tick in ticks for label in (tick.label1, tick.label2) if tick not in shown}
    return hidden


def assert_texts_are_apart(picture, size):
    texts, figure = drawn_texts(picture, size)
    assert len(texts) > 5
    for (words, one), (others, other) in itertools.combinations(texts, 2):
        assert not one.padded(-0.5).overlaps(other.padded(-0.5)), f"{words!r} lies on {others!r}"
    for words, box in texts:
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= figure.width + 1 and box.y1 <= figure.height + 1, words


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
