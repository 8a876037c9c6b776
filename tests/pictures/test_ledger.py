"""The ledger's picture: its bars are the ledger's own sums, small parts are grouped in the drawing alone, and unknown is never zero."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from scalecheck.account import count, totals
from scalecheck.config_file import read_config_file
from scalecheck.drawing import canvas, svg
from scalecheck.drawing.canvas import NARROW, SIZES, WIDE
from scalecheck.drawing.ledger import MOST_MODELS, Model, panel_of, picture_of_account
from scalecheck.facts import Account, Job, ModelShape, Part, Reading, Report, Run
from scalecheck.pictures import ledger

CONFIGS = Path(__file__).parents[1] / "oracle" / "configs"
HOSTILE = "<script>alert(1)</script> $x_1$ \x00 \u202eשלום \ud800 & " + "x" * 10_000
ALL = sorted(path.stem for path in CONFIGS.glob("*.json"))
DRAWN = ("gpt2", "deepseek-v3", "mamba-130m", "t5-small", "vit-base-patch16-224")
"""One of each kind: dense, with experts, without attention, of two halves, of pictures; the extended tests look at the others' texts."""


def counted(name, length=1024):
    reading = read_config_file(CONFIGS / f"{name}.json")
    return count(replace(reading, plan=replace(reading.plan, sequence_length=length)))


def job(account, name="0", family="gpt2"):
    shape = ModelShape(family=family, num_layers=0, hidden_size=0, vocab_size=None)
    run = Run(reading=Reading(shape=shape), account=account)
    return Job(name=name, overrides=(f"model={name}",), run=run, findings=(), verdict="pass")


def handmade(*parts, length=10):
    sums = totals(parts)
    return replace(sums, sequence_length=length)


def titles_of(picture, size=WIDE):
    root = ET.fromstring(canvas.svg_of(picture.draw, size, prefix="ledger", description=picture.description))
    assert not list(root.iter(f"{{{svg.SVG}}}script"))
    return [title.text or "" for title in root.iter(f"{{{svg.SVG}}}title")]


def number(text):
    return int(text.replace(",", ""))


@pytest.mark.parametrize("name", ALL)
def test_the_table_adds_up_to_the_totals_of_the_account(name):
    account = counted(name)
    rows = picture_of_account(account, name).table.rows
    assert len(rows) == len(account.parts)
    assert sum(number(row[2]) for row in rows) == account.total_params
    assert sum(number(row[3]) for row in rows) == account.active_params
    per_token = sum(float(row[5].replace(",", "")) for row in rows)
    assert per_token == pytest.approx(account.training_flops_per_sequence / account.sequence_length, abs=0.1 * len(rows))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("columns", [1, 2])
def test_the_bars_are_all_of_it(name, columns):
    bars = panel_of(Model(name=name, account=counted(name)), columns).bars
    assert sum(bar.params for bar in bars) == pytest.approx(1)
    assert sum(bar.flops for bar in bars) == pytest.approx(1)
    assert len(bars) <= 14
    assert len({bar.name for bar in bars}) == len(bars)


def test_gpt2_by_hand():
    """GPT-2: 50,257 x 768 rows and columns; 6 FLOPs per weight and token, and 12 T d of scores per layer."""
    picture = picture_of_account(counted("gpt2"), "gpt2")
    rows = {row[0]: row for row in picture.table.rows}
    assert rows["token_embedding"][2:5] == ("38,597,376", "38,597,376", f"{100 * 38_597_376 / 124_439_808:.1f} %")
    assert rows["token_embedding"][5:] == ("0", "0.0 %")
    assert number(rows["lm_head"][5]) == 6 * 50_257 * 768
    assert number(rows["attention.scores"][5]) == 12 * 12 * 1024 * 768
    assert rows["attention.scores"][2] == "0"
    flops = 6 * (50_257 * 768 + 12 * 12 * 768 * 768) + 12 * 12 * 1024 * 768
    assert rows["lm_head"][6] == f"{100 * 6 * 50_257 * 768 / flops:.1f} %"
    bars = {bar.name: bar for bar in panel_of(Model(name="gpt2", account=counted("gpt2"))).bars}
    assert bars["lm_head"].flops == pytest.approx(6 * 50_257 * 768 / flops)
    assert bars["token_embedding"].params == pytest.approx(38_597_376 / 124_439_808)
    assert "token_embedding has 31.0 % of the parameters, lm_head has 27.1 % of the training FLOPs" in picture.description


def test_of_a_mixture_of_experts_the_part_that_a_token_meets_is_told():
    account = counted("deepseek-v3")
    panel = panel_of(Model(name="d", account=account))
    assert panel.is_sparse
    experts = next(bar for bar in panel.bars if bar.name == "experts.gate")
    assert experts.active == pytest.approx(experts.params * 464 / 14_848)
    row = next(row for row in picture_of_account(account, "d").table.rows if row[0] == "experts.gate")
    assert row[1:4] == ("464 of 14,848", "217,969,590,272", f"{217_969_590_272 * 464 // 14_848:,}")
    assert any("met by one token 6,811,549,696" in title for title in titles_of(picture_of_account(account, "d")))
    assert not panel_of(Model(name="g", account=counted("gpt2"))).is_sparse


def test_layers_that_share_weights_are_stored_once_and_used_often():
    shared = handmade(Part("mlp", "matmul", 100, 1, 12, 2000), Part("lm_head", "output_embedding", 100, 1, None, 2000))
    row = picture_of_account(shared, "albert").table.rows[0]
    assert row[1:] == ("12 of 1", "100", "100", "50.0 %", "7,200", "92.3 %")


@pytest.mark.parametrize("name", ["t5-small", "whisper-tiny"])
def test_both_halves_of_an_encoder_decoder_are_there(name):
    picture = picture_of_account(counted(name), name)
    names = [row[0] for row in picture.table.rows]
    assert any(part.startswith("encoder.") for part in names)
    assert any(part.startswith("decoder.cross_attention") for part in names)
    bars = [bar.name for bar in panel_of(Model(name=name, account=counted(name))).bars]
    assert any(part.startswith("encoder.") for part in bars)
    assert any(part.startswith("decoder.") for part in bars)
    if name == "t5-small":
        assert any("and 1,024 in the encoder" in note for note in picture.notes)
    else:
        assert any("(frozen)" in part for part in names)


def test_small_parts_are_grouped_in_the_drawing_and_never_in_the_table():
    account = counted("gpt2")
    bars = [bar.name for bar in panel_of(Model(name="gpt2", account=account)).bars]
    assert "attention.query.bias" not in bars
    assert bars[-1] == "other (10 parts)"
    assert "attention.query.bias" in [row[0] for row in picture_of_account(account, "gpt2").table.rows]
    coarse = [bar.name for bar in panel_of(Model(name="gpt2", account=account), 2).bars]
    assert "attention (9 parts)" in coarse


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
@pytest.mark.parametrize("name", [name if name in DRAWN else pytest.param(name, marks=pytest.mark.extended) for name in ALL])
def test_no_text_lies_on_another_and_none_is_cut(name, size, texts):
    texts.assert_apart(picture_of_account(counted(name), name), size, 8)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
@pytest.mark.parametrize("number", [4, *(pytest.param(number, marks=pytest.mark.extended) for number in (2, 3))])
def test_no_text_of_several_models_lies_on_another(number, size, texts):
    jobs = tuple(job(counted(name), name) for name in ("deepseek-v3", "t5-small", "gpt2", "whisper-tiny")[:number])
    texts.assert_apart(ledger.picture(Report(jobs=jobs)), size, 8)


def test_models_of_equal_parts_are_one():
    jobs = tuple(job(counted("gpt2"), str(number)) for number in range(3))
    picture = ledger.picture(Report(jobs=jobs))
    assert picture.table.head[0] == "part"
    assert picture.description.startswith("gpt2: ")


def test_of_many_models_the_largest_are_drawn_and_the_rest_named():
    names = ["gpt2", "pythia-70m", "t5-small", "whisper-tiny", "llama-3-8b", "bert-base-uncased"]
    jobs = tuple(job(counted(name), name) for name in names)
    picture = ledger.picture(Report(jobs=jobs))
    by_size = sorted(jobs, key=lambda one: -one.run.account.total_params)
    drawn = dict.fromkeys(row[0] for row in picture.table.rows)
    assert [next(word for word in names if f"model={word}" in text) for text in drawn] == [one.name for one in by_size[:MOST_MODELS]]
    note = picture.notes[-1]
    assert note.startswith("The 4 largest of 6 models are drawn; left out: ")
    assert all(f"model={one.name}" in note for one in by_size[MOST_MODELS:])


def test_ten_thousand_jobs_of_ten_thousand_models():
    parts = [(Part("a", "matmul", number + 1, 1, None, 20), Part("b", "matmul", 5, 1, None, 20)) for number in range(10_000)]
    jobs = tuple(job(handmade(*both), str(number)) for number, both in enumerate(parts))
    picture = ledger.picture(Report(jobs=jobs))
    assert len(picture.table.rows) == 8
    assert picture.notes[-1].endswith("and 9,986 more.")
    assert all(len(note) < 2500 for note in picture.notes)
    assert len(canvas.svg_of(picture.draw, WIDE, prefix="p", description="d")) < 100_000


def test_a_part_of_unknown_size_is_in_the_table_and_not_drawn():
    account = handmade(
        Part("token_embedding", "input_embedding", None),
        Part("mlp", "matmul", 300, 2, None, 6000),
        Part("lm_head", "output_embedding", 0, 1, None, None),
    )
    picture = picture_of_account(account, "m")
    assert [row[2] for row in picture.table.rows] == ["unknown", "600", "0"]
    assert [row[5] for row in picture.table.rows] == ["0", "3,600", "unknown"]
    (bar,) = [bar for bar in panel_of(Model(name="m", account=account)).bars if bar.name == "mlp"]
    assert (bar.params, bar.flops) == (1, 1)
    assert not any(title.startswith("token_embedding") for title in titles_of(picture))
    assert any("token_embedding" in note and "unknown" in note for note in picture.notes)


def test_without_a_sequence_length_only_the_parameters_are_drawn():
    reading = read_config_file(CONFIGS / "gpt2.json")
    picture = picture_of_account(count(replace(reading, plan=replace(reading.plan, sequence_length=None))), "gpt2")
    assert all(row[5] in ("unknown", "0") for row in picture.table.rows)
    assert any("sequence length is unknown" in note for note in picture.notes)
    assert "C unknown" in panel_of(Model(name="gpt2", account=count(reading))).title
    assert titles_of(picture)


@pytest.mark.parametrize(
    ("account", "words"),
    [(Account(), "the parameters are unknown"), (Account(total_params=10**9), "known as a whole only, 1.00B")],
)
def test_without_parts_nothing_is_drawn_and_a_note_says_why(account, words):
    for picture in (picture_of_account(account, "m"), ledger.picture(Report(jobs=(job(account),)))):
        assert picture.draw is None
        assert picture.table.rows == ()
        assert words in picture.notes[0]
    assert ledger.picture(Report(jobs=())).draw is None
    assert "no job" in ledger.picture(Report(jobs=())).notes[0]


def test_jobs_without_parts_are_left_out_beside_others():
    picture = ledger.picture(Report(jobs=(job(Account()), job(counted("gpt2"), "1"))))
    assert picture.draw is not None
    assert picture.notes[-1].startswith("1 job left out")
    assert ledger.picture(Report(jobs=(job(Account()), job(Account(), "1")))).draw is None


def test_hostile_words_are_text_and_cut(texts):
    account = handmade(Part(HOSTILE, "matmul", 300, 2, None, 6000), Part("b", "matmul", 200, 1, None, 6000))
    other = handmade(Part("c", "matmul", 300, 1, None, 6000))
    report = Report(jobs=(job(account, HOSTILE, HOSTILE), job(other, "1", HOSTILE)))
    for picture in (picture_of_account(account, HOSTILE), ledger.picture(report)):
        assert all(len(cell) < 200 for row in picture.table.rows for cell in row)
        for size in SIZES:
            assert any("<script>" in title for title in titles_of(picture, size))
            assert canvas.png_of(picture.draw, size).startswith(b"\x89PNG")
        texts.assert_apart(picture, NARROW, 8)
        texts.assert_apart(picture, WIDE, 8)


@pytest.mark.parametrize("digits", [40, 400, 5000])
def test_sizes_beyond_a_float_are_drawn_by_their_share(digits):
    huge = 10**digits
    account = handmade(Part("a", "matmul", huge, 1, None, huge), Part("b", "matmul", huge, 3, None, huge))
    picture = picture_of_account(account, "m")
    assert [row[4] for row in picture.table.rows] == ["25.0 %", "75.0 %"]
    assert all(len(cell) < 30 for row in picture.table.rows for cell in row)
    assert len(titles_of(picture)) == 4


def test_parts_of_no_weight_at_all():
    picture = picture_of_account(handmade(Part("a", "other", 0), Part("b", "other", 0)), "m")
    assert picture.draw is None
    assert picture.notes


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_every_text_has_a_colour_of_both_themes(size):
    root = ET.fromstring(canvas.svg_of(picture_of_account(counted("deepseek-v3"), "d").draw, size, prefix="p", description="d"))
    texts = list(root.iter(f"{{{svg.SVG}}}text"))
    parents = {child: parent for parent in root.iter() for child in parent}
    assert len(texts) > 8
    for text in texts:
        styles = [node.get("style", "") + node.get("fill", "") for node in (text, parents[text])]
        assert any("var(--c-" in style for style in styles), "".join(text.itertext())
