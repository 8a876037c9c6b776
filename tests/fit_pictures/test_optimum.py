"""The optimum and its spread: the law's own, the bootstrap's percentiles, approach 2's line, dashed where extrapolated."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scalecheck.drawing.canvas import NARROW
from scalecheck.fit_pictures import optimum


def ratio_of(flops, a, b, alpha, beta):
    """D*/N* of Hoffmann et al. 2022, Eq. 4."""
    params = (alpha * a / (beta * b)) ** (1 / (alpha + beta)) * (flops / 6) ** (beta / (alpha + beta))
    return flops / 6 / params**2


def test_lines_and_bands_are_the_fits(fits):
    found = fits.isoflop()
    made = optimum.scene(found)
    fit = found.fit
    for split in made.splits[:: len(made.splits) // 5]:
        assert split.ratio == pytest.approx(ratio_of(split.flops, fit.A, fit.B, fit.alpha, fit.beta))
        resampled = [
            ratio_of(split.flops, math.exp(log_a), math.exp(log_b), alpha, beta)
            for log_a, log_b, _, alpha, beta in found.resampled.log_coefficients
        ]
        assert split.interval == pytest.approx(tuple(np.exp(np.percentile(np.log(resampled), [2.5, 97.5]))))
        assert split.second == pytest.approx(split.flops / 6 / (found.isoflop.k * split.flops**found.isoflop.a) ** 2)
    assert (made.splits[0].flops, made.splits[-1].flops) == pytest.approx((1e17, 1e24))


def test_panels_show_params_and_ratio(fits):
    found = fits.isoflop()
    left, right = fits.artists_of(optimum.picture(found))
    for axes, height in ((left, lambda best: best.params), (right, lambda best: best.tokens / best.params)):
        expected = sorted((best.flops, height(best)) for best in found.isoflop.optima)
        assert np.array(fits.marks_of(axes, "*")) == pytest.approx(np.array(expected))
        lines = [line for line in axes.lines if line.get_linewidth() == 2.2]
        solid = [line for line in lines if line.get_linestyle() == "-"]
        assert (len(lines), len(solid)) == (3, 1)
        assert (solid[0].get_xdata().min(), solid[0].get_xdata().max()) == pytest.approx((1e18, 1e21), rel=1e-6)
    (solid,) = (line for line in left.lines if line.get_linewidth() == 2.2 and line.get_linestyle() == "-")
    best = found.law.optimum(found.advice[1].flops)
    assert solid.get_ydata()[-1] == pytest.approx(best.params)


def test_the_table_is_the_advice(fits):
    found = fits.isoflop()
    rows = optimum.picture(found).table.rows
    assert len(rows) == len(found.advice) == 5
    assert [row[-1] for row in rows] == ["", "", "10x", "100x", "1,000x"]
    assert all(row[6] for row in rows)
    assert all(row[6] == "" for row in optimum.picture(fits.sardana()).table.rows)
    assert optimum.params_of(6e20, 4.0) == pytest.approx(5e9)


def test_an_interval_of_many_decades_is_cut_and_said_to_be(fits):
    found = fits.sardana()
    picture = optimum.picture(found)
    made = optimum.scene(found)
    assert max(split.interval[1] / split.ratio for split in made.splits) > 100
    _, right = fits.artists_of(picture, NARROW)
    low, high = right.get_ylim()
    ratios = [split.ratio for split in made.splits]
    assert low >= min(ratios) / 1e3 / 1.31
    assert high <= max(ratios) * 1e3 * 1.31
    assert any("goes beyond the picture" in note for note in picture.notes)
    assert any("do not identify" in note for note in picture.notes)


def test_an_optimum_that_the_search_decides_is_not_drawn(fits):
    found = fits.edge()
    assert found.advice == ()
    picture = optimum.picture(found)
    assert picture.draw is None
    assert "the search decides it" in picture.notes[0]
