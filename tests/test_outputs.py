"""Where reports go: several outputs at once, whole files or none, and the job summary that is added to."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from scalecheck import registry
from scalecheck.drawing.scene import Picture, Table
from scalecheck.errors import ScalecheckError
from scalecheck.facts import Finding, Report
from scalecheck.outputs import SUMMARY_PATH, Output, of_picture, parse_output, written

PICTURES = ("svg", "png")
TEXTS = [name for name in registry.names("formats") if name not in PICTURES]
REPORT = Report(jobs=(), findings=(Finding(rule="r", message="m", severity="error"),))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Work in an empty directory, in no step of GitHub Actions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def names():
    return sorted(path.name for path in Path().iterdir())


@pytest.mark.parametrize(
    ("text", "form", "path"),
    [
        ("terminal", "terminal", None),
        ("json:-", "json", None),
        ("sarif:out.sarif", "sarif", Path("out.sarif")),
        ("svg:a.svg", "svg", Path("a.svg")),
        ("sarif:C:\\a.sarif", "sarif", Path("C:\\a.sarif")),
        ("markdown:github-summary", "markdown", SUMMARY_PATH),
        ("markdown:$GITHUB_STEP_SUMMARY", "markdown", SUMMARY_PATH),
        ("markdown:${GITHUB_STEP_SUMMARY}", "markdown", SUMMARY_PATH),
    ],
)
def test_parse_output(text, form, path):
    assert parse_output(text) == Output(form=form, path=path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sarf:x", "there is no format 'sarf'. Did you mean 'sarif'?"),
        ("", "there is no format ''. Known: "),
        ("json:", "no file after the colon; write json:FILE, or json alone for standard output."),
    ],
)
def test_what_is_no_output_is_one_sentence(text, said):
    with pytest.raises(ScalecheckError) as raised:
        parse_output(text)
    assert said in str(raised.value)


def test_every_format_at_once(capsys):
    written(REPORT, [Output(form=name, path=Path(f"out.{name}")) for name in TEXTS] + [Output(form="terminal")])
    for name in TEXTS:
        assert Path(f"out.{name}").read_text() == registry.load("formats", name).render(REPORT)
    assert capsys.readouterr().out == registry.load("formats", "terminal").render(REPORT)
    assert names() == sorted(f"out.{name}" for name in TEXTS), "no temporary file is left"


@pytest.fixture
def pictures(monkeypatch):
    """There are two pictures, each with a mark of its own colour."""

    def drawn(name):
        def draw(canvas):
            canvas.text(canvas.axes(), (0, 0), name)

        table = Table(head=(), rows=())
        return SimpleNamespace(ORDER=len(name), picture=lambda _: Picture(name=name, title=name, description=name, table=table, draw=draw))

    modules = {name: drawn(name) for name in ("plane", "losses")}
    monkeypatch.setattr(registry, "load_all", lambda _: tuple(modules.values()))


@pytest.mark.parametrize("form", PICTURES)
def test_picture_is_what_the_format_renders(form, pictures, capfdbinary):
    written(REPORT, [Output(form=form, path=Path("out")), Output(form=form)])
    content = Path("out").read_bytes()
    rendered = registry.load("formats", form).render(REPORT)
    assert content == (rendered if isinstance(rendered, bytes) else rendered.encode())
    assert content.startswith(b"\x89PNG" if form == "png" else b"<?xml")
    assert names() == ["out"]
    assert capfdbinary.readouterr().out == content


def test_chosen_picture(pictures):
    outputs = of_picture([parse_output("svg:a.svg"), parse_output("json:a.json")], "losses")
    assert outputs == [Output(form="svg", path=Path("a.svg"), picture="losses"), Output(form="json", path=Path("a.json"))]
    written(REPORT, outputs)
    assert ">losses</text>" in Path("a.svg").read_text()
    assert of_picture([Output(form="json")], None) == [Output(form="json")]


@pytest.mark.parametrize(
    ("form", "name", "said"),
    [
        ("svg:a.svg", "plan", "--picture plan: there is no such picture. Did you mean 'plane'?"),
        ("json:a.json", "plane", "--picture plane: no output draws one; add --output svg:plane.svg or --output png:plane.png."),
    ],
)
def test_picture_that_cannot_be_chosen_is_one_sentence(form, name, said):
    with pytest.raises(ScalecheckError) as raised:
        of_picture([parse_output(form)], name)
    assert str(raised.value) == said


@pytest.mark.parametrize("there", [True, False])
def test_directory_gets_every_picture(there, pictures):
    if there:
        Path("out").mkdir()
    written(REPORT, [parse_output("svg:out" if there else "svg:out/"), parse_output("png:out/")])
    assert sorted(path.name for path in Path("out").iterdir()) == ["losses.png", "losses.svg", "plane.png", "plane.svg"]


def test_directory_that_cannot_be_made_is_one_sentence(pictures):
    Path("file").write_text("kept")
    with pytest.raises(ScalecheckError, match=r"^--output svg:file/x: file/x/plane.svg: the picture cannot be written: Not a directory\.$"):
        written(REPORT, [parse_output("svg:file/x/")])


def test_picture_of_pixels_is_not_printed_to_a_terminal(pictures, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(ScalecheckError, match="a picture is not printed to a terminal; name a file: --output png:FILE"):
        written(REPORT, [Output(form="png")])
    assert capsys.readouterr().out == ""


def test_job_summary_takes_no_picture_of_pixels(pictures, monkeypatch):
    Path("summary").write_text("text\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary")
    with pytest.raises(ScalecheckError, match="a job summary is text and takes no picture"):
        written(REPORT, [parse_output("png:github-summary")])
    assert Path("summary").read_text() == "text\n"


def test_what_is_printed_comes_in_the_order_that_was_asked_for(capsys):
    written(REPORT, [Output(form="json", path=Path("a.json")), Output(form="github"), Output(form="terminal")])
    shown = capsys.readouterr().out
    assert shown.index("::error") < shown.index("all jobs: error")


def test_directory_is_made_and_a_file_that_is_there_is_replaced_with_its_mode():
    old = Path("a/b/out.json")
    written(REPORT, [Output(form="json", path=old)])
    assert stat.S_IMODE(old.stat().st_mode) & 0o600 == 0o600
    assert not stat.S_IMODE(old.stat().st_mode) & 0o111
    old.write_text("x" * 10**6)
    old.chmod(0o640)
    written(REPORT, [Output(form="json", path=old)])
    assert json.loads(old.read_text())["schema_version"] == 1
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


def test_mode_of_a_new_file_is_that_of_any_other():
    Path("other").write_text("")
    written(REPORT, [Output(form="json", path=Path("new"))])
    assert Path("new").stat().st_mode == Path("other").stat().st_mode


def test_link_stays_one():
    Path("target.json").write_text("old")
    Path("link.json").symlink_to("target.json")
    written(REPORT, [Output(form="json", path=Path("link.json"))])
    assert Path("link.json").is_symlink()
    assert json.loads(Path("target.json").read_text())


def test_device_is_written_as_it_is():
    written(REPORT, [Output(form="json", path=Path(os.devnull))])
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize("path", [".", "file/x.json", "a\0b", "x" * 300])
def test_file_that_cannot_be_written_is_named(path):
    Path("file").write_text("kept")
    before = names()
    with pytest.raises(ScalecheckError, match="--output json:.*: it cannot be written: ") as raised:
        written(REPORT, [Output(form="json", path=Path(path))])
    assert "\n" not in str(raised.value)
    assert "\0" not in str(raised.value)
    assert names() == before


def test_failure_keeps_the_file_that_was_there_and_the_other_outputs(capsys, monkeypatch):
    Path("out.json").write_text("old")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scalecheck.atomic.written_beside", full)
    with pytest.raises(ScalecheckError, match=r"--output json:out\.json: it cannot be written: No space left on device\."):
        written(REPORT, [Output(form="json", path=Path("out.json")), Output(form="terminal")])
    assert Path("out.json").read_text() == "old"
    assert "all jobs: error: m [r]" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_full_disk_is_one_sentence(capsys):
    with pytest.raises(ScalecheckError, match="--output json:/dev/full: it cannot be written: No space left on device"):
        written(REPORT, [Output(form="json", path=Path("/dev/full"))])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_full_standard_output_is_one_sentence(monkeypatch):
    with Path("/dev/full").open("w", buffering=1) as full:
        monkeypatch.setattr("sys.stdout", full)
        with pytest.raises(ScalecheckError, match="standard output cannot be written: No space left on device"):
            written(REPORT, [Output(form="terminal")])
        monkeypatch.undo()
        with pytest.raises(OSError, match="No space"):
            full.close()


@pytest.mark.parametrize("by_its_own_name", [False, True])
def test_job_summary_is_added_to(monkeypatch, tmp_path, by_its_own_name):
    summary = tmp_path / "summary"
    summary.write_text("of another step\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    path = summary if by_its_own_name else SUMMARY_PATH
    written(REPORT, [Output(form="markdown", path=path)])
    written(REPORT, [Output(form="markdown", path=path)])
    once = registry.load("formats", "markdown").render(REPORT)
    assert summary.read_text() == f"of another step\n{once}{once}"
    assert not SUMMARY_PATH.exists()


def test_no_job_summary_is_one_sentence():
    with pytest.raises(
        ScalecheckError, match="GITHUB_STEP_SUMMARY is not set, so this is no step of GitHub Actions; elsewhere name a file"
    ):
        written(REPORT, [Output(form="markdown", path=SUMMARY_PATH)])
    assert not SUMMARY_PATH.exists()


def test_text_that_is_no_utf_8_is_escaped(monkeypatch):
    monkeypatch.setattr("scalecheck.formats.markdown.render", lambda report, *, color=False: "\ud800\n")
    written(REPORT, [Output(form="markdown", path=Path("x.md"))])
    assert Path("x.md").read_text() == "\\ud800\n"
