"""GPT-2's and nanoGPT's names."""

from __future__ import annotations

import pytest

NANO = {"n_layer": 2, "n_embd": 64, "n_head": 2, "block_size": 128, "vocab_size": 500, "bias": False}


def test_nanogpt_names_are_a_gpt2_without_biases(read):
    shape = read({"model": NANO}).shape
    assert (shape.family, shape.max_positions, shape.bias, shape.intermediate_size) == ("gpt2", 128, False, 256)


def test_gpt2_config_class_gives_its_vocabulary_marked_assumed(read):
    reading = read({"model": {"config": {"_target_": "transformers.GPT2Config", "n_layer": 2, "n_embd": 64, "n_head": 2}}})
    assert reading.shape.vocab_size == 50257
    assert reading.origins["vocab_size"].assumed


def test_absent_vocabulary_without_a_class_is_unknown(read):
    reading = read({"model": {name: value for name, value in NANO.items() if name != "vocab_size"}})
    assert reading.shape.vocab_size is None
    assert [unknown.field for unknown in reading.unknowns if unknown.field == "vocab_size"]


@pytest.mark.parametrize("change", [{"activation_function": "swiglu"}, {"rotary_emb_fraction": 0.5}, {"num_experts": 8}])
def test_changed_gpt2_is_not_counted_as_plain(read, change):
    reading = read({"model": {**NANO, **change}})
    assert reading.shape is None
    assert f"model.{next(iter(change))}" in reading.unknowns[0].reason


def test_heads_that_do_not_divide_the_width_are_impossible_and_both_keys_are_named(read):
    reading = read({"model": {**NANO, "n_head": 7}})
    assert "model.n_head" in reading.impossible[0].reason
    assert "model.n_embd" in reading.impossible[0].reason


@pytest.mark.parametrize(
    "value", [0, -1, float("nan"), float("inf"), "12", "twelve", [12], True, 2.5, 10**400, 10**5000], ids=lambda value: type(value).__name__
)
def test_impossible_width_is_one_sentence_with_the_key(read, value):
    reading = read({"model": {**NANO, "n_embd": value}})
    assert reading.shape is None
    assert reading.impossible[0].key == "model.n_embd"
    assert len(reading.impossible[0].reason) < 200


def test_integral_float_is_a_whole_number(read):
    assert read({"model": {**NANO, "n_embd": 64.0}}).shape.hidden_size == 64
