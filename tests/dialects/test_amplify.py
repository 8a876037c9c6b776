"""AMPLIFY's configs: the name, the vocabulary beside the model, and what makes it another model."""

from __future__ import annotations

import pytest

SIZES = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
SWITCHES = {
    "rms_norm": False,
    "layer_norm_after_embedding": False,
    "layer_norm_before_last_layer": True,
    "ffn_bias": True,
    "att_bias": True,
}


def test_vocabulary_is_that_of_the_tokenizer_beside_the_model(read):
    reading = read({"model": {"_name_": "AMPLIFY", **SIZES}, "tokenizer": {"vocab_size": 33}})
    assert (reading.model_dialect, reading.shape.vocab_size, reading.shape.head) == ("amplify", 33, "masked_lm")
    assert reading.origins["vocab_size"].key == "tokenizer.vocab_size"


def test_without_one_it_is_the_default_of_the_class(read):
    reading = read({"model": {"_name_": "AMPLIFY", **SIZES}})
    assert reading.shape.vocab_size == 27
    assert not reading.origins["vocab_size"].assumed


def test_unreadable_vocabulary_is_unknown_and_gets_no_default(read):
    reading = read({"model": {"_name_": "AMPLIFY", **SIZES}, "tokenizer": {"vocab_size": "???"}})
    assert reading.shape.vocab_size is None
    assert reading.unknowns[0].key == "tokenizer.vocab_size"


@pytest.mark.parametrize("target", ["amplify.model.AMPLIFYConfig", "amplify.AMPLIFY"])
def test_class_path_is_as_good_as_the_name(read, target):
    assert read({"net": {"_target_": target, **SIZES}}).shape.family == "amplify"


def test_its_esm_is_the_same_class_with_other_switches(read):
    shape = read({"model": {"_name_": "ESM", "hidden_act": "GELU", **SIZES, **SWITCHES}, "tokenizer": {"vocab_size": 33}}).shape
    assert (shape.family, shape.gated, shape.attention_bias, shape.intermediate_size) == ("amplify", False, True, 96)


@pytest.mark.parametrize("model", [{"_name_": "ESM", **SIZES}, {"_name_": "AMPLIFYv2", **SIZES}, {"_name_": "AMPLIFY"}])
def test_a_name_alone_is_no_evidence(read, model):
    assert read({"model": model}).model_dialect != "amplify"


def test_key_that_amplify_does_not_have_is_refused(read):
    reading = read({"model": {"_name_": "AMPLIFY", **SIZES, "num_key_value_heads": 2}})
    assert reading.shape is None
    assert "model.num_key_value_heads is set" in reading.unknowns[0].reason
