"""llm-foundry's models, by the name under which its registry has them."""

from __future__ import annotations

import pytest

# scripts/train/yamls/pretrain/mpt-125m.yaml
MPT = {"name": "mpt_causal_lm", "init_device": "meta", "d_model": 768, "n_heads": 12, "n_layers": 12, "expansion_ratio": 4,
       "max_seq_len": 2048, "vocab_size": 50368, "attn_config": {"attn_impl": "flash"}}  # fmt: skip


def test_mpt_is_read_with_the_defaults_of_its_own_code_which_are_not_assumed(read):
    reading = read({"model": MPT})
    assert (reading.model_dialect, reading.shape.family, reading.shape.max_positions) == ("composer", "foundry_mpt", 2048)
    assert not reading.origins["no_bias"].assumed
    assert "llm-foundry's MPTConfig" in reading.origins["no_bias"].because


def test_nested_options_are_read(read):
    attention = {"attn_type": "grouped_query_attention", "kv_n_heads": 4, "rope": True, "rope_hf_config": {"type": "linear"}, "clip_qkv": 6}
    shape = read({"model": MPT | {"attn_config": attention, "ffn_config": {"ffn_type": "mptglu", "ffn_hidden_size": 2048}}}).shape
    assert (shape.num_key_value_heads, shape.max_positions, shape.ffn_type, shape.intermediate_size) == (4, None, "mptglu", 2048)


@pytest.mark.parametrize(("value", "window"), [(-1, None), (None, None), (1024, 1024)])
def test_window_is_read_and_minus_one_is_none(read, value, window):
    assert read({"model": MPT | {"attn_config": {"sliding_window_size": value}}}).shape.sliding_window == window


@pytest.mark.parametrize("linear", ["torch", {"name": "te"}])
def test_both_kinds_of_linear_layers_have_the_same_parameters(read, linear):
    assert read({"model": MPT | {"fc_type": linear}}).shape == read({"model": MPT}).shape


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"block_overrides": {"order": [], "overrides": {}}}, "model.block_overrides"),
        ({"memory_tokens": 16}, "model.memory_tokens=16"),
        ({"attn_config": {"kv_dim": 4}}, "model.attn_config.kv_dim=4"),
        ({"attn_config": {"sliding_window_size": "wide"}}, "model.attn_config.sliding_window_size='wide'"),
        ({"attn_config": {"latents": "???"}}, "model.attn_config.latents cannot be read"),
        ({"ffn_config": {"moe_num_experts": 8}}, "model.ffn_config.moe_num_experts=8"),
        ({"fc_type": "lora"}, "model.fc_type='lora'"),
    ],
)
def test_option_whose_parameters_are_not_known_is_named(read, changes, named):
    reading = read({"model": MPT | changes})
    assert reading.shape is None
    assert reading.unknowns[0].reason.startswith(named)
    assert reading.unknowns[0].remedies


def test_option_that_is_not_counted_is_refused_with_its_key(read):
    reading = read({"model": MPT | {"ffn_config": {"ffn_type": "mb_dmoe"}}})
    assert reading.shape is None
    assert "ffn_type=mb_dmoe" in reading.impossible[0].reason


@pytest.mark.parametrize("name", ["mosaic_bert", "flex_bert"])
def test_models_that_are_not_counted_are_refused_by_name(read, name):
    """Their nested config has BERT's names, and its model is none of transformers'."""
    nested = {"model_type": "bert", "num_hidden_layers": 12, "hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
    reading = read({"model": {"name": name, "pretrained_model_name": "bert-base-uncased", "model_config": nested}})
    assert (reading.model_dialect, reading.shape) == ("composer", None)
    assert reading.unknowns[0].reason.startswith(f"model.name is {name}")


def test_models_of_the_hub_are_left_to_others(read):
    assert (
        read({"model": {"name": "hf_causal_lm", "pretrained_model_name_or_path": "gpt2", "pretrained": False}}).model_dialect != "composer"
    )


def test_a_name_alone_is_no_model(read):
    assert read({"logger": {"name": "mpt_causal_lm"}}).model_dialect is None


def test_mpt_trains_on_the_length_of_the_data(read):
    config = {"model": MPT, "max_seq_len": 64, "max_duration": "10ba", "global_train_batch_size": 8}
    reading = read(config)
    assert (reading.plan.training_tokens, reading.plan.tokens_status) == (10 * 8 * 64, "exact")
