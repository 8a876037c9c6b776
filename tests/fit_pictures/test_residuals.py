"""The residuals: measured minus fitted in percent of the measured loss, about a zero line, the largest named."""

from __future__ import annotations

import numpy as np
import pytest

from scalecheck.fit_pictures import residuals


def misses(found):
    runs, fit = found.table.observations, found.fit
    return 100 * (runs.loss - fit.E - fit.A / runs.params**fit.alpha - fit.B / runs.tokens**fit.beta) / runs.loss


def test_points_are_the_misses_against_compute(fits):
    found = fits.sardana()
    runs = found.table.observations
    (axes,) = fits.artists_of(residuals.picture(found))
    drawn = sorted([*fits.marks_of(axes, "^"), *fits.marks_of(axes, "v")])
    expected = sorted(zip((6 * runs.params * runs.tokens).tolist(), misses(found).tolist(), strict=True))
    assert len(drawn) == 47
    assert np.array(drawn) == pytest.approx(np.array(expected))
    assert all(y > 0 for _, y in fits.marks_of(axes, "^"))
    assert any(set(line.get_ydata()) == {0} for line in axes.lines)


def test_the_table_names_the_largest_first(fits):
    found = fits.sardana()
    picture = residuals.picture(found)
    largest = int(np.argmax(np.abs(misses(found))))
    runs = found.table.observations
    assert (runs.params[largest], runs.tokens[largest]) == (151e6, 755e9)
    first = picture.table.rows[0]
    assert first[:2] == ("151.0M", "755.0B")
    assert first[-1] == f"{misses(found)[largest]:+.2f} %"
    assert [abs(float(row[-1].split()[0])) for row in picture.table.rows] == sorted(
        (abs(float(row[-1].split()[0])) for row in picture.table.rows), reverse=True
    )
    assert len(picture.table.rows) == residuals.NUM_NAMED
    assert first[-1] in picture.description


@pytest.mark.parametrize("number", [2_000, pytest.param(10_000, marks=pytest.mark.extended)])
def test_the_notes_sum_up_all_runs(fits, number):
    found = fits.many(number)
    rms = np.sqrt(np.mean(misses(found) ** 2))
    picture = residuals.picture(found)
    assert picture.notes[0].startswith(f"The root mean square is {rms:.2f} %")
    assert f"{(misses(found) > 0).sum():,} of {number:,} runs lie above the fit." in picture.notes[0]
    assert picture.draw.args[0].rms == pytest.approx(rms)


def test_a_fit_without_any_miss_is_drawn(fits):
    (axes,) = fits.artists_of(residuals.picture(fits.exact()))
    low, high = axes.get_ylim()
    assert low < 0 < high
