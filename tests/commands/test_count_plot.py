"""``scalecheck count --plot FILE``: the ledger as SVG, PNG or a page, beside the text; one sentence where it cannot be drawn."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from scalecheck.cli import main
from scalecheck.drawing.canvas import INSTALL

CONFIGS = Path(__file__).parents[1] / "oracle" / "configs"
GPT2 = str(CONFIGS / "gpt2.json")
SVG = "{http://www.w3.org/2000/svg}"


def test_an_svg_with_the_parts_beside_the_text(tmp_path, capsys):
    target = tmp_path / "ledger.svg"
    assert main(["count", GPT2, "--sequence-length", "1024", "--plot", str(target)]) == 0
    assert "124,439,808" in capsys.readouterr().out
    root = ET.fromstring(target.read_bytes())
    words = {"".join(text.itertext()) for text in root.iter(f"{SVG}text")}
    assert {"token_embedding", "lm_head", "31.0 %", "27.1 %"} <= words
    *_, width, height = map(float, root.get("viewBox").split())
    assert float(root.get("width")) / float(root.get("height")) == pytest.approx(width / height, rel=1e-3)


def test_a_png(tmp_path):
    target = tmp_path / "ledger.png"
    assert main(["count", GPT2, "--plot", str(target)]) == 0
    assert target.read_bytes().startswith(b"\x89PNG")


def test_a_page_with_its_table(tmp_path):
    target = tmp_path / "ledger.html"
    assert main(["count", GPT2, "--sequence-length", "1024", "--plot", str(target)]) == 0
    text = target.read_text()
    assert text.lstrip().lower().startswith("<!doctype html>")
    assert "<svg" in text
    assert "38,597,376" in text
    assert "N 124.4M parameters, C 854.4M training FLOPs per token at 1,024 tokens." in text
    assert "http://" not in text.replace("http://www.w3.org/", "")
    assert not list(tmp_path.glob(".ledger*"))


def test_json_on_standard_output_stays_json(tmp_path, capsys):
    assert main(["count", GPT2, "--format", "json", "--plot", str(tmp_path / "ledger.svg")]) == 0
    assert json.loads(capsys.readouterr().out)["total_params"] == 124_439_808


@pytest.mark.parametrize("name", ["ledger.pdf", "ledger", "ledger.SVGZ", "x" * 300 + ".gif"])
def test_another_ending_is_refused_before_anything_is_counted(name, tmp_path, capsys):
    assert main(["count", GPT2, "--plot", str(tmp_path / name)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "whose name ends in .svg or .png or .html" in shown.err
    assert len(shown.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_page_that_cannot_be_written_is_one_sentence_and_leaves_nothing(tmp_path, capsys):
    target = tmp_path / "ledger.html"
    target.mkdir()
    (target / "kept").touch()
    assert main(["count", GPT2, "--plot", str(target)]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert str(target) in error
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["kept", "ledger.html"]


@pytest.mark.parametrize("ending", ["svg", "png", "html"])
def test_where_no_file_can_be_it_is_one_sentence(ending, tmp_path, capsys):
    (tmp_path / "file").touch()
    target = tmp_path / "file" / f"ledger.{ending}"
    assert main(["count", GPT2, "--plot", str(target)]) == 2
    shown = capsys.readouterr()
    assert "124,439,808" in shown.out
    assert len(shown.err.splitlines()) == 1
    assert str(target) in shown.err
    assert "internal error" not in shown.err


def test_without_the_libraries_the_text_is_there_and_one_sentence(tmp_path):
    target = tmp_path / "ledger.svg"
    code = (
        "import sys; sys.modules['matplotlib'] = None\nfrom scalecheck.cli import main\n"
        f"sys.exit(main(['count', {GPT2!r}, '--plot', {str(target)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "124,439,808" in done.stdout
    assert done.stderr.strip().endswith(INSTALL)
    assert len(done.stderr.splitlines()) == 1
    assert not target.exists()
