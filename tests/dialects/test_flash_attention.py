"""flash_attn's models by their ``_target_``."""

from __future__ import annotations

import pytest

CONFIG = {"_target_": "transformers.GPT2Config", "n_embd": 48, "n_head": 4, "n_layer": 2}
TARGET = "flash_attn.models.gpt.GPTLMHeadModel"


def test_gpt2s_own_dialect_loses_the_node(read):
    reading = read({"model": {"_target_": TARGET, "_recursive_": True, "config": CONFIG | {"rotary_emb_fraction": 0.5}}})
    assert (reading.model_dialect, reading.shape.family) == ("flash_attention", "flash_attn_gpt")


def test_defaults_of_the_named_class_are_not_marked_assumed(read):
    reading = read({"model": {"_target_": TARGET, "config": CONFIG}})
    assert reading.shape.vocab_size == 50257
    assert not reading.origins["vocab_size"].assumed
    assert "GPTLMHeadModel" in reading.origins["vocab_size"].because


def test_loss_of_the_same_package_is_no_model(read):
    reading = read({"model": {"config": CONFIG}, "loss": {"_target_": "flash_attn.losses.cross_entropy.CrossEntropyLoss"}})
    assert reading.shape.family == "gpt2"


@pytest.mark.parametrize("name", ["gpt.GPTModel", "bert.BertForPreTraining", "vit.VisionTransformer", "gpt.GPTLMHeadModel.from_pretrained"])
def test_other_models_of_the_package_are_refused_by_name(read, name):
    reading = read({"model": {"_target_": f"flash_attn.models.{name}", "config": CONFIG}})
    assert reading.shape is None
    assert f"flash_attn's {name}" in reading.unknowns[0].reason


@pytest.mark.parametrize(
    "target", [None, "???", "flash_attn.models.llama.llama_config_to_gpt2_config", "transformers.GPT2Config.from_pretrained"]
)
def test_config_of_another_kind_is_refused(read, target):
    reading = read({"model": {"_target_": TARGET, "config": CONFIG | {"_target_": target}}})
    assert reading.shape is None
    assert "model.config._target_ is" in reading.unknowns[0].reason


def test_config_that_is_not_spelled_out_is_refused_and_nothing_else_is_taken_for_it(read):
    alone = read({"model": {"_target_": TARGET, "config": "${gpt}"}})
    assert "model.config is not spelled out" in alone.unknowns[0].reason
    beside = read({"model": {"_target_": TARGET, "config": "${gpt}"}, "gpt": CONFIG})
    assert beside.shape is None


def test_tensor_parallel_group_is_refused(read):
    reading = read({"model": {"_target_": TARGET, "process_group": {"_target_": "my.group"}, "config": CONFIG}})
    assert reading.shape is None
    assert reading.unknowns[0].key == "model.process_group"


@pytest.mark.parametrize("window", ["???", 128, [4], ["a", 0], [True, 0]])
def test_window_that_is_no_pair_is_refused(read, window):
    reading = read({"model": {"_target_": TARGET, "config": CONFIG | {"window_size": window}}})
    assert reading.shape is None
    assert reading.unknowns[0].key == "model.config.window_size"


@pytest.mark.parametrize(("window", "width"), [([2, 0], 3), ([-1, -1], None), (None, None)])
def test_window_counts_the_token_itself(read, window, width):
    assert read({"model": {"_target_": TARGET, "config": CONFIG | {"window_size": window}}}).shape.attention_window == width
