"""The first picture as SVG."""

from __future__ import annotations

from lxml import etree

from scalecheck.formats.svg import render


def test_picture_of_a_report(report_of):
    report = report_of(report_of.parts[0] | report_of.parts[1])
    made = render(report)
    root = etree.fromstring(made.encode())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("aria-label")
    assert render(report) == made
    assert render(report, color=True) == made
