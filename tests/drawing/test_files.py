"""Pictures as files: one, a chosen one, or all of them in a directory; a file appears whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from lxml import etree
from PIL import Image

from scalecheck.drawing.files import write_picture
from scalecheck.drawing.scene import Picture, Table
from scalecheck.errors import ScalecheckError


def picture(name, draw=lambda canvas: canvas.points(canvas.axes(), [(1, 1)], ["one"], role="pass"), notes=()):
    return Picture(name=name, title="A -- title", description="d", table=Table(head=(), rows=()), draw=draw, notes=notes)


def names(directory):
    return sorted(path.name for path in Path(directory).iterdir())


def fails(_):
    message = "x" * 1000
    raise ValueError(message)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_first_picture_is_written():
    assert write_picture([picture("plane"), picture("losses")], "svg", Path("a/b.svg")) == [Path("a/b.svg")]
    root = etree.fromstring(Path("a/b.svg").read_bytes())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("width") == "800"


def test_png_is_one():
    write_picture([picture("plane")], "png", Path("b.png"))
    image = Image.open(io.BytesIO(Path("b.png").read_bytes()))
    image.load()
    assert (image.format, image.size) == ("PNG", (1600, 1040))


@pytest.mark.parametrize("there", [True, False])
def test_directory_gets_every_picture(there):
    if there:
        Path("out").mkdir()
    made = write_picture([picture("plane"), picture("none", None), picture("losses")], "svg", Path("out") if there else "out/")
    assert made == [Path("out/plane.svg"), Path("out/losses.svg")]
    assert names("out") == ["losses.svg", "plane.svg"]


def test_chosen_picture_alone():
    assert write_picture([picture("plane"), picture("losses")], "svg", "out/", "losses") == [Path("out/losses.svg")]
    assert names("out") == ["losses.svg"]


def test_what_is_no_picture_is_named():
    with pytest.raises(ScalecheckError, match=r"there is no picture 'plan'\. Did you mean 'plane'\?"):
        write_picture([picture("plane")], "svg", Path("x.svg"), "plan")


def test_failing_picture_is_one_sentence_and_the_others_are_written():
    with pytest.raises(ScalecheckError, match=r"the picture 'bad' cannot be drawn: ValueError: x+") as raised:
        write_picture([picture("bad", fails), picture("plane")], "svg", "out/")
    assert len(str(raised.value)) < 300
    assert names("out") == ["plane.svg"]


def test_nothing_to_draw_says_why():
    for path in ("x.svg", "out/"):
        with pytest.raises(ScalecheckError, match=r"there is nothing to draw: No job has N\."):
            write_picture([picture("plane", None, ("No job has N.",))], "svg", path)
    assert names(".") == []


@pytest.mark.parametrize(
    "path",
    [pytest.param("/proc/x.svg", marks=pytest.mark.skipif(not Path("/proc/self").exists(), reason="of Linux")), "a\0b.svg", "file/x.svg"],
)
def test_what_cannot_be_written_is_one_sentence(path):
    Path("file").write_text("kept")
    with pytest.raises(ScalecheckError, match=r": the picture cannot be written: .*\.$") as raised:
        write_picture([picture("plane")], "svg", path)
    assert "\0" not in str(raised.value)
    assert names(".") == ["file"]
