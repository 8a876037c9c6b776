"""The run's picture: its lines are the laws', its points the jobs', nothing unknown is at zero, and no words lie on others."""

from __future__ import annotations

import math
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import partial

import pytest

from scalecheck.drawing import canvas, plane_scene, svg
from scalecheck.drawing.canvas import NARROW, SIZES, WIDE
from scalecheck.drawing.plane import draw
from scalecheck.facts import Account, Finding, Job, Reading, Report, Run, TrainingPlan
from scalecheck.forms import FittedRange
from scalecheck.laws import besiroglu2024, hoffmann2022_a1, kaplan2020
from scalecheck.outlook import outlooks
from scalecheck.pictures import plane
from scalecheck.policy_laws import DEFAULT_LAWS

JUDGE = hoffmann2022_a1.LAW
HOSTILE = "<script>alert(1)</script> $x_1$ \x00 \u202eשלום \ud800 & " + "x" * 10_000
FOUND = (Finding(rule="undertrained", message="under-trained", severity="warning"),)


def job(params, tokens, name="0", verdict="pass", *, findings=(), overrides=None, laws=DEFAULT_LAWS, judge="hoffmann2022_a1", **plan):
    """A job of that N and D, compared with laws where both are known."""
    ratio = tokens / params if params and tokens else None
    known = dict.fromkeys(("total_params", "active_params", "non_embedding_params", "active_non_embedding_params"), params)
    account = Account(**known, training_tokens=tokens, tokens_per_parameter=ratio)
    run = Run(reading=Reading(plan=TrainingPlan(**plan)), account=account, outlooks=outlooks(account, laws) if ratio else {}, judge=judge)
    typed = (f"seed={name}",) if overrides is None else overrides
    return Job(name=name, overrides=typed, run=run, findings=findings, verdict=verdict)


def scene_of(*jobs):
    return plane.picture(Report(jobs=jobs)).scene


UNDER = job(124_000_000, 300_000_000, verdict="stop", findings=FOUND)
SCENES = {
    "under": (UNDER,),
    "near": (job(10**9, 20 * 10**9),),
    "over": (job(8 * 10**9, 15 * 10**12, verdict="warn"),),
    "tiny": (job(35_700, 41_000, verdict="stop", findings=FOUND),),
    "far": (job(10**11, 10**7, verdict="stop", findings=FOUND),),
    "huge": (job(10**13, 10**15),),
    "no D": (job(10**9, None, verdict="silent"),),
    "no N": (job(None, 10**10, verdict="silent"),),
    "no law": (job(10**9, 10**10, verdict="silent", laws=()),),
    "history judges": (job(10**9, 10**10, laws=("kaplan2020",), judge="kaplan2020"),),
    "sweep": tuple(
        job(10**8 * (1 + n % 4), 10**9 * (1 + n % 6), str(n), ("pass", "warn", "stop")[n % 3], overrides=(f"model.size={n}",))
        for n in range(24)
    ),
    "wide sweep": tuple(job(10 ** (6 + n % 6), 10 ** (7 + n % 7), str(n), ("pass", "silent")[n % 2]) for n in range(42)),
    "hostile": (job(10**9, 10**10, HOSTILE, overrides=(HOSTILE,)), job(10**8, 10**10, "<b>", overrides=("a=$x$",))),
}


MORE = [name if name in ("under", "no D", "sweep") else pytest.param(name, marks=pytest.mark.extended) for name in SCENES]


def test_a_run_stands_at_its_figures():
    (point, *_) = scene_of(UNDER).points
    assert (point.params, point.tokens, point.role, point.label) == (124e6, 300e6, "stop", "this run")


def test_the_optimum_of_every_law_that_was_asked_is_a_line_with_the_judges_first():
    scene = scene_of(UNDER)
    assert [law.name for law in scene.laws] == list(UNDER.run.outlooks)
    assert len(scene.laws) > 4
    for params, tokens in plane_scene.optimum_line(scene.laws[0], scene):
        best = JUDGE.optimum(6 * params * tokens)
        assert params == pytest.approx(best.params)
        assert tokens == pytest.approx(best.tokens)


def test_the_line_reaches_both_edges_of_the_plane():
    scene = scene_of(UNDER)
    line = plane_scene.optimum_line(JUDGE, scene)
    ends = [
        min(n / low, high / n, d / bottom, top / d)
        for (n, d), (low, high), (bottom, top) in ((e, scene.params, scene.tokens) for e in (line[0], line[-1]))
    ]
    assert max(ends) < 1.1


def test_the_band_is_the_interval_of_the_law_that_has_one():
    scene = scene_of(UNDER)
    assert scene.band == besiroglu2024.LAW
    low, high = plane_scene.band_line(scene.band, scene)
    for (n_low, d_low), (n_high, d_high) in zip(low, high, strict=True):
        flops = 6 * n_low * d_low
        assert 6 * n_high * d_high == pytest.approx(flops)
        assert (d_low / n_low, d_high / n_high) == pytest.approx(scene.band.interval(flops))


def test_budgets_are_powers_of_ten_that_cross_the_plane():
    scene = scene_of(UNDER)
    for flops in plane_scene.budgets(scene):
        assert math.log10(flops) == pytest.approx(round(math.log10(flops)))
        assert 6 * scene.params[0] * scene.tokens[0] < flops < 6 * scene.params[1] * scene.tokens[1]


def test_the_fitted_range_has_only_what_the_judge_was_fitted_on():
    scene = scene_of(UNDER)
    polygon = plane_scene.fitted_polygon(scene)
    assert len(polygon) >= 3
    fitted = JUDGE.fitted_range
    for params, tokens in polygon:
        flops, ratio = 6 * params * tokens, tokens / params
        assert fitted.factor_beyond(params=params, flops=flops, tokens_per_parameter=ratio) == pytest.approx(1, abs=1e-9)


def test_nothing_is_shaded_where_the_plane_lies_outside_the_fitted_range():
    assert plane_scene.fitted_polygon(replace(scene_of(UNDER), params=(1e3, 1e5), tokens=(1e3, 1e5))) == []


def own(**changes):
    """A report whose judge is a law of the user's own, beside besiroglu2024."""
    law = replace(besiroglu2024.LAW, **({"name": "mine"} | changes))
    seen = outlooks(UNDER.run.account, (law.name, "besiroglu2024"), {law.name: law})
    return Report(jobs=(replace(UNDER, run=replace(UNDER.run, outlooks=seen, judge=law.name)),), own_laws={law.name: law})


def test_nothing_is_shaded_where_the_law_does_not_say_what_it_was_fitted_on():
    scene = plane.picture(own(fitted_range=FittedRange())).scene
    assert scene.laws[0].name == "mine"
    assert plane_scene.fitted_polygon(scene) == []


def test_the_interval_is_the_default_laws_where_the_judge_has_none():
    scene = plane.picture(own(log_covariance=None)).scene
    assert (scene.surface.name, scene.band) == ("mine", besiroglu2024.LAW)
    assert plane.picture(own()).scene.band.name == "mine"


HOSTILE_NAMES = ["a\x00b\ud800\n<b>", *(pytest.param(name, marks=pytest.mark.extended) for name in ("_x", "$x_1$ " + "y" * 10_000))]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=["control characters", "underscore", "long"])
def test_a_law_may_be_called_anything(name):
    picture = plane.picture(own(name=name))
    for size in SIZES:
        ET.fromstring(canvas.svg_of(picture.draw, size, prefix="p", description=picture.description))
    texts, figure = words_of(picture, NARROW)
    assert all(box.x1 <= figure.width + 1 for _, box in texts)


def test_budgets_of_a_plane_beyond_the_range_of_a_float_are_within_it():
    scene = replace(scene_of(UNDER), params=(1e60, 1e200), tokens=(1e60, 1e200))
    assert all(1e120 < flops < 1e301 for flops in plane_scene.budgets(scene))
    canvas.svg_of(partial(draw, scene), NARROW, prefix="p", description="far away")


def test_losses_are_round_and_within_the_plane():
    scene = scene_of(UNDER)
    law = scene.surface
    found = plane_scene.levels(scene)
    assert law == besiroglu2024.LAW
    assert len(found) >= 3
    assert all(law.loss(scene.params[1], scene.tokens[1]) <= loss <= law.loss(scene.params[0], scene.tokens[0]) for loss in found)


def test_remedies_lie_on_the_judges_line_and_only_where_training_is_out_of_balance():
    remedies = [point for point in scene_of(UNDER).points if point.role == "remedy"]
    same_model, same_compute = remedies
    assert same_model.params == pytest.approx(124e6)
    assert same_model.tokens == pytest.approx(JUDGE.tokens_for_model(124e6))
    assert same_compute.params * same_compute.tokens == pytest.approx(124e6 * 300e6)
    assert same_compute.params == pytest.approx(JUDGE.optimum(6 * 124e6 * 300e6).params)
    waived = replace(UNDER, findings=(replace(FOUND[0], waived="on purpose"),))
    assert [point.role for other in (waived, replace(UNDER, findings=())) for point in scene_of(other).points] == ["stop", "stop"]


def test_what_is_unknown_is_a_line_and_never_at_zero():
    (without_tokens,) = scene_of(*SCENES["no D"]).points
    (without_params,) = scene_of(*SCENES["no N"]).points
    assert (without_tokens.params, without_tokens.tokens) == (1e9, None)
    assert (without_params.params, without_params.tokens) == (None, 1e10)
    picture = plane.picture(Report(jobs=SCENES["no D"]))
    assert picture.table.rows[0] == ("this run", "1.00B", "unknown", "-", "unknown", "no verdict", "-")
    assert any("dashed line" in note for note in picture.notes)


@pytest.mark.parametrize(("params", "tokens"), [(None, None), (10**400, 10**9), (1e199, 1e199), (0, 10**9), (float("inf"), 10**9)])
def test_what_has_no_place_is_left_out_and_said(params, tokens):
    bad = (
        job(params, tokens, laws=())
        if params != 0
        else replace(job(None, tokens), run=replace(job(None, tokens).run, account=Account(total_params=0, training_tokens=tokens)))
    )
    alone = plane.picture(Report(jobs=(bad,)))
    assert alone.draw is None
    assert alone.notes == ("Nothing is drawn: of no job are N or D known, within what can be drawn.",)
    beside = plane.picture(Report(jobs=(bad, UNDER)))
    assert len([point for point in beside.scene.points if point.role != "remedy"]) == 1
    assert any(note.startswith("1 job left out") for note in beside.notes)


def test_a_report_of_no_job_is_no_picture():
    assert plane.picture(Report(jobs=())).draw is None


def test_jobs_at_one_place_are_one_point_that_tells_how_many():
    (point,) = scene_of(*(job(10**9, 10**10, str(seed)) for seed in range(25))).points
    assert point.label.endswith("+ 24")
    first, second, third, more, *_ = point.title.splitlines()
    assert [first, second, third] == ["job 0 (seed=0): pass", "job 1 (seed=1)", "job 2 (seed=2)"]
    assert more == "and 22 more here"


def test_labels_say_what_differs_and_nothing_that_two_would_share():
    common = ("trainer.max_steps=5",)
    labels = [
        point.label
        for point in scene_of(*(job(10**9 * (1 + n), 10**10, str(n), overrides=(f"model.n_layer={n}", *common)) for n in range(3))).points
    ]
    assert labels == ["n_layer=0", "n_layer=1", "n_layer=2"]
    long = [
        point.label
        for point in scene_of(*(job(10**9 * (1 + n), 10**10, str(n), overrides=(f"model.name={'x' * 50}{n}",)) for n in range(3))).points
    ]
    assert long == ["", "", ""]


def test_the_worst_are_drawn_where_there_are_too_many_and_it_is_said():
    jobs = [
        job(10**6 * (1 + n), 10**9 + n * 10**7, str(n), "stop" if n >= 9_990 else "pass", laws=("hoffmann2022_a1",)) for n in range(10_000)
    ]
    start = time.process_time()
    picture = plane.picture(Report(jobs=tuple(jobs)))
    assert time.process_time() - start < 5
    points = picture.scene.points
    assert len(points) == plane.MOST_POINTS
    assert [point.role for point in points].count("stop") == 10
    assert any(note.startswith(("500 of 10,000 places", "500 of 9,")) for note in picture.notes)


def test_the_worst_lies_above_the_others():
    report = Report(jobs=(job(10**9, 10**10, "0"), job(10**9, 10**10, "1", "stop")))
    picture = plane.picture(report)
    root = ET.fromstring(canvas.svg_of(picture.draw, WIDE, prefix="p", description=""))
    titles = [title.text for title in root.iter(f"{{{svg.SVG}}}title") if title.text.startswith("job ")]
    assert [title.splitlines()[0] for title in titles] == ["job 0 (seed=0): pass", "job 1 (seed=1): stop"]


def test_a_law_of_ones_own_is_drawn_from_the_report():
    own = replace(besiroglu2024.LAW, name="mine")
    seen = outlooks(UNDER.run.account, ("mine",), {"mine": own})
    run = replace(UNDER.run, outlooks=seen, judge="mine")
    report = Report(jobs=(replace(UNDER, run=run),), own_laws={"mine": own})
    scene = plane.picture(report).scene
    assert (scene.laws, scene.band, scene.surface) == ((own,), own, own)
    assert plane.picture(replace(report, own_laws={})).scene.laws == ()  # an older report tells no coefficients


def test_which_n_is_on_the_axis_is_said():
    assert plane.picture(Report(jobs=(UNDER,))).notes[0] == "N on the axis: total parameters, as hoffmann2022_a1 counts them."
    of_history = plane.picture(Report(jobs=SCENES["history judges"])).notes[0]
    assert of_history == "N on the axis: non-embedding parameters, as kaplan2020 counts them."
    assert plane.picture(Report(jobs=SCENES["no D"])).notes[0] == "N on the axis: all parameters."
    sparse = replace(job(10**9, None), run=replace(job(10**9, None).run, account=Account(total_params=10**9, active_params=10**8)))
    picture = plane.picture(Report(jobs=(sparse,)))
    assert picture.notes[0] == "N on the axis: the parameters that a token meets."
    assert picture.scene.points[0].params == 1e8
    assert not any("N on the axis" in note for note in plane.picture(Report(jobs=SCENES["no N"])).notes)


def test_a_d_that_is_a_bound_or_of_one_device_is_said():
    bounded = plane.picture(Report(jobs=(job(10**9, 10**10, tokens_status="upper_bound"),)))
    assert bounded.table.rows[0][1:5] == ("1.00B", "<=10.0B", "<=10", "<=6.00e19")
    assert "D tokens: <=10.0B" in bounded.scene.points[0].title
    assert any("at most what is drawn" in note for note in bounded.notes)
    device = plane.picture(Report(jobs=(job(10**9, None, verdict="silent", tokens_status="per_device", training_tokens=10**9),)))
    assert "D tokens: 1.00B/device" in device.scene.points[0].title
    assert any("only that of one device" in note for note in device.notes)


def test_every_row_of_a_sweep_has_what_the_laws_make_of_its_compute():
    table = plane.picture(Report(jobs=SCENES["sweep"])).table
    assert table.head[-1] == "optimal D/N at this C"
    for row in table.rows:
        assert row[-1].endswith("(6 published laws)")
    (law_only,) = plane.picture(Report(jobs=(job(10**9, 10**10, laws=("hoffmann2022_a1",)), job(None, 10**9)))).table.rows[:1]
    assert law_only[-1].startswith(f"{JUDGE.optimum(6e19).tokens_per_parameter:.2g} ")


def test_history_is_drawn_only_where_it_judges():
    scene = scene_of(job(10**9, 10**10, laws=(*DEFAULT_LAWS, "kaplan2020")))
    assert kaplan2020.LAW not in scene.laws
    assert scene_of(*SCENES["history judges"]).laws == (kaplan2020.LAW,)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
@pytest.mark.parametrize("name", MORE)
def test_no_words_lie_on_others_or_leave_the_picture(name, size):
    texts, figure = words_of(plane.picture(Report(jobs=SCENES[name])), size)
    assert len(texts) > 8
    for number, (words, box) in enumerate(texts):
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= figure.width + 1 and box.y1 <= figure.height + 1, words
        for others, other in texts[number + 1 :]:
            assert not box.padded(-1).overlaps(other.padded(-1)), f"{words!r} lies on {others!r}"


@pytest.mark.parametrize(
    "name", ["near", pytest.param("far", marks=pytest.mark.extended), pytest.param("over", marks=pytest.mark.extended)]
)
def test_words_of_well_known_runs_lie_on_no_mark(name):
    picture = plane.picture(Report(jobs=SCENES[name]))
    scene = picture.scene
    marks = {}

    def draw(made):
        picture.draw(made)
        (axes,) = made.figure.axes
        places = [(point.params, point.tokens) for point in (*scene.known, *scene.points)]
        marks["at"] = axes.transData.transform(places)
        names = {point.label for point in scene.known}
        marks["words"] = [(text.get_text(), text.get_window_extent()) for text in axes.texts if text.get_text() in names]

    canvas.png_of(draw, WIDE, pixels_per_unit=1)
    assert len(marks["words"]) >= 3
    assert [words for words, box in marks["words"] if box.count_contains(marks["at"])] == []


def words_of(picture, size):
    """Draw a picture; return its texts with their boxes, and the figure's box."""
    kept = []

    def draw(made):
        picture.draw(made)
        made.figure.draw_without_rendering()
        (axes,) = made.figure.axes
        ticks = [label for axis in (axes.xaxis, axes.yaxis) for label in axis.get_ticklabels(which="both")]
        shown = [label for axis in (axes.xaxis, axes.yaxis) for tick in axis._update_ticks() for label in (tick.label1,)]
        for text in made.figure.findobj(match=lambda artist: artist.__class__.__name__ in ("Text", "Annotation", "ClabelText")):
            is_hidden_tick = text in ticks and text not in shown
            if text.get_text().strip() and text.get_visible() and not is_hidden_tick and not text.get_rotation():
                kept.append((text.get_text(), text.get_window_extent()))
        kept.append(("", made.figure.bbox.frozen()))

    canvas.png_of(draw, size, pixels_per_unit=1)
    return kept[:-1], kept[-1][1]


@pytest.mark.parametrize("name", MORE)
def test_every_scene_is_an_svg_whose_points_tell_their_figures(name):
    report = Report(jobs=SCENES[name])
    picture = plane.picture(report)
    for size in (WIDE, NARROW):
        root = ET.fromstring(canvas.svg_of(picture.draw, size, prefix="p", description=picture.description))
        titles = [title.text for title in root.iter(f"{{{svg.SVG}}}title")]
        for point in picture.scene.points:
            assert svg.harmless(point.title) in titles
    assert not list(root.iter(f"{{{svg.SVG}}}script"))


def test_known_runs_are_there_for_orientation():
    scene = scene_of(*SCENES["near"])
    labels = [point.label for point in scene.known]
    assert {"Chinchilla 70B", "GPT-3 175B", "Llama-3.1-405B"} <= set(labels)
    chinchilla = scene.known[labels.index("Chinchilla 70B")]
    assert (chinchilla.params, chinchilla.tokens, chinchilla.role) == (70e9, 1.4e12, "known")
