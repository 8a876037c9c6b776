"""Hugging Face names: the family is told by evidence or unknown, never guessed silently."""

from __future__ import annotations

import pytest

LLAMA = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 128, "vocab_size": 100}


def test_model_type_names_the_family(read):
    reading = read({"model": {**LLAMA, "model_type": "llama"}})
    assert reading.shape.family == "llama"
    assert reading.origins["family"].key == "model.model_type"
    assert not reading.origins["family"].assumed


@pytest.mark.parametrize("path", [(), ("model",), ("model", "config"), ("a", "b", "c", "d")])
def test_found_at_any_node(read, path):
    config = {**LLAMA, "model_type": "llama"}
    for step in reversed(path):
        config = {step: config}
    reading = read(config)
    assert reading.shape.num_layers == 2
    assert reading.origins["num_layers"].key == ".".join((*path, "num_hidden_layers"))


def test_class_in_target_names_the_family_and_gives_its_defaults(read):
    reading = read({"model": {"_target_": "transformers.LlamaConfig", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4}})
    assert reading.shape.vocab_size == 32000
    assert not reading.origins["vocab_size"].assumed  # the config names the class, and the class has the default
    assert "LlamaConfig" in reading.origins["vocab_size"].because


@pytest.mark.parametrize("evidence", [{"rms_norm_eps": 1e-6}, {"num_key_value_heads": 2}, {"hidden_act": "silu"}])
def test_evidence_for_a_llama_is_named_and_assumed(read, evidence):
    reading = read({"model": {**LLAMA, **evidence}})
    assert reading.shape.family == "llama"
    assert reading.origins["family"].assumed
    assert next(iter(evidence)) in reading.origins["family"].because


def test_names_alone_tell_no_family(read):
    reading = read({"model": LLAMA})
    assert reading.shape is None
    (unknown,) = [unknown for unknown in reading.unknowns if unknown.field == "family"]
    assert "model.model_type" in unknown.reason
    assert "+model.model_type=llama" in unknown.remedies


def test_unsupported_model_type_names_the_nearest_and_does_not_use_it(read):
    reading = read({"model": {**LLAMA, "model_type": "llama9"}})
    assert reading.shape is None
    assert "llama, which is not used" in reading.unknowns[0].reason


@pytest.mark.parametrize("key", ["num_local_experts", "n_routed_experts", "kv_lora_rank"])
def test_mixture_or_latent_keys_are_never_counted_as_dense(read, key):
    reading = read({"model": {**LLAMA, "model_type": "llama", key: 8}})
    assert reading.shape is None
    assert any(f"model.{key}" in unknown.reason for unknown in reading.unknowns)


def test_one_expert_is_dense(read):
    assert read({"model": {**LLAMA, "model_type": "llama", "num_experts": 1}}).shape is not None


def test_untold_tying_is_assumed_and_told_tying_is_not(read):
    untold = read({"model": {**LLAMA, "model_type": "llama"}})
    assert untold.origins["tie_word_embeddings"].assumed
    told = read({"model": {**LLAMA, "model_type": "llama", "tie_word_embeddings": True}})
    assert told.shape.tie_word_embeddings is True
    assert not told.origins["tie_word_embeddings"].assumed


@pytest.mark.parametrize("vocab", [-1, "???"])
def test_vocabulary_filled_in_at_run_time_is_unknown_and_the_rest_is_read(read, vocab):
    reading = read({"model": {**LLAMA, "model_type": "llama", "vocab_size": vocab}})
    assert reading.shape.vocab_size is None
    (unknown,) = [unknown for unknown in reading.unknowns if unknown.field == "vocab_size"]
    assert unknown.remedies


def test_two_models_in_one_tree_are_not_chosen_from(read):
    config = {"teacher": {**LLAMA, "model_type": "llama"}, "student": {**LLAMA, "model_type": "llama"}}
    reading = read(config)
    assert reading.shape is None
    assert "+hydra.callbacks.scalecheck.read.model=student" in reading.unknowns[0].remedies
    assert read(config, model="student").origins["num_layers"].key == "student.num_hidden_layers"


def test_kv_heads_that_do_not_divide_are_impossible(read):
    reading = read({"model": {**LLAMA, "model_type": "llama", "num_key_value_heads": 3}})
    assert "num_key_value_heads=3 does not divide" in reading.impossible[0].reason


@pytest.mark.parametrize("target", ["transformers.ReformerConfig", "transformers.JambaForCausalLM"])
def test_class_that_cannot_be_counted_is_not_overruled_by_evidence(read, target):
    reading = read({"model": {**LLAMA, "_target_": target, "num_key_value_heads": 2}})
    assert reading.shape is None
    assert target.removeprefix("transformers.") in reading.unknowns[0].reason


def test_class_and_model_type_that_disagree_are_not_chosen_from(read):
    reading = read({"model": {**LLAMA, "model_type": "llama", "_target_": "transformers.GPT2Config"}})
    assert reading.shape is None
    assert "GPT2Config" in reading.unknowns[0].reason


def test_class_that_agrees_with_model_type_gives_its_defaults(read):
    config = {name: value for name, value in LLAMA.items() if name != "vocab_size"}
    reading = read({"model": {**config, "model_type": "llama", "_target_": "transformers.LlamaConfig"}})
    assert reading.shape.vocab_size == 32000


def test_evidence_with_a_plain_activation_is_none(read):
    reading = read({"model": {**LLAMA, "num_key_value_heads": 2, "hidden_act": "gelu"}})
    assert reading.shape is None
    assert "model.hidden_act" in reading.unknowns[0].reason


def test_class_in_architectures_tells_the_family_where_no_type_does(read):
    sizes = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 128, "vocab_size": 100}
    reading = read({"arch": {**sizes, "architectures": ["BertForMaskedLM"]}})
    assert (reading.shape.family, reading.shape.head) == ("bert", "masked_lm")
    refused = read({"arch": {**sizes, "hidden_act": "silu", "architectures": ["CrammedBERT"]}})
    assert refused.shape is None
    assert "CrammedBERT" in refused.unknowns[0].reason
    assert not any("model_type=llama" in line for unknown in refused.unknowns for line in unknown.remedies)
