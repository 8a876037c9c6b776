"""IsoFLOP parabolas: those that least squares give, their lowest points, and a sentence where the runs have none."""

from __future__ import annotations

import numpy as np
import pytest

from scalecheck.fit_pictures import isoflop


def parabola(found, flops):
    """Least squares by numpy's own, in another basis: coefficients of loss in ln N, and the runs."""
    runs = found.table.observations
    near = np.abs(np.log(6 * runs.params * runs.tokens / flops)) < 0.01
    return np.polyfit(np.log(runs.params[near]), runs.loss[near], 2), runs.params[near], runs.loss[near]


def test_curves_and_lowest_points_are_least_squares(fits):
    found = fits.isoflop()
    budgets = isoflop.budgets_of(found, found.isoflop)
    assert len(budgets) == 4
    for budget, flops in zip(budgets, fits.BUDGETS, strict=True):
        coefficients, sizes, losses = parabola(found, flops)
        assert sorted(budget.runs) == sorted(zip(sizes.tolist(), losses.tolist(), strict=True))
        places = isoflop.parabola(budget)
        assert (places[0][0], places[-1][0]) == pytest.approx((sizes.min(), sizes.max()))
        assert [y for _, y in places] == pytest.approx([np.polyval(coefficients, np.log(x)) for x, _ in places], rel=1e-6)
        lowest = -coefficients[1] / (2 * coefficients[0])
        assert budget.optimum.params == pytest.approx(np.exp(lowest), rel=1e-5)


def test_what_is_drawn_is_that(fits):
    found = fits.isoflop()
    picture = isoflop.picture(found)
    (axes,) = fits.artists_of(picture)
    stars = fits.marks_of(axes, "*")
    assert stars == sorted((best.params, best.loss) for best in found.isoflop.optima)
    assert len([line for line in axes.lines if len(line.get_xdata()) > 40]) == 4
    words = {text.get_text() for text in axes.texts}
    assert {"1e18", "1e19", "1e20", "1e21"} <= words
    assert [row[0] for row in picture.table.rows] == ["1.00e18", "1.00e19", "1.00e20", "1.00e21"]
    assert f"C^{found.isoflop.a:.3f}" in picture.description


def test_a_budget_without_a_lowest_point_has_points_only(fits):
    found = fits.isoflop(last=(2.0, 3.0, 4.0, 5.0))
    picture = isoflop.picture(found)
    assert isoflop.parabola(picture.draw.args[0][-1]) == []
    assert picture.table.rows[-1][2] == "not inside"
    assert any("1 of 4" in note for note in picture.notes)
    (axes,) = fits.artists_of(picture)
    assert len(fits.marks_of(axes, "*")) == 3


@pytest.mark.parametrize("name", ["sardana", "few", "edge"])
def test_without_budgets_the_fits_own_sentence_says_why(fits, name):
    found = getattr(fits, name)()
    picture = isoflop.picture(found)
    assert isinstance(found.isoflop, str)
    assert picture.draw is None
    assert picture.notes == (found.isoflop,)
    assert picture.table.rows == ()


def test_one_budget_has_no_picture(fits):
    exact = fits.exact().table.observations
    params = np.array([1.0, 2.0, 4.0]) * 3e7
    tokens = 1e19 / 6 / params
    found = fits.fit_of(
        np.concatenate([exact.params, params]),
        np.concatenate([exact.tokens, tokens]),
        np.concatenate([exact.loss, fits.surface(params, tokens)]),
    )
    picture = isoflop.picture(found)
    assert picture.draw is None
    assert "a line needs at least two" in picture.notes[0]


@pytest.mark.parametrize("number", [500, pytest.param(10_000, marks=pytest.mark.extended)])
def test_of_many_budgets_some_are_drawn_and_the_table_has_all(fits, number):
    picture = isoflop.picture(fits.many(number))
    drawn = picture.draw.args[0]
    assert len(drawn) == isoflop.MOST_BUDGETS
    assert len(picture.table.rows) > isoflop.MOST_BUDGETS
    assert any(f"Of {len(picture.table.rows)} budgets 14 are drawn" in note for note in picture.notes)
