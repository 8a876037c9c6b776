"""The canvas and its SVG: roles become variables, marks get their titles, ids keep apart, and nothing of a config becomes markup."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable

import matplotlib as mpl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalecheck.drawing import canvas, svg
from scalecheck.drawing.canvas import NARROW, WIDE, Canvas
from scalecheck.drawing.palette import PALETTE

SVG = f"{{{svg.SVG}}}"
HOSTILE = '<script>alert(1)</script> $x_1$ & "quoted" שלום ]]>'


def drawing(titles: tuple[str, ...] = ("one", "two"), words: str = "words") -> Callable[[Canvas], None]:
    """Return what draws some points, a line and words on log axes."""

    def draw(made: Canvas) -> None:
        axes = made.axes()
        canvas.log_axis(axes.xaxis, 1e6, 1e12)
        canvas.log_axis(axes.yaxis, 1e8, 1e14)
        places = [(10.0 ** (7 + number / 100), 1e10) for number in range(len(titles))]
        made.points(axes, places, titles, role="stop")
        made.line(axes, [1e6, 1e12], [1e8, 1e14], role="law", title="the line")
        made.text(axes, (1e9, 1e11), words)

    return draw


def drawn(draw: Callable[[Canvas], None], prefix: str = "plane") -> ET.Element:
    """Return the parsed SVG of a drawing."""
    return ET.fromstring(canvas.svg_of(draw, WIDE, prefix=prefix, description="what it shows"))


def titles_of(root: ET.Element) -> list[str]:
    """Return the titles of all marks."""
    return [title.text or "" for title in root.iter(f"{SVG}title")]


def test_each_mark_has_its_own_title_in_its_order() -> None:
    titles = tuple(f"job {number}" for number in range(300))
    root = drawn(drawing(titles))
    assert titles_of(root) == ["the line", *titles]  # the line lies below
    marks = [node for node in root.iter() if node.get("class") == "mark"]
    xs = [float(mark.get("x", "nan")) for mark in marks[1:]]
    assert xs == sorted(xs)
    assert len(set(xs)) > 250


def test_every_colour_of_a_role_is_a_variable() -> None:
    text = canvas.svg_of(drawing(), WIDE, prefix="p", description="d")
    assert "var(--c-stop)" in text
    assert "var(--c-law)" in text
    assert not [color.light for color in PALETTE.values() if color.light in text]


def test_no_text_of_a_config_is_markup() -> None:
    root = drawn(drawing((HOSTILE, "two"), HOSTILE))
    assert HOSTILE in titles_of(root)
    assert HOSTILE in ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]
    assert not list(root.iter(f"{SVG}script"))


@pytest.mark.extended
@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec=None), max_size=40))
def test_any_title_and_any_words_give_xml_that_can_be_read_back(text: str) -> None:
    assert len(titles_of(drawn(drawing((text, "two"), text)))) == 3


def test_two_pictures_on_one_page_share_no_id() -> None:
    ids = [{node.get("id") for node in drawn(drawing(), prefix).iter() if node.get("id")} for prefix in ("a", "b")]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_every_reference_leads_somewhere() -> None:
    root = drawn(drawing())
    known = {node.get("id") for node in root.iter()}
    links = {node.get(f"{{{svg.LINK}}}href", "")[1:] for node in root.iter(f"{SVG}use")}
    clips = {value[5:-1] for node in root.iter() for value in node.attrib.values() if value.startswith("url(#")}
    assert links
    assert clips
    assert links | clips <= known


def test_it_brings_no_style_sheet_of_the_page_and_no_metadata() -> None:
    assert not [node.tag for node in drawn(drawing()).iter() if node.tag.endswith(("style", "metadata"))]


def test_alone_it_is_light_or_dark_as_its_viewer_is() -> None:
    text = svg.alone(canvas.svg_of(drawing(), NARROW, prefix="p", description="d"), (360, 420), note="made -- by a test")
    root = ET.fromstring(text.encode())
    assert root.get("width") == "360"
    assert "prefers-color-scheme:dark" in (root.find(f"{SVG}style").text or "")  # type: ignore[union-attr]
    assert PALETTE["stop"].dark in text


def test_drawing_twice_gives_the_same_text() -> None:
    assert len({canvas.svg_of(drawing(), WIDE, prefix="p", description="d") for _ in range(2)}) == 1


def test_a_png_has_twice_the_pixels() -> None:
    from io import BytesIO

    from PIL import Image

    with Image.open(BytesIO(canvas.png_of(drawing(), WIDE))) as image:
        assert image.size == (1600, 1040)
        assert image.getpixel((0, 0))[:3] == (255, 255, 255)  # type: ignore[index]


def test_the_settings_of_a_users_own_figures_stay() -> None:
    before = dict(mpl.rcParams)
    with mpl.rc_context({"font.size": 33}):
        canvas.svg_of(drawing(), WIDE, prefix="p", description="d")
        assert mpl.rcParams["font.size"] == 33
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e8, "100M"), (2.5e9, "2.5B"), (1e12, "1T"), (1e21, "1e21"), (3.1e19, "3.1e19"), (1000, "1,000"), (1200.0, "1,200")],
)
def test_a_tick_is_short(value: float, text: str) -> None:
    assert canvas.tick(value) == text


def test_without_matplotlib_one_sentence_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from scalecheck.drawing import canvas\n"
        "from scalecheck.errors import ScalecheckError\n"
        "try:\n    canvas.png_of(lambda made: None, canvas.WIDE)\n"
        "except ScalecheckError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == canvas.INSTALL
    assert "scalecheck[report]" in canvas.INSTALL
