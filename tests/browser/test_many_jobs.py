"""Sweeps of hundreds and of thousands of jobs: a file that can be sent, and a page that opens."""

from __future__ import annotations

MOST_BYTES = 1_000_000


def opened(browser, path, screen, number):
    page = browser.open(path, screen)
    assert page.faults() == []
    assert f"{number:,}" in page.run("return document.body.innerText")
    assert page.run("return document.documentElement.scrollWidth") == screen.width
    assert page.measure("overlaps", 1.5) == []
    assert page.measure("cut", 1) == []
    return page.seconds


def test_two_hundred_composed_jobs_are_below_a_megabyte_and_open_at_once(browser, made, tmp_path, phone, desktop):
    path = made.many(tmp_path, 200)
    assert path.stat().st_size < MOST_BYTES
    assert opened(browser, path, phone, 200) < 10
    assert opened(browser, path, desktop, 200) < 10


def test_ten_thousand_jobs_open(browser, made, tmp_path, phone):
    found = made.copies(made.report(tmp_path), 10_000)
    path = made.written(tmp_path / "many.html", found)
    assert path.stat().st_size < 10 * MOST_BYTES
    assert opened(browser, path, phone, 10_000) < 30
