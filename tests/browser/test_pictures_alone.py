"""A picture in a file of its own opens as an image, in the colours of its viewer."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, made):
    return made.alone(tmp_path_factory.mktemp("alone"))


def test_every_picture_opens_as_a_page_and_as_an_image(browser, pictures, tmp_path, desktop):
    assert len(pictures) >= 3
    for picture in pictures:
        colors = {}
        for scheme in ("light", "dark"):
            page = browser.open(picture, desktop, scheme)
            assert page.faults() == [], picture.name
            colors[scheme] = page.run("return getComputedStyle(document.documentElement).backgroundColor")
            assert page.measure("overlaps", 1.5) == [], picture.name
            assert page.measure("cut", 1) == [], picture.name
        assert colors["light"] != colors["dark"]
        shown = tmp_path / "shown.html"
        shown.write_text(f"<!DOCTYPE html><meta charset=utf-8><title>x</title><img src='{picture.as_uri()}'>")
        page = browser.open(shown, desktop)
        assert page.run("return document.images[0].naturalWidth") > 300, picture.name
