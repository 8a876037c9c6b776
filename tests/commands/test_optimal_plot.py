"""``scalecheck optimal --plot``: the laws' answers in the plane, as a file or as text, and sentences for what cannot be drawn."""

from __future__ import annotations

import math
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import partial

import pytest
from PIL import Image

from scalecheck.cli import main
from scalecheck.drawing import canvas, svg
from scalecheck.drawing.plane import draw
from scalecheck.forms import LossSurface
from scalecheck.optimal_plot import scene_of
from scalecheck.outlook import law_named
from scalecheck.planning import Question, answers, shipped_laws

LAWS = tuple(map(law_named, shipped_laws()))


def scene(quantity, value, laws=LAWS):
    found = answers(laws, Question(quantity=quantity, value=value), None, loss_law=law_named("besiroglu2024"))
    return scene_of(found, laws)


def test_every_laws_optimum_is_a_point_on_the_line_of_the_budget():
    made = scene("flops", 1e21)
    assert len(made.points) == len(LAWS)
    assert all(6 * point.params * point.tokens == pytest.approx(1e21) for point in made.points)
    assert (made.budget, made.asked_params, made.asked_tokens) == (1e21, None, None)
    assert made.points[0].label == "hoffmann2022_a1"


@pytest.mark.parametrize(("quantity", "value"), [("params", 7e9), ("tokens", 2e12), ("loss", 2.2)])
def test_other_questions_have_no_budget_line_and_points_at_their_own_figure(quantity, value):
    made = scene(quantity, value)
    assert made.budget is None
    lines = {"params": made.asked_params, "tokens": made.asked_tokens}
    assert lines == {name: value if name == quantity else None for name in lines}
    for point in made.points:
        assert quantity == "loss" or getattr(point, quantity) == pytest.approx(value)
    losses = [
        law.loss(point.params, point.tokens) for law, point in zip(made.laws, made.points, strict=True) if isinstance(law, LossSurface)
    ]
    assert quantity != "loss" or losses == pytest.approx([value] * len(losses))


@pytest.mark.parametrize(
    ("quantity", "value", "title"), [("flops", 1e22, "C = 6ND = 1e22 FLOPs"), ("params", 7e9, "N = 7.00B"), ("tokens", 2e12, "D = 2.00T")]
)
def test_the_question_is_one_line_in_the_picture(quantity, value, title):
    root = ET.fromstring(canvas.svg_of(partial(draw, scene(quantity, value)), canvas.WIDE, prefix="p", description=""))
    titles = [node.text for node in root.iter(f"{{{svg.SVG}}}title")]
    assert titles.count(title) == 1


@pytest.mark.parametrize(("quantity", "value"), [("tokens", 1e83), ("params", 1e100), ("flops", 1e100)])
def test_answers_beyond_any_scale_are_drawn_without_a_failure(quantity, value):
    made = scene(quantity, value)
    ET.fromstring(canvas.svg_of(partial(draw, made), canvas.NARROW, prefix="p", description=""))


def test_every_point_lies_within_the_plane():
    for value in (1e12, 1e21, 1e30):
        made = scene("flops", value)
        for point in made.points:
            assert made.params[0] < point.params < made.params[1]
            assert made.tokens[0] < point.tokens < made.tokens[1]
        assert all(math.isfinite(bound) for bound in (*made.params, *made.tokens))


def test_a_file_is_written_beside_the_text(tmp_path, capsys):
    assert main(["optimal", "--flops", "1e21", "--plot", str(tmp_path / "new" / "plane.svg")]) == 0
    assert "hoffmann2022_a1" in capsys.readouterr().out
    root = ET.parse(tmp_path / "new" / "plane.svg").getroot()
    assert "laws" in root.get("aria-label")
    assert main(["optimal", "--flops", "1e21", "--format", "json", "--plot", str(tmp_path / "plane.png")]) == 0
    with Image.open(tmp_path / "plane.png") as image:
        assert image.format == "PNG"


def test_without_a_file_it_is_text_below_the_answer(capsys):
    assert main(["optimal", "--flops", "1e21", "--plot"]) == 0
    out = capsys.readouterr().out
    assert out.index("what more compute buys") < out.index("D, training tokens") < out.index("N, parameters")
    assert "1.00e21 FLOPs" in out[out.index("N, parameters") :]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--flops", "1e21", "--plot", "plane.pdf"], "ends in .svg or .png"),
        (["--flops", "1e21", "--plot", "--format", "json"], "give --plot a file"),
        (["--group", "model", "--plot", "x.svg"], "leave one of them out"),
        (["--flops", "1e21", "--plot", "/dev/null/x.svg"], "cannot be written"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(typed, said, capsys):
    assert main(["optimal", *typed]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_the_answer_without_a_plot_imports_no_plotting_library():
    code = (
        "import sys; from scalecheck.cli import main; main(['optimal', '--flops', '1e21'])\n"
        "print([name for name in ('matplotlib', 'plotext', 'jinja2', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
