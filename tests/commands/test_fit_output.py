"""``scalecheck fit --output FORM:PATH``: pages and pictures beside the text, whole or not at all; the fit itself is never lost."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from scalecheck.cli import main
from scalecheck.law_file import read_law

SARDANA = str(Path(__file__).parents[1] / "data" / "sardana.csv")
FEW = ("--resamples", "20")
DRAWN = {"surface.svg", "residuals.svg", "optimum.svg", "extrapolation.svg"}


@pytest.fixture
def fit(tmp_path, capsys, monkeypatch):
    """``fit(*arguments)`` runs the command in an empty directory: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def fitted(*arguments):
        code = main(["fit", *arguments])
        return (code, *capsys.readouterr())

    return fitted


def test_a_page_pictures_and_an_image_at_once(fit, tmp_path):
    code, out, err = fit(
        SARDANA, *FEW, "--output", "html:fit.html", "--output", "svg:pictures/", "--output", "png:new/surface.png", "--out", "mine.yaml"
    )
    assert (code, err) == (0, "")
    assert out.rstrip().splitlines()[-1].startswith("Drawn: fit.html, pictures/surface.svg, ")
    page = Path("fit.html").read_text()
    assert "The runs do not identify alpha and beta." in page
    assert page.index("The runs do not identify alpha and beta.") < page.index("The runs and the fitted surface")
    assert "No isoFLOP fit: budgets" in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert {path.name for path in Path("pictures").iterdir()} == DRAWN
    for path in Path("pictures").iterdir():
        ET.parse(path)
    assert Path("new/surface.png").read_bytes().startswith(b"\x89PNG")
    assert read_law(Path("mine.yaml")).name == "mine"
    assert not list(tmp_path.rglob(".*"))


def test_one_picture_is_the_first_or_the_chosen_one(fit):
    assert fit(SARDANA, *FEW, "--output", "svg:one.svg")[0] == 0
    assert "training tokens D" in Path("one.svg").read_text()
    assert fit(SARDANA, *FEW, "--output", "svg:other.svg", "--output", "svg:some/", "--picture", "residuals")[0] == 0
    assert "measured - fitted loss (%)" in Path("other.svg").read_text()
    assert [path.name for path in Path("some").iterdir()] == ["residuals.svg"]


def test_json_stays_json(fit):
    code, out, _ = fit(SARDANA, *FEW, "--format", "json", "--output", "svg:one.svg")
    assert code == 0
    assert json.loads(out)["name"] == "mine"
    assert Path("one.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--output", "hmtl:fit.html"), "a fit is drawn as html, svg, png. Did you mean 'html'?"),
        (("--output", "pdf:fit.pdf"), "--output pdf:fit.pdf: a fit is drawn as html, svg, png."),
        (("--output", "html"), "pictures of a fit go to a file; write html:FILE."),
        (("--output", "svg:-"), "pictures of a fit go to a file; write svg:FILE."),
        (("--output", "html:pages/"), "a page is one file, no directory; write html:pages/fit.html."),
        (("--output", "svg:a.svg", "--picture", "residual"), "Did you mean 'residuals'?"),
        (("--picture", "residuals"), "no output draws one; add --output svg:residuals.svg"),
        (("--output", "html:a.html", "--picture", "residuals"), "no output draws one"),
        (("--output", "x" * 10_000), "a fit is drawn as html, svg, png."),
    ],
)
def test_what_cannot_be_drawn_is_said_before_any_work(fit, tmp_path, arguments, said):
    code, out, err = fit(SARDANA, *FEW, *arguments, "--out", "mine.yaml")
    assert (code, out) == (2, "")
    assert said in err
    assert len(err) < 400
    assert len(err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [("svg:file/a.svg",), pytest.param(("html:file/fit.html", "svg:file/"), marks=pytest.mark.extended)])
def test_a_path_that_cannot_be_written_costs_neither_the_text_nor_the_law_nor_the_others(fit, bad):
    Path("file").write_text("kept")
    outputs = [word for output in (*bad, "png:good.png") for word in ("--output", output)]
    code, out, err = fit(SARDANA, *FEW, *outputs, "--out", "mine.yaml")
    assert code == 2
    assert "Held out: fitted on" in out
    assert all(f"--output {output}: " in err for output in bad)
    assert "Traceback" not in err
    assert Path("good.png").exists()
    assert Path("mine.yaml").exists()
    assert Path("file").read_text() == "kept"


def test_a_picture_that_these_runs_do_not_have_is_one_sentence(fit, tmp_path):
    code, out, err = fit(SARDANA, *FEW, "--output", "svg:isoflop.svg", "--picture", "isoflop")
    assert code == 2
    assert "Held out: fitted on" in out
    assert "--output svg:isoflop.svg: " in err
    assert "No isoFLOP fit" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.extended
def test_hostile_file_names_are_names(fit):
    names = ["a b.svg", "שלום.svg", "<script>.svg", "$x_1$.svg", "a:b.svg", "-x.svg"]
    code, out, _ = fit(SARDANA, *FEW, *(word for name in names for word in ("--output", f"svg:{name}")))
    assert code == 0
    assert {path.name for path in Path().iterdir()} == set(names)
    assert out.rstrip().endswith(f"Drawn: {', '.join(names)}")


@pytest.mark.extended
@pytest.mark.parametrize("name", ["a\x00b.html", "x" * 5000 + ".html"])
def test_names_that_no_file_can_have_are_one_sentence(fit, name):
    code, out, err = fit(SARDANA, *FEW, "--output", f"html:{name}")
    assert code == 2
    assert "Held out: fitted on" in out
    assert len(err.strip().splitlines()) == 1
    assert "cannot be written" in err


def test_names_of_runs_with_markup_run_nothing(fit):
    lines = Path(SARDANA).read_text().splitlines()
    head = lines[0].replace("Smoothed Loss", "<script>alert(1)</script>")
    rows = [f"<img src=x onerror=alert(2)>{line}" for line in lines[1:]]
    Path("<b>runs.csv").write_text("\n".join([head, *rows, ""]))
    assert fit("<b>runs.csv", *FEW, "--loss", "<script>alert(1)</script>", "--output", "html:fit.html")[0] == 0
    page = Path("fit.html").read_text()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>runs.csv" not in page
    assert "&lt;b&gt;runs.csv" in page


def test_without_the_libraries_one_sentence_says_what_to_install(tmp_path):
    code = (
        "import sys\n"
        "sys.modules['matplotlib'] = None\n"
        "from scalecheck.cli import main\n"
        f"sys.exit(main(['fit', {SARDANA!r}, '--resamples', '20', '--output', 'svg:one.svg']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'scalecheck[report]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_fit_without_output_imports_no_plotting_library(tmp_path):
    code = (
        "import sys\nfrom scalecheck.cli import main\n"
        f"main(['fit', {SARDANA!r}, '--resamples', '20'])\n"
        "assert not {'matplotlib', 'jinja2'} & set(sys.modules), 'imported'\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path).returncode == 0
