"""The held-out test: the runs above the cut beside what the fit to the others predicts, with the errors that the fit tells."""

from __future__ import annotations

import numpy as np
import pytest

from scalecheck.fit_pictures import extrapolation
from scalecheck.fitting import Observations, fit_surface


def test_points_are_the_runs_above_the_cut_under_a_fit_to_the_others(fits):
    found = fits.sardana()
    runs, cut = found.table.observations, found.held_out.cut_flops
    flops = 6 * runs.params * runs.tokens
    small = flops <= cut
    fit = fit_surface(Observations(params=runs.params[small], tokens=runs.tokens[small], loss=runs.loss[small]))
    predicted = fit.E + fit.A / runs.params**fit.alpha + fit.B / runs.tokens**fit.beta
    left, right = fits.artists_of(extrapolation.picture(found))
    expected = sorted(zip(runs.loss[~small].tolist(), predicted[~small].tolist(), strict=True))
    assert len(expected) == found.held_out.num_predicted == 15
    assert np.array(fits.marks_of(left, "D")) == pytest.approx(np.array(expected))
    errors = 100 * (predicted / runs.loss - 1)
    assert np.array(fits.marks_of(right, "D")) == pytest.approx(
        np.array(sorted(zip(flops[~small].tolist(), errors[~small].tolist(), strict=True)))
    )
    assert len(fits.marks_of(left, "o")) == 32
    assert any(list(line.get_xdata()) == [cut, cut] for line in right.lines)


def test_the_table_has_the_errors_the_largest_first(fits):
    found = fits.sardana()
    picture = extrapolation.picture(found)
    test = found.held_out
    errors = np.array([float(row[-1].split()[0]) for row in picture.table.rows])
    assert len(errors) == test.num_predicted
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(100 * test.rms_relative_error, abs=0.01)
    assert abs(errors[0]) == pytest.approx(100 * test.max_relative_error, abs=0.006) == np.abs(errors).max()
    assert errors.mean() == pytest.approx(100 * test.bias, abs=0.01)
    assert f"{100 * test.rms_relative_error:.2f} %" in picture.description


def test_nothing_held_out_is_said(fits):
    found = fits.few()
    assert found.held_out is None
    picture = extrapolation.picture(found)
    assert picture.draw is None
    assert picture.notes[0].startswith("Nothing was held out")


@pytest.mark.extended
def test_of_ten_thousand_runs_some_are_drawn(fits):
    picture = extrapolation.picture(fits.many())
    made = picture.draw.args[0]
    assert max(len(made.fitted), len(made.held_out)) <= 250
    assert sum("are drawn" in note for note in picture.notes) == 2
