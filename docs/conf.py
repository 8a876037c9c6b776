"""Sphinx's settings: Markdown by MyST, the furo theme, nothing from a network. ``make docs`` builds the site into build/docs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import scalecheck

DOCS = Path(__file__).parent
ROOT = DOCS.parent

project = "scalecheck"
author = "the authors of scalecheck"
project_copyright = f"{author}; MIT licence"
release = version = scalecheck.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["**/*.template.md", "*.template.md", "schema"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
suppress_warnings = ["misc.highlighting_failure"]  # console blocks and policies in part are shown all the same
highlight_language = "text"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"scalecheck {release}"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["scalecheck.css"]

_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((\.\.?/[^)#\s]*)(#[^)]*)?\)")


_INDEXES = ("rules/README", "reference/cli/README")
_CONTENTS = "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"
"""What the index of a folder gets on the site, and would only be clutter on a code host."""


def _link(match: re.Match[str], page: Path) -> str:
    """Return a link of a page as the site can have it; one that leads out of docs/ becomes the file itself, to be downloaded.

    On a code host such a link leads to the file or folder. The site has no copy of the repository and knows no address of one: of a
    folder, its README is what is linked, and one that has none is named and not linked.
    """
    words, target, anchor = match[1], match[2], match[3] or ""
    path = Path(os.path.normpath(page.parent / target))
    if path.is_relative_to(DOCS):
        return match[0] if path.is_file() or not (path / "README.md").exists() else f"[{words}]({target.rstrip('/')}/README.md{anchor})"
    if path.is_dir():
        path /= "README.md"
    if not path.is_file():
        return words
    return f"{{download}}`{re.sub(r'[`*]', '', words)} <{os.path.relpath(path, page.parent)}>`"


def _links(app: Any, name: str, source: list[str]) -> None:
    page = Path(app.env.doc2path(name))
    if page.suffix == ".md":
        source[0] = _LINK.sub(lambda match: _link(match, page), source[0]) + (_CONTENTS if name in _INDEXES else "")


def setup(app: Any) -> None:
    """Have links rewritten as pages are read."""
    app.connect("source-read", _links)
