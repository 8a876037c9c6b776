"""DBRX: the nested config; the published model stands in the oracle."""

from __future__ import annotations

import pytest

from scalecheck.config_file import read_config

SMALL = {
    "model_type": "dbrx",
    "d_model": 32,
    "n_heads": 4,
    "n_layers": 4,
    "vocab_size": 101,
    "attn_config": {"kv_n_heads": 2},
    "ffn_config": {"ffn_hidden_size": 24, "moe_num_experts": 5, "moe_top_k": 2},
}


def test_params_equal_the_closed_form(account):
    layer = 32 * 32 * 2 + 2 * 32 * 16 + 32 * 5 + 5 * 3 * 32 * 24 + 2 * 32
    assert account().total_params == 4 * layer + 32 + 2 * 32 * 101


def test_a_token_meets_two_of_five_experts(account):
    assert account().total_params - account().active_params == 4 * 3 * 3 * 32 * 24


def test_an_absent_node_has_the_defaults_of_its_class():
    reading = read_config({name: value for name, value in SMALL.items() if name != "ffn_config"})
    assert (reading.shape.num_experts, reading.shape.num_active_experts, reading.shape.intermediate_size) == (4, 1, 3584)
    assert reading.origins["num_experts"].assumed


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tie_word_embeddings": True}, "DBRX's head has its own weights"),
        ({"ffn_config": {"moe_num_experts": 3, "moe_top_k": 4}}, "num_active_experts=4 is more than num_experts=3"),
        ({"attn_config": {"kv_n_heads": 3}}, "num_key_value_heads=3 does not divide"),
        ({"n_heads": 5}, "hidden_size 32 cannot be split evenly over num_attention_heads 5"),
    ],
)
def test_models_that_cannot_be_built_are_refused(refusal, changes, said):
    assert said in refusal(**changes)
