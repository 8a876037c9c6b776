"""GPT-2's and nanoGPT's names."""

from __future__ import annotations

import pytest

NANO = {"n_layer": 2, "n_embd": 64, "n_head": 2, "block_size": 128, "vocab_size": 500, "bias": False}


def test_nanogpt_names_are_a_gpt2_without_biases(read):
    shape = read({"model": NANO}).shape
    assert (shape.family, shape.max_positions, shape.bias, shape.intermediate_size) == ("gpt2", 128, False, 256)


def test_gpt2_config_class_gives_its_vocabulary(read):
    reading = read({"model": {"config": {"_target_": "transformers.GPT2Config", "n_layer": 2, "n_embd": 64, "n_head": 2}}})
    assert reading.shape.vocab_size == 50257
    assert reading.origins["vocab_size"].because == "the default of GPT2Config"


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


@pytest.mark.parametrize("change", [{"_target_": "transformers.CodeGenConfig"}, {"rotary_dim": 64}, {"multi_query": True}])
def test_relatives_with_the_same_key_names_are_not_counted_as_gpt2(read, change):
    reading = read({"model": {**NANO, **change}})
    assert reading.shape is None
    assert reading.unknowns[0].field == "family"


@pytest.mark.parametrize(
    ("change", "family"),
    [
        ({"_target_": "transformers.GPTJConfig"}, "gptj"),
        ({"model_type": "gptj"}, "gptj"),
        ({"model_type": "gpt_bigcode", "multi_query": True}, "gpt_bigcode"),
    ],
)
def test_relatives_that_say_who_they_are_are_counted_as_that(read, change, family):
    assert (
        read({"model": {"n_layer": 2, "n_embd": 64, "n_head": 2, "n_positions": 128, "vocab_size": 500, **change}}).shape.family == family
    )


def test_a_class_does_not_overrule_a_model_type_that_nobody_counts(read):
    reading = read({"model": {**NANO, "model_type": "gpt9", "_target_": "transformers.GPT2Config"}})
    assert reading.shape is None
    assert "model.model_type is 'gpt9'" in reading.unknowns[0].reason


@pytest.mark.parametrize("target", ["model.GPTConfig", "transformers.AutoModelForCausalLM.from_config"])
def test_ones_own_class_and_an_auto_class_say_nothing_against_gpt2(read, target):
    assert read({"model": {**NANO, "_target_": target}}).shape.family == "gpt2"


def test_key_that_could_change_the_architecture_and_cannot_be_read_is_said_to_be(read):
    reading = read({"model": {**NANO, "rotary_emb_fraction": "???"}})
    assert reading.shape is None
    assert "cannot be read (it is ???)" in reading.unknowns[0].reason


def test_refused_value_of_thousands_of_digits_is_one_sentence(read):
    assert len(read({"model": {**NANO, "rotary_emb_fraction": 10**5000}}).unknowns[0].reason) < 200


def test_class_that_agrees_with_model_type_gives_its_defaults(read):
    named = {"_target_": "transformers.GPT2Config", "model_type": "gpt2", "n_layer": 2, "n_embd": 64, "n_head": 2}
    assert read({"model": named}).shape.vocab_size == 50257
