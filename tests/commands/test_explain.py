"""``scalecheck explain``: where every number of a composed config comes from."""

from __future__ import annotations

import json

import pytest

from scalecheck import manual
from scalecheck.cli import main

HERE = ("--config-dir", "conf", "--config-name", "train")


@pytest.fixture
def told(app):
    """``told(*arguments)`` is what the command prints."""

    def run(*arguments):
        done = app.cli("explain", *arguments)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    return run


def test_tokens_name_file_line_and_override_of_each_factor(told):
    out = told("D", *HERE, "data.batch_size=16")
    assert out.startswith("D = 84 steps (trainer.max_steps, conf/trainer/default.yaml:2) x 16 sequences a device and pass (")
    assert "data.batch_size, override data.batch_size=16)" in out
    assert "x 1024 tokens (data.seq_len, conf/train.yaml:6)" in out
    assert "1,376,256 tokens" in out


@pytest.mark.extended
def test_chain_of_interpolations_is_shown(told, app):
    app.write({"conf/model/small.yaml": "{n_layer: 2, n_embd: 64, n_head: 2, block_size: '${data.seq_len}', vocab_size: 512}"})
    out = told("max_positions", *HERE, "+experiment=short")
    assert out == "max_positions = 1024 (model.block_size, conf/model/small.yaml:1)\n  model.block_size <- data.seq_len conf/train.yaml:6\n"


def test_all_is_the_default(told):
    assert told(*HERE) == told("all", *HERE)
    out = told(*HERE)
    for start in ("N = ", "D = ", "C = ", "D/N = ", "hoffmann2022_a1 (judges): ", "intent = "):
        assert any(line.startswith(start) for line in out.splitlines()), start


@pytest.mark.extended
def test_last_file_is_named_where_an_experiment_overrides(told):
    assert "num_steps = 5 (trainer.max_steps, conf/experiment/short.yaml:2)" in told("num_steps", *HERE, "+experiment=short")


@pytest.mark.extended
def test_several_names_and_overrides_in_any_order(told):
    out = told("num_steps", "trainer.max_steps=9", *HERE, "vocab_size")
    assert out.splitlines() == [
        "num_steps = 9 (trainer.max_steps, override trainer.max_steps=9)",
        "vocab_size = 512 (model.vocab_size, conf/model/small.yaml:1)",
    ]


def test_name_that_nothing_uses_is_a_sentence_and_no_failure(told):
    out = told("trainer.max_step", *HERE)
    assert out.startswith("trainer.max_step: nothing that is counted here")
    assert "trainer.max_steps." in out


def test_mapped_quantity_is_explained_by_the_key_that_it_maps(told, app):
    app.write({"conf/train.yaml": "defaults: [{model: small}, _self_]\nrun: {updates: 84}\ndata: {batch_size: 32, seq_len: 1024}\n"})
    line = "+hydra.callbacks.scalecheck.read.num_steps=run.updates"
    assert told("num_steps", *HERE, line) == "num_steps = 84 (run.updates, conf/train.yaml:2)\n"


def test_json_has_the_lines_and_every_value_with_its_origin(told):
    (found,) = json.loads(told("D", *HERE, "--format", "json"))
    assert found["asked"] == "D"
    assert found["lines"][0].startswith("D = 84 steps")
    steps = found["values"]["num_steps"]
    assert (steps["value"], steps["key"], steps["file"], steps["line"]) == (84, "trainer.max_steps", "conf/trainer/default.yaml", 2)
    assert "hidden_size" not in found["values"]
    assert [item["asked"] for item in json.loads(told("N", "C", *HERE, "--format", "json"))] == ["N", "C"]


def test_repo_without_hydra(told, app):
    app.write({"base.yaml": "model: {n_layer: 2, n_embd: 64, n_head: 2, vocab_size: 512, block_size: 8}\ntrainer: {max_steps: 84}\n"})
    out = told("num_steps", "num_layers", "--config", "base.yaml", "model.n_layer=3")
    assert out.splitlines() == [
        "num_steps = 84 (trainer.max_steps, base.yaml:2)",
        "num_layers = 3 (model.n_layer, override model.n_layer=3)",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("all", "--config-dir", "nowhere"), "nowhere"),
        (("all", *HERE, "model=lrge"), "lrge"),
        (("all", *HERE, "--format", "trminal"), "Did you mean 'terminal'?"),
        (("all", "--config", "missing.yaml"), "missing.yaml"),
    ],
)
def test_what_cannot_be_composed_exits_2_with_one_sentence(app, arguments, said):
    done = app.cli("explain", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


# --- the manual page of a rule


def test_name_of_a_rule_alone_prints_its_page_without_any_config(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in manual.names():
        assert main(["explain", name]) == 0
        assert capsys.readouterr().out == manual.page(name)


def test_pages_as_json(capsys):
    assert main(["explain", "undertrained", "expired_waiver", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(item["asked"], item["page"]) for item in told] == [(name, manual.page(name)) for name in ("undertrained", "expired_waiver")]


def test_nearest_rule_is_named_where_there_is_no_config(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["explain", "undertraind"]) == 2
    assert "Did you mean the rule 'undertrained'?" in capsys.readouterr().err
    assert main(["explain", "num_steps"]) == 2
    assert "the rule" not in capsys.readouterr().err


def test_rule_beside_another_word_is_looked_for_in_the_config(told):
    assert "num_steps = 84" in told("num_steps", "undertrained", *HERE)
