"""flash-linear-attention's and forgetting-transformer's models by their ``_target_``."""

from __future__ import annotations

import pytest

FOX = "forgetting_transformer.model"
CONFIG = {"vocab_size": 50, "hidden_size": 96, "num_hidden_layers": 2, "num_heads": 4}
PLAIN = f"{FOX}.transformer.modeling_transformer.TransformerForCausalLM"
PLAIN_CONFIG = f"{FOX}.transformer.configuration_transformer.TransformerConfig"
DATA = {"_target_": "forgetting_transformer.datamodule.longcrawl64.LongCrawl64DataModule", "rank": "???"}


@pytest.mark.parametrize(
    ("target", "family"),
    [
        (PLAIN, "fla_transformer"),
        (f"{FOX}.forgetting_transformer.modeling_forgetting_transformer.ForgettingTransformerForCausalLM", "forgetting_transformer"),
        ("fla.models.transformer.modeling_transformer.TransformerForCausalLM", "fla_transformer"),
        ("fla.models.TransformerForCausalLM", "fla_transformer"),
    ],
)
def test_class_tells_the_family_and_has_the_defaults(read, target, family):
    reading = read({"model": {"_target_": target, "config": CONFIG}})
    assert (reading.model_dialect, reading.shape.family) == ("fla", family)
    assert not reading.origins["tie_word_embeddings"].assumed


def test_config_alone_is_enough(read):
    assert read({"net": CONFIG | {"_target_": "fla.models.TransformerConfig"}}).shape.family == "fla_transformer"


@pytest.mark.parametrize(
    "target",
    [
        "fla.models.GLAForCausalLM",
        "fla.models.mamba2.Mamba2ForCausalLM",
        "fla.models.ForgettingTransformerForCausalLM",
        "fla.models.TransformerModel",
        f"{FOX}.samba.modeling_samba.SambaForCausalLM",
    ],
)
def test_other_models_are_refused_by_name(read, target):
    reading = read({"model": {"_target_": target, "config": CONFIG}})
    assert reading.shape is None
    assert target.rpartition(".")[2] in reading.unknowns[0].reason


def test_a_config_that_another_dialect_would_take_for_mamba2_is_refused_too(read):
    reading = read({"model": {"config": CONFIG | {"_target_": f"{FOX}.mamba2.configuration_mamba2.Mamba2Config"}}})
    assert (reading.model_dialect, reading.shape) == ("fla", None)


def test_vocabulary_to_be_filled_in_is_the_constant_of_the_named_data_module(read):
    reading = read({"model": {"_target_": PLAIN, "config": CONFIG | {"vocab_size": "???"}}, "datamodule": DATA})
    assert reading.shape.vocab_size == 50257
    assert reading.origins["vocab_size"].key == "datamodule._target_"
    assert not reading.origins["vocab_size"].assumed


@pytest.mark.parametrize("data", [{}, {"datamodule": {"_target_": "my.LongCrawl64DataModule"}}])
def test_without_that_data_module_it_is_unknown_and_not_the_default_of_the_class(read, data):
    reading = read({"model": {"_target_": PLAIN, "config": CONFIG | {"vocab_size": "???"}}, **data})
    assert reading.shape.vocab_size is None
    assert reading.unknowns[0].field == "vocab_size"


@pytest.mark.parametrize(
    "other", [f"{FOX}.forgetting_transformer.configuration_forgetting_transformer.ForgettingTransformerConfig", "???", "my.C"]
)
def test_model_and_config_of_two_classes_are_refused(read, other):
    reading = read({"model": {"_target_": PLAIN, "config": CONFIG | {"_target_": other}}})
    assert reading.shape is None
    assert reading.unknowns[0].key == "model.config._target_"


def test_config_of_the_same_class_is_one_model_with_it(read):
    assert read({"model": {"_target_": PLAIN, "config": CONFIG | {"_target_": PLAIN_CONFIG}}}).shape.family == "fla_transformer"


@pytest.mark.parametrize(
    ("target", "key", "value"),
    [
        (PLAIN, "qk_norm", True),
        (PLAIN, "fgate_type", "none"),
        ("fla.models.TransformerForCausalLM", "attnres_block_size", 1),
        ("fla.models.TransformerForCausalLM", "norm_first", True),
        ("fla.models.TransformerForCausalLM", "attention_bias", "???"),
    ],
)
def test_parts_that_are_not_counted_with_the_class_are_refused(read, target, key, value):
    reading = read({"model": {"_target_": target, "config": CONFIG | {key: value}}})
    assert reading.shape is None
    assert reading.unknowns[0].key == f"model.config.{key}"


def test_config_that_is_not_spelled_out_and_other_arguments_are_refused(read):
    assert "is not spelled out" in read({"model": {"_target_": PLAIN, "config": "${gpt}"}}).unknowns[0].reason
    assert read({"model": {"_target_": PLAIN, "config": CONFIG, "lora": 8}}).unknowns[0].key == "model.lora"
