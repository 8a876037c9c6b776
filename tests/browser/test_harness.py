"""The measures find what they are there to find, on a page that has every fault; otherwise a pass would mean nothing."""

from __future__ import annotations

import pytest

BAD = """<!DOCTYPE html><meta charset="utf-8"><title>bad</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" content="img-src https:">
<style>body {margin: 0} .wide {width: 700px; height: 10px} .cut {width: 40px; overflow: hidden; white-space: nowrap}</style>
<p style="color: #999">pale</p><p class="cut">a text that is cut off here</p><p style="display: none">gone</p><div class="wide"></div>
<details><summary>more</summary><p>folded</p></details>
<svg width="300" height="200" viewBox="0 0 300 200">
  <rect x="0" y="150" width="300" height="50" fill="#000"/>
  <text x="10" y="50" font-size="12">one label</text><text x="30" y="54" font-size="12">another</text>
  <text x="270" y="90" font-size="12">over the edge</text>
  <text x="10" y="180" font-size="12" fill="#222">faint</text>
  <text x="100" y="100" font-size="12" transform="rotate(-45 100 100)">turned</text>
  <text x="112" y="112" font-size="12" transform="rotate(-45 112 112)">beside</text>
</svg>
<script>
  console.warn("a warning"); addEventListener("load", () => alert(1)); new Image().src = "data:image/png;base64,AA"; fetch("other.json");
  setTimeout(() => { throw new Error("thrown"); });
</script>"""


@pytest.fixture
def bad(browser, tmp_path, phone):
    path = tmp_path / "bad.html"
    path.write_text(BAD)
    page = browser.open(path, phone)
    page.wait("return window.__seen.length >= 3")
    return page


def test_every_fault_of_a_page_is_found(bad):
    faults = "\n".join(bad.faults())
    for said in ("a warning", "dialog: alert", "policy: img-src", "other.json", "error: Uncaught Error: thrown"):
        assert said in faults


def test_every_fault_of_a_layout_is_found(bad):
    (overlap,) = bad.measure("overlaps", 1.5)
    assert overlap.startswith("one label | another")
    assert bad.measure("cut", 1) == ["over the edge"]
    assert [text.split(":")[0] for text in bad.measure("faint", 3)] == ["faint"]
    assert [text.split(":")[0] for text in bad.measure("pale", 4.5)] == ["pale"]
    assert bad.measure("hidden") == ["gone", "folded"]
    assert len(bad.measure("clipped")) == 1
    assert bad.run("return document.documentElement.scrollWidth") == 700


def test_a_page_without_scripts_runs_none_and_can_be_measured(browser, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text(BAD)
    page = browser.open(path, scripts=False)
    assert "dialog" not in "\n".join(page.faults())
    assert len(page.measure("texts")) == 5
