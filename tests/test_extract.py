"""Stage 1 as a whole: the mapping wins, leaves are read one by one, nothing is guessed silently."""

from __future__ import annotations

from dataclasses import replace

from scalecheck.account import count

CONFIG = {
    "model": {"n_layer": 2, "n_embd": 64, "n_head": 2, "block_size": 128, "vocab_size": 500},
    "trainer": {"max_steps": 100, "devices": 2, "accumulate_grad_batches": 1},
    "data": {"batch_size": 8, "seq_len": 128, "docs": 5},
}


def test_mapping_wins_over_every_dialect(read):
    reading = read(CONFIG, num_steps="trainer.max_steps * 2", sequence_length=64, total_params=1000)
    assert reading.plan.num_steps == 200
    assert reading.plan.sequence_length == 64
    assert count(reading).total_params == 1000


def test_mapped_expression_tells_its_arithmetic_and_a_bare_key_its_place(read):
    reading = read(CONFIG, tokens_per_step="data.batch_size * data.seq_len * trainer.devices", num_steps="trainer.max_steps")
    assert reading.plan.tokens_per_step == 8 * 128 * 2
    assert "= 2048" in reading.origins["tokens_per_step"].because
    assert (reading.origins["num_steps"].key, reading.origins["num_steps"].because) == ("trainer.max_steps", "")


def test_mapping_to_a_missing_key_is_unknown_and_names_the_line(read):
    reading = read(CONFIG, num_steps="trainer.steps")
    assert reading.plan.num_steps != 0
    assert any("read.num_steps=trainer.steps" in unknown.reason for unknown in reading.unknowns)


def test_mapping_to_no_number_is_impossible(read):
    reading = read({**CONFIG, "words": "many"}, num_steps="words * 2")
    assert "words" in reading.impossible[0].reason


def test_mapped_tokens_need_no_schedule(read):
    plan = read({"model": CONFIG["model"]}, training_tokens=300_000_000_000).plan
    assert (plan.training_tokens, plan.tokens_status) == (300_000_000_000, "exact")


def test_unreadable_leaf_makes_only_its_own_field_unknown(read):
    reading = read({**CONFIG, "data": {"batch_size": 8, "seq_len": "???"}})
    assert reading.shape is not None
    assert reading.plan.num_steps == 100
    assert [unknown.field for unknown in reading.unknowns] == ["sequence_length"]
    assert "data.seq_len cannot be read (it is ???)" in reading.unknowns[0].reason


def test_unrelated_keys_are_never_read(view_of):
    from scalecheck.extract import extract

    view = view_of({**CONFIG, "paths": {"secret": "${oc.env:TOKEN}"}, "wandb": {"name": "x"}})
    extract(view, {}, {}, {}, "p")
    assert not {key for key in view.read_keys if key.startswith(("paths", "wandb"))}


def test_large_tree_is_walked(read):
    noise = {f"group{number}": {f"key{inner}": inner for inner in range(50)} for number in range(100)}
    assert read({**noise, **CONFIG}).plan.training_tokens == 100 * 2 * 8 * 128


def test_every_assumption_has_a_reason(read):
    reading = read({"model": {**CONFIG["model"]}, "max_steps": 10, "batch_size": 8})
    assumed = [origin for origin in reading.origins.values() if origin.assumed]
    assert assumed
    assert all(origin.because for origin in assumed)
    assert replace(reading) == reading


def test_empty_config_is_unknown(read):
    reading = read({})
    assert reading.shape is None
    assert reading.plan.training_tokens is None
