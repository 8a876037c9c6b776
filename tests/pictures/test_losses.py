"""The laws' picture: its losses are the law's, its lines straight where they are said to be, and what cannot be drawn is said."""

from __future__ import annotations

import itertools
import math
import xml.etree.ElementTree as ET

import pytest

from scalecheck.drawing import canvas, curves, svg
from scalecheck.drawing.canvas import NARROW, SIZES, WIDE
from scalecheck.facts import Account, Job, Outlook, Reading, Report, Run, TrainingPlan
from scalecheck.forms import Citation, FittedRange, LossSurface
from scalecheck.laws import besiroglu2024
from scalecheck.outlook import outlooks
from scalecheck.pictures import losses
from scalecheck.policy_laws import DEFAULT_LAWS

LAW = besiroglu2024.LAW
HOSTILE = "<script>alert(1)</script> $x_1$ \x00 \u202eשלום \ud800 & " + "x" * 10_000


def job(params, tokens, name="0", verdict="pass", judge="hoffmann2022_a1", laws=DEFAULT_LAWS, own=None, **plan):
    ratio = tokens / params if params and tokens else None
    known = dict.fromkeys(("total_params", "active_params", "non_embedding_params", "active_non_embedding_params"), params)
    account = Account(**known, training_tokens=tokens, tokens_per_parameter=ratio)
    seen = outlooks(account, laws, own) if ratio else {}
    run = Run(reading=Reading(plan=TrainingPlan(**plan)), account=account, outlooks=seen, judge=judge)
    return Job(name=name, overrides=(f"seed={name}",), run=run, findings=(), verdict=verdict)


def surface(name="mine", **changed):
    values = {"E": 1.5, "A": 400.0, "B": 2000.0, "alpha": 0.35, "beta": 0.37} | changed
    return LossSurface(
        name=name,
        citation=Citation(authors="ours", year=0, arxiv="", where="runs.csv"),
        params_convention="total",
        data=HOSTILE,
        fitted_range=FittedRange(),
        **values,
    )


def by_hand(params, tokens):
    """The published coefficients, typed again."""
    return 1.8172 + 482.01 / params**0.3478 + 2085.43 / tokens**0.3658


def scene_of(report):
    draw = losses.picture(report).draw
    return draw.args[0]


SINGLES = {
    "under": Report(jobs=(job(124_000_000, 300_000_000, verdict="stop"),)),
    "near": Report(jobs=(job(10**9, 20 * 10**9),)),
    "over": Report(jobs=(job(8 * 10**9, 15 * 10**12, verdict="warn"),)),
    "tiny": Report(jobs=(job(35_700, 41_000, verdict="stop"),)),
    "far": Report(jobs=(job(10**11, 10**7, verdict="stop"),)),
    "silent": Report(jobs=(job(10**9, 10**9, verdict="silent"),)),
}
SWEEP = Report(jobs=tuple(job(10**8 * (1 + n % 7), 10**9 * (1 + n % 11), str(n), ("pass", "warn", "stop")[n % 3]) for n in range(60)))
WIDE_SWEEP = Report(jobs=tuple(job(10 ** (6 + n % 6), 10 ** (7 + n % 7), str(n), ("pass", "silent")[n % 2]) for n in range(42)))


def test_the_losses_of_the_table_are_the_laws_own():
    rows = losses.picture(SINGLES["under"]).table.rows
    params, tokens = 124e6, 300e6
    assert rows[0] == ("this run", "2.23e17", "124.0M", "300.0M", f"{by_hand(params, tokens):.3f}", "")
    for (label, *_, loss, gain), multiple in zip(rows[1:], (1, 2, 10, 100), strict=True):
        flops = 6 * params * tokens * multiple
        best = min(by_hand(n, flops / 6 / n) for n in (10 ** (exponent / 1000) for exponent in range(5000, 12000)))
        assert label == f"{multiple}x this run's compute, compute-optimal"
        assert float(loss) == pytest.approx(best, abs=1.5e-3)
        assert float(gain) == pytest.approx(by_hand(params, tokens) - best, abs=2e-3)


def test_more_compute_never_loses():
    losses_of = [float(row[4]) for row in losses.picture(SINGLES["near"]).table.rows[1:]]
    assert losses_of == sorted(losses_of, reverse=True)
    assert losses_of[0] > losses_of[-1]


def test_the_compute_optimal_line_is_straight_with_the_exponent_of_the_paper():
    (line,) = [curve for curve in curves.curves(scene_of(SINGLES["near"]), "flops", 1e20, 1e21) if curve.kind.startswith("optimal")]
    slopes = [
        (math.log(second[1]) - math.log(first[1])) / (math.log(second[0]) - math.log(first[0]))
        for first, second in itertools.pairwise(line.places)
    ]
    assert slopes == pytest.approx([-LAW.alpha * LAW.beta / (LAW.alpha + LAW.beta)] * len(slopes), rel=1e-6)


@pytest.mark.parametrize(("axis", "term"), [("params", lambda x: LAW.A / x**LAW.alpha), ("tokens", lambda x: LAW.B / x**LAW.beta)])
def test_the_limit_has_one_term_and_the_runs_line_goes_through_the_run(axis, term):
    scene = scene_of(SINGLES["under"])
    run = scene.base
    found = list(curves.curves(scene, axis, getattr(run, axis), getattr(run, axis) * 100))
    (limit,) = [curve for curve in found if curve.kind == "limit"]
    assert [y for _, y in limit.places] == pytest.approx([term(x) for x, _ in limit.places])
    first = next(curve for curve in found if curve.kind.startswith("run")).places[0]
    assert first[1] == pytest.approx(by_hand(run.params, run.tokens) - LAW.E, abs=1e-6)


@pytest.mark.parametrize("axis", ["flops", "params", "tokens"])
def test_what_lies_outside_the_fitted_range_is_dashed(axis):
    scene = scene_of(SINGLES["near"])
    low, high = {"flops": (1e15, 1e26), "params": (1e5, 1e13), "tokens": (1e7, 1e15)}[axis]
    optimal = [curve for curve in curves.curves(scene, axis, low, high) if curve.kind.startswith("optimal")]
    assert [curve.kind for curve in optimal] == ["optimal, extrapolated", "optimal", "optimal, extrapolated"]
    for before, after in itertools.pairwise(optimal):
        assert before.places[-1] == after.places[0]
    styles = [curves._STYLES[curve.kind][1].get("linestyle") for curve in optimal]
    assert styles[0] == styles[2] != styles[1]


def test_a_run_outside_the_fitted_range_is_said_to_be():
    notes = losses.picture(SINGLES["over"]).notes
    assert any("extrapolated" in note and "besiroglu2024 was fitted on" in note for note in notes)
    assert not any("extrapolated" in note for note in losses.picture(SINGLES["near"]).notes)
    assert any("blind guess" in note for note in losses.picture(SINGLES["tiny"]).notes)
    assert not any("blind guess" in note for note in notes)


def test_the_law_is_the_judge_where_it_has_a_loss():
    own = {"mine": surface()}
    chosen = job(10**9, 10**10, judge="mine", laws=("mine", *DEFAULT_LAWS), own=own)
    picture = losses.picture(Report(jobs=(chosen,), own_laws=own))
    loss = 1.5 + 400 / 1e9**0.35 + 2000 / 1e10**0.37
    assert picture.table.rows[0][4] == f"{loss:.3f}"
    assert not any("judges" in note for note in picture.notes)
    judged = losses.picture(Report(jobs=(job(10**9, 10**10, judge="muennighoff2023"),)))
    assert judged.description.startswith("muennighoff2023 ")
    other = losses.picture(Report(jobs=(job(10**9, 10**10),)))
    assert other.description.startswith("besiroglu2024 ")
    assert any(note.startswith("hoffmann2022_a1 judges and has no loss") for note in other.notes)


def test_a_law_that_the_report_does_not_carry_is_not_drawn():
    chosen = job(10**9, 10**10, judge="mine", laws=("mine",), own={"mine": surface()})
    picture = losses.picture(Report(jobs=(chosen,)))
    assert picture.draw is None
    assert "no law that was asked has a loss" in picture.notes[0]


def test_corpus_and_tokenizer_are_the_laws():
    assert any("own corpus and tokenizer" in note and "MassiveText" in note for note in losses.picture(SINGLES["near"]).notes)


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ((), "no job was checked"),
        ((job(10**9, None),), "the training tokens are unknown"),
        ((job(None, 10**9),), "the parameters are unknown"),
        ((job(10**9, 10**10, laws=()),), "no law was compared"),
        ((job(10**9, 10**10, laws=("hoffmann2022_a1", "deepseek2024")),), "no law that was asked has a loss"),
        (
            (job(10**9, 10**10, laws=(), intent="finetune", intent_reason="intent is finetune"),),
            "no scaling law is applied (intent is finetune)",
        ),
    ],
)
def test_nothing_is_drawn_and_a_note_says_why(jobs, words):
    picture = losses.picture(Report(jobs=jobs))
    assert picture.draw is None
    assert words in picture.notes[0]
    assert picture.table.rows == ()


def test_jobs_of_unknown_size_are_left_out_of_a_sweep_never_at_zero():
    picture = losses.picture(Report(jobs=(job(10**9, None, "a"), job(10**9, 10**10, "b"), job(None, 10**10, "c"))))
    assert picture.draw is not None
    assert next(row[0] for row in picture.table.rows) == "job b (seed=b), pass"
    assert any(note.startswith("2 jobs left out") for note in picture.notes)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
@pytest.mark.parametrize(
    "report",
    [
        pytest.param(report, id=name, marks=() if name in ("under", "tiny", "sweep") else pytest.mark.extended)
        for name, report in {**SINGLES, "sweep": SWEEP, "wide_sweep": WIDE_SWEEP}.items()
    ],
)
def test_no_text_lies_on_another_and_none_is_cut(report, size, texts):
    texts.assert_apart(losses.picture(report), size, 5)


def test_of_labels_that_would_lie_on_each_other_the_first_stays(texts):
    words = [text for text, _ in texts.drawn(losses.picture(SINGLES["under"]), WIDE)[0]]
    assert "this run: 4.21" in words
    assert any(text.startswith("100x: ") for text in words)


def test_a_label_that_would_lie_on_an_earlier_one_or_outside_is_taken_away():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 2))
    axes = figure.subplots()
    first, same, outside, apart = (axes.text(x, y, "label") for x, y in ((0.1, 0.1), (0.12, 0.12), (0.9, 1.5), (0.1, 0.8)))
    curves.keep_apart(figure, [first, same, outside, apart])
    assert list(axes.texts) == [first, apart]


def test_marks_carry_the_figures_of_their_runs():
    picture = losses.picture(SWEEP)
    root = ET.fromstring(canvas.svg_of(picture.draw, NARROW, prefix="losses", description=picture.description))
    titles = [title.text for title in root.iter(f"{{{svg.SVG}}}title")]
    for number in (0, 1, 2, 59):
        tokens = 1 + number % 11
        assert sum(title.startswith(f"job {number} (seed={number}), ") and f"D {tokens}" in title for title in titles) == 3  # a panel each


def test_equal_runs_are_one_point_and_no_more_than_a_number_are_drawn():
    same = Report(jobs=tuple(job(10**9, 10**10, str(number)) for number in range(5)))
    assert len(scene_of(same).runs) == 1
    many = Report(jobs=tuple(job(10**8 + number, 10**10, str(number)) for number in range(losses.MOST_RUNS + 7)))
    assert len(scene_of(many).runs) == losses.MOST_RUNS
    assert any("first 500 of 507 different runs" in note for note in losses.picture(many).notes)


def test_ten_thousand_jobs_make_a_picture_of_bounded_size():
    jobs = tuple(job(10**8 + 1000 * number, 10**10, str(number), laws=("besiroglu2024",)) for number in range(10_000))
    picture = losses.picture(Report(jobs=jobs))
    assert len(picture.table.rows) <= losses.MOST_RUNS + 4
    assert len(canvas.svg_of(picture.draw, WIDE, prefix="p", description="d")) < 700_000


def test_hostile_words_are_text():
    own = {"mine": surface()}
    jobs = tuple(job(10**9, 10**10 + n, HOSTILE + str(n), judge="mine", laws=("mine",), own=own) for n in range(2))
    picture = losses.picture(Report(jobs=jobs, own_laws=own))
    assert all(len(cell) < 200 for row in picture.table.rows for cell in row)
    assert all(len(note) < 500 for note in picture.notes)
    for size in SIZES:
        root = ET.fromstring(canvas.svg_of(picture.draw, size, prefix="p", description=picture.description))
        assert not list(root.iter(f"{{{svg.SVG}}}script"))
        assert any("<script>" in (title.text or "") for title in root.iter(f"{{{svg.SVG}}}title"))
        assert canvas.png_of(picture.draw, size).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("params", "tokens"),
    [
        pytest.param(10**150, 10**148, id="both"),
        pytest.param(1, 1, id="one"),
        pytest.param(10**30, 3, id="params", marks=pytest.mark.extended),
        pytest.param(2, 10**200, id="tokens", marks=pytest.mark.extended),
    ],
)
def test_absurd_sizes_are_drawn_or_left_out_without_a_traceback(params, tokens):
    picture = losses.picture(Report(jobs=(job(params, tokens, laws=("besiroglu2024",)),)))
    if picture.draw is not None:
        for size in SIZES:
            assert canvas.png_of(picture.draw, size, pixels_per_unit=1)
    else:
        assert picture.notes


@pytest.mark.parametrize("value", [math.inf, math.nan, 0.0, -1.0, 10**400], ids=["inf", "nan", "zero", "negative", "huge"])
def test_figures_of_a_file_that_are_no_sizes_are_left_out(value):
    outlook = Outlook(
        law="besiroglu2024", params=value, params_convention="total", law_flops=1.0, optimal_params=1.0, optimal_tokens=1.0,
        tokens_per_parameter=1.0, multiple=1.0, tokens_for_this_model=1.0,
    )  # fmt: skip
    account = Account(total_params=10**9, training_tokens=10**10)
    bad = Job(
        name="0",
        overrides=(),
        run=Run(reading=Reading(), account=account, outlooks={"besiroglu2024": outlook}),
        findings=(),
        verdict="pass",
    )
    picture = losses.picture(Report(jobs=(bad,)))
    assert picture.draw is None
    assert "Nothing is drawn" in picture.notes[0]


@pytest.mark.parametrize(("low", "high"), [(0.1, 2), (0.02, 0.05), (1e-3, 100), (30, 60), (1e-12, 1e-11)])
def test_ticks_are_round_losses_within_the_axis(low, high):
    found = curves.ticks(1.8172, low, high)
    assert found == sorted(found, reverse=False)
    assert all(low <= loss - 1.8172 <= high for loss in found)
    assert len(found) <= 6
    assert all(len(f"{loss:g}") <= 6 for loss in found)
    if high > 0.01:
        assert len(found) >= 2


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_every_text_has_a_colour_of_both_themes(size):
    root = ET.fromstring(canvas.svg_of(losses.picture(SWEEP).draw, size, prefix="p", description="d"))
    texts = list(root.iter(f"{{{svg.SVG}}}text"))
    parents = {child: parent for parent in root.iter() for child in parent}
    assert len(texts) > 8
    for text in texts:
        styles = [node.get("style", "") + node.get("fill", "") for node in (text, parents[text])]
        assert any("var(--c-" in style for style in styles), "".join(text.itertext())
