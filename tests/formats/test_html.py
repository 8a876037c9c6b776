"""The page as a format; what stands on it is told in tests/page."""

from __future__ import annotations

from scalecheck import page
from scalecheck.formats.html import render


def test_page_of_a_report(report_of):
    report = report_of(report_of.parts[0] | report_of.parts[1])
    made = render(report)
    assert made == page.html_of_report(report)
    assert made.startswith("<!DOCTYPE html>\n<html lang=")


def test_hostile_text_never_fails_it(filled, hostile_text, monkeypatch):
    monkeypatch.setattr("scalecheck.page.drawings.of_report", lambda _: ())
    assert render(filled(hostile_text)).encode().decode()
