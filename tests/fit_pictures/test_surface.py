"""A fit's first picture, and what all of them have in common: they draw, they say what is left out, and their texts keep apart."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from scalecheck import fit_pictures, registry
from scalecheck.drawing import canvas, files, fitted_runs, svg
from scalecheck.drawing.canvas import NARROW, SIZES, WIDE
from scalecheck.fit_pictures import surface

FITS = ("sardana", "isoflop", "many", "edge", "few", "exact", "hostile")
NAMES = ("surface", "isoflop", "residuals", "optimum", "extrapolation")
OF_FITS = pytest.mark.parametrize(
    ("found", "name"),
    [
        # isoflop is the one whose runs have an isoFLOP picture
        (fit, name) if fit in ("sardana", name) else pytest.param(fit, name, marks=pytest.mark.extended)
        for fit in FITS
        for name in NAMES
    ],
    indirect=["found"],
)


@pytest.fixture
def found(request, fits):
    return getattr(fits, request.param)()


def test_pictures_stand_in_their_order(fits):
    assert tuple(picture.name for picture in fit_pictures.pictures_of(fits.sardana())) == NAMES
    assert set(registry.names("fit_pictures")) == set(NAMES)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
@OF_FITS
def test_no_text_lies_on_another_and_none_is_cut(found, name, size, texts):
    picture = registry.load("fit_pictures", name).picture(found)
    if picture.draw is None:
        assert picture.notes
    else:
        texts.assert_apart(picture, size, 5)


@OF_FITS
def test_it_draws_to_svg_and_png_or_says_why_not(found, name):
    picture = registry.load("fit_pictures", name).picture(found)
    assert all(len(row) == len(picture.table.head) for row in picture.table.rows)
    assert picture.title
    assert picture.description.endswith(".")
    assert all(note.endswith(".") for note in picture.notes)
    if picture.draw is None:
        return
    assert picture.table.rows
    text = files.drawn(picture, "svg").decode()
    assert len(text) < 300_000
    ET.fromstring(text)
    assert not set(svg._COLOR.findall(canvas.svg_of(picture.draw, NARROW, prefix="p", description="d")))  # each colour is a role
    with Image.open(BytesIO(files.drawn(picture, "png"))) as image:
        assert image.convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)  # on a dark page too


def test_points_are_the_runs_by_the_sign_of_their_miss(fits):
    found = fits.sardana()
    runs, fit = found.table.observations, found.fit
    fitted = fit.E + fit.A / runs.params**fit.alpha + fit.B / runs.tokens**fit.beta
    (axes,) = fits.artists_of(surface.picture(found))
    for marker, chosen in (("^", runs.loss > fitted), ("v", runs.loss <= fitted)):
        assert fits.marks_of(axes, marker) == sorted(zip(runs.params[chosen].tolist(), runs.tokens[chosen].tolist(), strict=True))
        assert chosen.sum() > 10
    for axis, values in ((axes.get_xlim(), runs.params), (axes.get_ylim(), runs.tokens)):
        assert axis[0] < values.min() < values.max() < axis[1]


def test_the_contours_are_those_of_the_fit(fits):
    """On a line of equal loss, the loss of the fit is that of its label."""
    found = fits.isoflop()
    fit = found.fit
    (axes,) = fits.artists_of(surface.picture(found))
    (contours,) = (made for made in axes.collections if hasattr(made, "levels"))
    drawn = 0
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        for params, tokens in path.vertices:
            drawn += 1
            assert fit.E + fit.A / params**fit.alpha + fit.B / tokens**fit.beta == pytest.approx(level, rel=2e-3)
    assert drawn > 100
    assert min(found.table.observations.loss) > min(contours.levels)


def test_the_line_is_the_optimum_and_the_band_the_bootstraps(fits):
    found = fits.isoflop()
    fit, coefficients = found.fit, found.resampled.log_coefficients
    made = surface.scene(found, fit_pictures.runs_of(found))
    for best in (made.optimal[0], made.optimal[30], made.optimal[-1]):
        params, tokens = best.place
        assert 6 * params * tokens == pytest.approx(best.flops)
        # at the optimum both terms fall equally fast with compute (Hoffmann et al. 2022, Eq. 4)
        assert fit.alpha * fit.A / params**fit.alpha == pytest.approx(fit.beta * fit.B / tokens**fit.beta)
        ratios = []
        for log_a, log_b, _, alpha, beta in coefficients:
            scale = (alpha * math.exp(log_a) / (beta * math.exp(log_b))) ** (1 / (alpha + beta))
            optimal = scale * (best.flops / 6) ** (beta / (alpha + beta))
            ratios.append(best.flops / 6 / optimal**2)
        for (params, tokens), percent in ((best.low, 2.5), (best.high, 97.5)):
            assert 6 * params * tokens == pytest.approx(best.flops)
            assert tokens / params == pytest.approx(np.exp(np.percentile(np.log(ratios), percent)))


def test_outside_the_runs_compute_the_line_is_dashed(fits):
    found = fits.isoflop()
    (axes,) = fits.artists_of(surface.picture(found))
    lines = [line for line in axes.lines if line.get_linewidth() == 2.2]
    solid = [line for line in lines if line.get_linestyle() == "-"]
    assert len(lines) == 3
    assert len(solid) == 1
    flops = [6 * x * y for x, y in solid[0].get_xydata()]
    assert (min(flops), max(flops)) == pytest.approx((1e18, 1e21), rel=1e-6)


def test_a_law_that_is_not_identified_says_so_and_one_at_the_edge_has_no_line(fits):
    assert any("do not identify" in note for note in surface.picture(fits.sardana()).notes)
    assert not surface.picture(fits.exact()).notes
    picture = surface.picture(fits.edge())
    assert any("edge of the search" in note for note in picture.notes)
    assert not [line for line in fits.artists_of(picture)[0].lines if line.get_linewidth() == 2.2]


@pytest.mark.extended
def test_of_ten_thousand_runs_some_are_drawn_the_worst_among_them(fits):
    picture = surface.picture(fits.many())
    drawn = picture.draw.args[0].runs
    runs = fit_pictures.runs_of(fits.many())
    assert len(runs) == 10_000
    assert len(drawn) <= fitted_runs.MOST_RUNS
    assert set(fitted_runs.worst_first(runs)[:25]) <= set(drawn)
    assert {runs[0], runs[-1]} <= set(drawn)
    assert any(f"Of 10,000 runs {len(drawn)} are drawn" in note for note in picture.notes)
    assert len(picture.table.rows) <= 300


def test_each_mark_tells_its_run(fits):
    found = fits.sardana()
    root = ET.fromstring(canvas.svg_of(surface.picture(found).draw, WIDE, prefix="p", description="d"))
    titles = [title.text for title in root.iter(f"{{{svg.SVG}}}title")]
    assert sum(title.startswith("N 151.0M, D 755.0B, ") for title in titles) == 1
    assert sum(title.startswith("N ") for title in titles) == 47


def test_the_verdict_leads_and_what_is_hostile_is_cleaned(fits):
    assert fit_pictures.lead(fits.sardana()).startswith("The runs do not identify alpha and beta. ")
    assert fit_pictures.lead(fits.exact()).startswith("The runs identify alpha and beta. ")
    told = dict(fit_pictures.about(fits.hostile()))
    assert all(value.isprintable() and len(value) < 1500 for value in told.values())
    assert told["E"].startswith("1.7 ")


def test_a_picture_that_fails_leaves_the_others(fits, monkeypatch):
    def broken(found):
        raise ZeroDivisionError("no")

    monkeypatch.setattr(registry.load("fit_pictures", "residuals"), "picture", broken)
    made = fit_pictures.pictures_of(fits.exact())
    assert [picture.name for picture in made] == list(NAMES)
    assert made[2].draw is None
    assert "ZeroDivisionError" in made[2].notes[0]
    assert made[3].draw is not None
