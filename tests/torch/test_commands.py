"""``--instantiate`` on the command line, with real modules."""

from __future__ import annotations

import json

import pytest

TRAIN = """
    defaults: [{trainer: default}, {scalecheck: default}, _self_]
    model:
      _target_: transformers.GPT2LMHeadModel
      config: {_target_: transformers.GPT2Config, n_layer: 2, n_embd: 64, n_head: 2, n_positions: 1024, vocab_size: 512}
    data: {batch_size: 32, seq_len: 1024}
    """
HALVED = "import transformers\n\n\ndef half(config):\n    config.n_layer //= 2\n    return transformers.GPT2LMHeadModel(config)\n"
PARAMS = 512 * 64 + 1024 * 64 + 2 * (12 * 64 * 64 + 13 * 64) + 2 * 64


@pytest.fixture
def repo(app):
    app.write({"conf/train.yaml": TRAIN, "halved.py": HALVED})
    return app


def test_count_shows_the_module_beside_the_formula(repo):
    done = repo.cli("count", "--config-name", "train", "--instantiate")
    assert done.returncode == 0, done.stderr
    assert "as built by its own code on torch's meta device" in done.stdout
    assert f"{PARAMS:,}" in done.stdout
    assert "the formula gives" not in done.stdout


def test_count_takes_the_module_where_they_disagree(repo):
    done = repo.cli("count", "--config-name", "train", "--instantiate", "model._target_=halved.half", "--format", "json")
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    half = PARAMS - (12 * 64 * 64 + 13 * 64)
    assert (counted["total_params"], counted["module"]["total_params"]) == (half, half)
    assert counted["training_flops_per_sequence"] == 3 * counted["module"]["forward_flops_per_sequence"]


def test_check_finds_the_mismatch_only_where_it_was_asked_to_run_the_code(repo):
    arguments = ("check", "--config-name", "train", "model._target_=halved.half")
    assert "count_mismatch" not in repo.cli(*arguments).stdout
    done = repo.cli(*arguments, "--instantiate")
    assert "[count_mismatch]" in done.stdout
    assert f"{PARAMS:,}" in done.stdout
    assert repo.cli(*arguments, "--instantiate", "--policy", "strict").returncode == 1
