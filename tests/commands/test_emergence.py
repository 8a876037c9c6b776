"""``scalecheck emergence``: what published models first showed above and below a run's C."""

from __future__ import annotations

import json

import pytest

HERE = ("--config-dir", "conf", "--config-name", "train")


@pytest.fixture
def told(app):
    """``told(*arguments)`` is what the command prints."""

    def run(*arguments):
        done = app.cli("emergence", *arguments)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    return run


def parts(out):
    """Split the text into its blocks: heading, then rows."""
    return {block.splitlines()[0].rstrip(":"): block.splitlines()[1:] for block in out.split("\n\n")[1:]}


def test_bare_budget_splits_the_table_and_says_how_to_read_it(told):
    out = told("--flops", "1e22")
    assert out.startswith("C 1.00e22 FLOPs, beside Wei et al. 2022")
    found = parts(out)
    assert len(found["first reported above this C"]) == 21
    below = found["first reported at or below this C, which does not say that this run will show them"]
    assert [line.strip() for line in below] == [
        "published models first gained from Scratchpad: 8-digit addition (finetuning) at about 8.9e19 FLOPs (LaMDA 40M; Nye et al. 2021)"
    ]
    assert "The table bounds nothing" in found["how to read it (information only; no rule uses it)"][0]


def test_run_is_placed_by_its_own_c_and_overrides(told):
    small, large = (json.loads(told(*HERE, "--format", "json", *more)) for more in ((), ("model=large", "trainer.max_steps=200000000")))
    assert small["flops"] < 1e14
    assert (len(small["above"]), small["at_or_below"]) == (22, [])
    assert large["flops"] > 5e21
    assert [row["name"] for row in large["at_or_below"]] == ["Scratchpad: 8-digit addition (finetuning)"]


def test_side_without_a_row_says_so(told):
    assert parts(told("--flops", "1e10"))["first reported at or below this C, which does not say that this run will show them"] == [
        "  none in the table"
    ]


def test_json_has_rows_sentences_and_caveats(told):
    found = json.loads(told("--flops", "4e23", "--format", "json"))
    assert (found["flops"], found["is_at_most"], found["nothing_listed_because"]) == (4e23, False, None)
    row = next(row for row in found["at_or_below"] if row["name"] == "MMLU (57 topic avg.)")
    assert (row["train_flops"], row["params"], row["model"], row["year"]) == (3.1e23, 175_000_000_000, "GPT-3", 2021)
    assert row["sentence"].startswith("published models first exceeded chance on MMLU")
    assert [row["name"] for row in found["without_figure"]] == ["Many BIG-Bench tasks"]
    assert len(found["caveats"]) >= 4


MORE_LINES = ("hydra.callbacks.scalecheck.intent=finetune", "+distill.teacher=org/teacher")


@pytest.mark.parametrize(
    "line", ["+model.init_from=org/model-7b-checkpoint.pt", *(pytest.param(line, marks=pytest.mark.extended) for line in MORE_LINES)]
)
def test_nothing_is_listed_where_no_law_applies(told, line):
    out = told(*HERE, line)
    assert out.startswith("nothing is listed: the table is about language models pre-trained from scratch, and this run is not one (")
    assert len(out.splitlines()) == 1
    found = json.loads(told(*HERE, line, "--format", "json"))
    assert found["nothing_listed_because"]
    assert "above" not in found


def test_encoder_gets_one_sentence(told, app):
    app.write(
        {
            "conf/model/small.yaml": "{model_type: bert, num_hidden_layers: 2, hidden_size: 64, num_attention_heads: 2, intermediate_size: 256,"
            " max_position_embeddings: 1024, vocab_size: 512}"
        }
    )
    assert "masked_lm" in told(*HERE)


def test_unknown_c_says_what_would_tell_it(app):
    done = app.cli("emergence", *HERE, "~data.batch_size", "trainer.max_steps=84")
    assert (done.returncode, done.stdout) == (2, "")
    assert "C of this run is unknown" in done.stderr
    assert "(to tell it: +hydra.callbacks.scalecheck.read." in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_repo_without_hydra(told, app):
    app.write(
        {
            "base.yaml": "model: {n_layer: 2, n_embd: 64, n_head: 2, vocab_size: 512, block_size: 8}\ntrainer: {max_steps: 84}\n"
            "data: {batch_size: 32, seq_len: 8}\n"
        }
    )
    assert json.loads(told("--config", "base.yaml", "--format", "json", "scalecheck.assume.devices=1"))["flops"] > 1e10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--flops", "1e22", *HERE), "--config-name is of a config"),
        (("--flops", "1e22", "model=large"), "model=large is of a config"),
        (("--flops", "1e22", "--config", "x.yaml"), "--config is of a config"),
        (("--flops", "many"), "is not a count"),
        (("--flops", "0"), "above zero"),
        (("--flops", "1e22", "--format", "jsn"), "Did you mean 'json'?"),
        (("--config-dir", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_done_exits_2_with_one_sentence(app, arguments, said):
    done = app.cli("emergence", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_bound_of_c_is_said_to_be_one(told):
    line = "+trainer.max_time=01:00:00:00"
    assert told(*HERE, line).startswith("C at most ")
    assert json.loads(told(*HERE, line, "--format", "json"))["is_at_most"] is True
