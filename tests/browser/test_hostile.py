"""Texts of configs that would be code, markup or a forged line stand in the page as text; nothing of them is run, loaded or obeyed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

PWN = "window.__pwned=1"
HOSTILE = (
    f"<script>{PWN}</script>", f"</script><script>{PWN}</script>", f"</style><script>{PWN}</script>", f"</title><script>{PWN}</script>",
    f'"><img src=x onerror="{PWN}">', f"'><svg onload={PWN}>", f"</svg><iframe srcdoc='<script>parent.{PWN}</script>'>", f'" onmouseover="{PWN}" x="',
    f"javascript:{PWN}", f"[x](javascript:{PWN})", f"<a href='javascript:{PWN}'>x</a>", "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'>", "<link rel=stylesheet href=https://evil.example/x.css>", "<form action=https://evil.example><input name=q></form>",
    f"]]><script>{PWN}</script>", f"<!-- --><script>{PWN}</script>", f"<![CDATA[<script>{PWN}</script>]]>", f"{{{{ 7*7 }}}}{{% for x in y %}}{PWN}", "&lt;b&gt; &#60;i&#62; &amp;",
    f"<template><script>{PWN}</script></template>", f"<details open ontoggle={PWN}>", "}body{display:none}", "</pre></table></details></main></body></html>", "<!-- left open",
    "$x_1^2$ $\\frac{1}{2}$", "$unclosed", "\\mathtt{x}", "\u202eright to left\u202c", "\u2066isolated", "\x00NUL\x00", "\x1b[31mred\x1b[0m", "line\nbreak\r\nand\ttab",
    "\ud800lone", "\ufffe\uffff", "z\u0300\u0301\u0302\u0303\u0304\u0305" * 30, "\U0001f680 中文 שלום", "a=" + "9" * 10_000, "x" * 10_000, "<b>" * 3_000, "w " * 5_000, " ", "",
)  # fmt: skip
TAGS = "return [...document.querySelectorAll('*')].map((node) => node.tagName.toLowerCase())"
HANDLERS = "return [...document.querySelectorAll('*')].flatMap((node) => [...node.attributes]).map((at) => at.name).filter((name) => name.startsWith('on'))"
LINKS = (
    "return [...document.querySelectorAll('[href],[src],[action],[*|href]')].map((node) =>"
    " node.getAttribute('href') || node.getAttribute('xlink:href') || node.getAttribute('src') || node.getAttribute('action') || '')"
)
# Of what a page is built, these tell of an injected one; none is made by the page itself.
NEVER = {"img", "iframe", "object", "embed", "form", "base", "audio", "video", "template", "frame", "animate", "set", "foreignobject"}

ONCE = ("html", "head", "title", "meta", "link", "style", "script", "body", "main", "header", "footer", "h1", "figure", "svg")


def hostile(found, made, texts):
    """Return the report with a job of each text, in turn over those of the sweep."""
    jobs = tuple(made.filled(found.jobs[index % len(found.jobs)], text) for index, text in enumerate(texts))
    return replace(found, jobs=jobs, findings=tuple(replace(jobs[0].findings[0], message=text, subject=text) for text in texts))


def harmless(page):
    """Assert that nothing was run, asked for or built that the page does not make itself; return its tags."""
    assert page.faults() == []
    assert page.run("return window.__pwned") is None
    assert page.run(HANDLERS) == []
    tags = Counter(page.run(TAGS))
    assert set(tags) & NEVER == set()
    assert [
        link
        for link in page.run(LINKS)
        if not link.startswith(("#", "data:", "https://arxiv.org/", "https://doi.org/", "https://github.com/"))
    ] == []
    return tags


@pytest.fixture(scope="module")
def found(tmp_path_factory, made):
    return made.report(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def tame(found, made, browser, tmp_path_factory):
    """What a page of the same jobs is built of, where their texts are a letter each."""
    page = browser.open(made.written(tmp_path_factory.mktemp("tame") / "report.html", hostile(found, made, "x" * len(HOSTILE))))
    return page.run("return document.title"), harmless(page)


@pytest.fixture(scope="module")
def sweep(found, made, tmp_path_factory):
    return made.written(tmp_path_factory.mktemp("sweep") / "report.html", hostile(found, made, HOSTILE))


def test_a_sweep_of_hostile_texts_runs_nothing(browser, sweep, tame, view):
    page = browser.open(sweep, *view)
    title, tags = tame
    assert page.run("return document.title") == title
    found = harmless(page)
    assert {name: found[name] for name in ONCE} == {name: tags[name] for name in ONCE}
    assert found["details"] <= tags["details"]  # long texts leave room for the arithmetic of fewer jobs
    assert page.run("return document.documentElement.scrollWidth") == view[0].width
    assert page.run("return measure.seen(document.body)")
    assert page.measure("overlaps", 1.5) == []
    assert page.measure("cut", 1) == []


def test_hostile_texts_stand_there_as_text(browser, sweep, desktop):
    page = browser.open(sweep, desktop)
    everything = page.run("return document.body.textContent")
    for text in HOSTILE[:25]:
        assert text in everything, text
    assert "\u202e" not in everything
    assert "\x00" not in everything
    assert "9" * 2_000 not in everything


def test_titles_of_marks_cannot_turn_the_text_around(browser, sweep, desktop):
    page = browser.open(sweep, desktop)
    told = "".join(page.run("return measure.marks().map(measure.told)"))
    assert not set(told) & set("\u202e\u2066\x00\x1b")


@pytest.mark.parametrize("number", [4, 30, 38])
def test_a_run_of_one_hostile_text_runs_nothing(browser, found, made, tmp_path, number, phone):
    path = made.written(tmp_path / "report.html", hostile(replace(found, jobs=found.jobs[:1]), made, HOSTILE[number : number + 1]))
    page = browser.open(path, phone)
    harmless(page)
    assert len(page.run("return document.title")) < 200
    assert page.run("return document.documentElement.scrollWidth") == phone.width
    assert page.measure("overlaps", 1.5) == []
