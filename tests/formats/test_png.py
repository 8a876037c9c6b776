"""The first picture as PNG."""

from __future__ import annotations

import io

from PIL import Image

from scalecheck.formats import png


def test_picture_of_a_report(report_of):
    made = png.render(report_of(report_of.parts[0] | report_of.parts[1]))
    image = Image.open(io.BytesIO(made))
    image.load()
    assert image.format == "PNG"
    assert image.getextrema() != ((255, 255),) * len(image.getbands()), "something is drawn"
    assert png.BINARY
