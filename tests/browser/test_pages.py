"""Pages of a run, a sweep, two fits and a ledger: at a desk and on a phone, light and dark, in print, and without scripts."""

from __future__ import annotations

import json

import pytest

PAGES = ("single", "sweep", "fit", "isoflop", "ledger")
TOOLTIP = "return [...document.querySelectorAll('[role=tooltip]')].find((node) => measure.seen(node) && measure.words(node)) || null"
BOX = "const box = arguments[0].getBoundingClientRect(); return [box.left, box.top, box.right, box.bottom, innerWidth, innerHeight]"
MOST_MARKS = 6  # of each picture


@pytest.fixture(scope="module", params=PAGES)
def path(request, pages):
    return pages(request.param)


@pytest.fixture(scope="module")
def page(browser, path, view):
    return browser.open(path, *view)


def test_nothing_is_asked_for_and_nothing_is_complained_of(page):
    assert page.faults() == []
    assert len(page.requests) == 1


def test_text_of_pictures_does_not_overlap_and_is_not_cut_off(page):
    assert page.measure("pictures")
    assert page.measure("overlaps", 1.5) == []
    assert page.measure("cut", 1) == []


def test_text_can_be_told_from_its_ground(page, view):
    assert page.measure("pale", 4.5) == []
    assert page.measure("faint", 3) == []
    lightness = page.run("return measure.luminance(measure.ground(document.body))")
    assert lightness > 0.8 if view[1] == "light" else lightness < 0.05


def test_page_is_no_wider_than_the_screen(page, view):
    assert page.run("return [document.documentElement.scrollWidth, innerWidth]") == [view[0].width] * 2
    assert page.measure("clipped") == []


def test_pointer_on_a_mark_is_told_what_it_is(browser, path, screen):
    """A mouse is moved over marks, a finger taps on them; what is told is what the mark's title says, and stays inside of the window."""
    page, reached = browser.open(path, screen), 0
    for picture in page.measure("pictures"):
        marks = page.run("return [...arguments[0].querySelectorAll('.mark')]", picture)
        for mark in marks[:: max(1, len(marks) // MOST_MARKS)]:
            if not screen.is_phone:
                page.move(1, 1)  # away from the last mark, so that it enters the next one
            page.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", mark)
            page.settle()
            place = page.run("return measure.spot(arguments[0])", mark)
            if place is None:
                continue  # another mark lies over it
            (page.tap if screen.is_phone else page.move)(*place)
            said = page.run("return measure.words({textContent: measure.told(arguments[0])})", mark)
            tooltip = page.wait(TOOLTIP)
            if not tooltip and screen.is_phone:  # the scroll to it may end after the tap, and scrolling hides what is told
                page.tap(*place)
                tooltip = page.wait(TOOLTIP)
            assert tooltip, f"nothing is told at {said!r}"
            assert page.run("return measure.words(arguments[0])", tooltip)
            shown = page.run("return arguments[0].textContent.replace(/\\s/g, '')", tooltip)
            assert "".join(said.split()) == shown
            left, top, right, bottom, width, height = page.run(BOX, tooltip)
            assert left >= 0
            assert top >= 0
            assert right <= width
            assert bottom <= height
            reached += 1
    assert reached >= 3
    page.press("Escape", 27)
    assert page.run(TOOLTIP) is None
    assert page.faults() == []


def test_print_is_light_and_nothing_is_left_out(browser, path, screen):
    page = browser.open(path, screen, "dark")
    browser.emulate("dark", "print")
    assert page.run("return measure.luminance(measure.ground(document.body))") > 0.95
    assert page.measure("pale", 4.5) == []
    assert page.measure("hidden") == []
    assert page.measure("pictures")


def test_printer_gets_pages(browser, path, desktop):
    pdf = browser.open(path, desktop).pdf()
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") >= 1


def test_without_scripts_all_is_there(browser, path, screen):
    """A finger has no use for the browser's own titles, so that only the wide drawings carry them in the file."""
    with_scripts = browser.open(path, screen).run("return document.body.innerText.length")
    page = browser.open(path, screen, scripts=False)
    assert page.faults() == []
    assert page.run("return document.body.innerText.length") >= 0.95 * with_scripts
    assert page.measure("marks")
    untold = "return measure.marks().filter((mark) => !mark.querySelector(':scope > title')?.textContent.trim()).length"
    assert screen.is_phone or page.run(untold) == 0
    assert page.measure("overlaps", 1.5) == []
    for folded in page.run("return [...document.querySelectorAll('details')]"):
        assert page.run("arguments[0].open = true; return measure.seen(arguments[0].lastElementChild)", folded)


def test_every_picture_has_words_and_a_table(browser, path, desktop):
    page = browser.open(path, desktop)
    for picture in page.measure("pictures"):
        assert len(page.run("return arguments[0].getAttribute('aria-label')", picture)) > 20
        assert page.run("return arguments[0].getAttribute('role')", picture) in ("img", "group")
        assert page.run("return arguments[0].closest('figure, section').querySelectorAll('table tr').length", picture) >= 2


@pytest.mark.parametrize("name", ["single", "sweep"])
def test_the_verdict_comes_first(browser, pages, name, phone):
    """The first screen of a phone has the verdict's sentence, and what it says is what the report says."""
    report = json.loads(pages(name).with_suffix(".json").read_text())
    page = browser.open(pages(name), phone)
    first = page.run(
        "return measure.texts().filter(([, parent]) => measure.seen(parent) && parent.getBoundingClientRect().top < innerHeight)"
        ".map(([node]) => node.data).join(' ')"
    )
    assert report["verdict"] in first.lower()


def test_jobs_of_a_sweep_stand_in_its_picture_by_verdict(browser, pages, desktop):
    report = json.loads(pages("sweep").with_suffix(".json").read_text())
    assert {job["verdict"] for job in report["jobs"]} == {"pass", "warn", "stop", "silent"}
    page = browser.open(pages("sweep"), desktop)
    told = page.run("return measure.marks().map(measure.told)")
    for job in report["jobs"]:
        differing = [override for override in job["overrides"] if override.startswith(("model=", "run="))]
        assert any(all(override in text for override in differing) for text in told), differing
