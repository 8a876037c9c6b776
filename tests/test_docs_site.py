"""docs/ builds as a site, without a warning, and the site needs nothing from a network."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""What a browser fetches by itself, by the element that names it; a link that a reader follows is none of them."""

pytestmark = pytest.mark.extended


class Fetched(HTMLParser):
    """Collects what a page makes a browser fetch, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if tag in LOADED and told.get(LOADED[tag]):
            self.fetched.append(told[LOADED[tag]])
        if tag == "a" and told.get("href"):
            self.links.append(told["href"])


def read(page: Path) -> Fetched:
    made = Fetched()
    made.feed(page.read_text(encoding="utf-8"))
    return made


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    pytest.importorskip("sphinx", reason="the dependency group docs is not installed; make docs installs it")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "--doctree-dir", folder / "doctrees", DOCS]
    done = subprocess.run([*command, folder / "html"], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return folder / "html"


def test_every_page_is_in_the_site(site):
    pages = [page.relative_to(DOCS) for page in DOCS.rglob("*.md") if not page.name.endswith(".template.md")]
    assert len(pages) > 40
    assert [str(page) for page in pages if not (site / page.with_suffix(".html")).exists()] == []


def test_nothing_is_fetched_from_elsewhere(site):
    for page in site.rglob("*.html"):
        assert [name for name in read(page).fetched if re.match(r"(https?:)?//", name)] == [], page
    for sheet in site.rglob("*.css"):
        assert re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//[^)]*", sheet.read_text(encoding="utf-8")) == [], sheet


def test_links_lead_to_pages_and_files_of_the_site(site):
    for page in site.rglob("*.html"):
        local = [link.split("#")[0].split("?")[0] for link in read(page).links if not re.match(r"https?:|mailto:|#", link)]
        assert [link for link in local if link and not (page.parent / link).exists()] == [], page


def test_reference_holds_what_the_docstrings_say(site):
    text = re.sub(r"<[^>]+>", "", (site / "reference" / "api.html").read_text(encoding="utf-8"))
    for words in ("Assert that nothing is found in a config", "each tensor once, by identity", "L(N, D) = E + A/N^alpha + B/D^beta"):
        assert words in re.sub(r"\s+", " ", text), words
