"""Matplotlib's SVG into one that a page can carry: colours by CSS variable, titles on marks, no id twice, figures of two decimals.

It is parsed and written as XML, so text of a config stays text.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence

from scalecheck.drawing.palette import PALETTE, css, declarations

SVG = "http://www.w3.org/2000/svg"
LINK = "http://www.w3.org/1999/xlink"
_HREF = f"{{{LINK}}}href"
_LONG_FIGURE = re.compile(r"-?\d+\.\d{3,}")
_COLOR = re.compile(r"#[0-9a-f]{6}\b")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FAMILY = re.compile(r"\s*(?:font-family:[^;]*;?|font:\s*(?P<size>[\d.]+px)[^;]*;?)")
_ROLES = {color.light: name for name, color in PALETTE.items()}
_DRAWN = ("use", "path")
_USE = f"{{{SVG}}}use"
ET.register_namespace("", SVG)
ET.register_namespace("xlink", LINK)


def finished(text: str, titles: Mapping[str, Sequence[str]], *, prefix: str, description: str) -> str:
    """Return an ``<svg>`` element for a page, whose ``prefix`` keeps its ids apart from those of other pictures.

    ``titles`` has, by the gid of what was drawn, one text for each of its marks, or one for all; they are what a pointer and a screen
    reader are told. ``description`` is what the picture shows, in a sentence.
    """
    root = ET.fromstring(text)  # noqa: S314 - matplotlib has just written it
    _drop_whole_page(root)
    by_id = {node.get("id"): node for node in root.iter() if node.get("id")}
    for gid, texts in titles.items():
        if gid in by_id:
            _entitle(by_id[gid], texts)
    _rename(root, prefix)
    for node in root.iter():
        for name in ("style", "fill", "stroke"):
            if node.get(name):
                node.set(name, _themed(node.get(name, "")))
        for name, value in node.attrib.items():
            if name != "id" and not name.startswith("aria"):
                node.set(name, _LONG_FIGURE.sub(lambda figure: f"{float(figure.group()):.2f}".rstrip("0").rstrip("."), value))
    _share_styles(root)
    root.attrib.pop("width", None)
    root.attrib.pop("height", None)
    root.set("style", "stroke-linejoin:round;stroke-linecap:butt")
    root.set("role", "img")
    root.set("aria-label", description)
    return ET.tostring(root, encoding="unicode")


def harmless(text: str) -> str:
    """Return a text without what XML cannot hold or what changes how others read: each such character becomes a mark of its loss."""
    return "".join(character if character.isprintable() or character == "\n" else "�" for character in text)


def alone(element: str, size: tuple[float, float], note: str = "") -> str:
    """Return a page's ``<svg>`` as a file of its own, light or dark as its viewer is; ``note`` becomes a comment."""
    root = ET.fromstring(element)  # noqa: S314 - made above
    drawn = [float(figure) for figure in root.get("viewBox", f"0 0 {size[0]} {size[1]}").split()[2:]]
    root.set("width", f"{size[0]:g}")
    root.set("height", f"{size[0] * drawn[1] / drawn[0]:g}")  # some pictures are taller than their size, as they have more to show
    style = ET.Element(f"{{{SVG}}}style")
    style.text = (
        f"svg{{{declarations('light')}background:var(--c-ground);font-family:sans-serif}}"
        f"@media(prefers-color-scheme:dark){{svg{{{declarations('dark')}}}}}"
    )
    root.insert(0, style)
    comment = f"<!-- {note.replace('--', '- -')} -->\n" if note else ""
    return f'<?xml version="1.0" encoding="utf-8"?>\n{comment}{ET.tostring(root, encoding="unicode")}\n'


def _drop_whole_page(root: ET.Element) -> None:
    """Drop metadata, and the style sheet, which would be that of the whole page."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)


def _entitle(node: ET.Element, texts: Sequence[str]) -> None:
    """Give each mark below a node its title; where their numbers differ, which no backend of today does, all are told of the whole."""
    marks = list(_marks(node))
    pairs = list(zip(marks, texts, strict=True)) if len(marks) == len(texts) else [(node, "\n".join(texts))]
    for mark, text in pairs:
        title = ET.Element(f"{{{SVG}}}title")
        title.text = harmless(text)
        mark.insert(0, title)
        mark.set("class", "mark")


def _marks(node: ET.Element) -> Iterator[ET.Element]:
    for child in node:
        if child.tag in [f"{{{SVG}}}{name}" for name in _DRAWN]:
            yield child
        elif child.tag != f"{{{SVG}}}defs":
            yield from _marks(child)


def _rename(root: ET.Element, prefix: str) -> None:
    """Keep the ids that something refers to, under a prefix, and drop the rest."""
    used = {found for node in root.iter() for value in node.attrib.values() for found in _REFERENCE.findall(value)}
    used |= {node.get(_HREF, "#")[1:] for node in root.iter()}
    for node in root.iter():
        name = node.attrib.pop("id", None)
        if name in used:
            node.set("id", f"{prefix}-{name}")
        if node.get(_HREF):
            node.set(_HREF, f"#{prefix}-{node.get(_HREF, '')[1:]}")
        for key, value in node.attrib.items():
            if "url(#" in value:
                node.set(key, _REFERENCE.sub(rf"url(#{prefix}-\1)", value))


def _share_styles(root: ET.Element) -> None:
    """Say a style that all marks of a group have once, on the group, and indent nothing: a sweep has hundreds of marks."""
    for node in root.iter():
        node.tail = (node.tail or "").strip() or None
        node.text = (node.text or "").strip() or None if len(node) else node.text
        styles = {child.get("style") for child in node}
        if len(node) > 1 and len(styles) == 1 and None not in styles and not node.get("style") and {child.tag for child in node} == {_USE}:
            node.set("style", str(node[0].get("style")))
            for child in node:
                del child.attrib["style"]


def _themed(style: str) -> str:
    style = _FAMILY.sub(lambda found: f"font-size:{found['size']};" if found["size"] else "", style)
    return _COLOR.sub(lambda found: f"var({css(_ROLES[found.group()])})" if found.group() in _ROLES else found.group(), style)
