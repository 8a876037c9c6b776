"""Qwen2-MoE: params measured with transformers 5.23.0 on small configs; the published model stands in the oracle."""

from __future__ import annotations

import pytest

SMALL = {
    "model_type": "qwen2_moe",
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 101,
    "intermediate_size": 40,
    "num_experts": 6,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 10,
    "shared_expert_intermediate_size": 14,
}


@pytest.mark.parametrize(
    ("changes", "total", "active"),
    [({"decoder_sparse_step": 2}, 41_632, 33_952), ({"mlp_only_layers": [0, 2], "qkv_bias": False}, 41_376, 33_696)],
)
def test_params_equal_the_built_model(account, changes, total, active):
    assert (account(**changes).total_params, account(**changes).active_params) == (total, active)


def test_the_shared_expert_has_a_gate_of_width_one(account):
    gate = [part for part in account().parts if part.name == "shared_experts.weight"]
    assert [(part.params, part.copies) for part in gate] == [(32, 4)]


def test_without_experts_all_layers_are_dense(account):
    assert [part.copies for part in account(num_experts=0).parts if part.name == "mlp.up"] == [4]
    assert not [part for part in account(num_experts=0).parts if part.name.startswith("experts")]


def test_windows_are_on_every_other_of_the_first_layers(account):
    changes = {"use_sliding_window": True, "sliding_window": 3, "max_window_layers": 3}
    (window,) = [part for part in account(10, "windowed", **changes).parts if part.name == "attention.window"]
    assert (window.copies, window.forward_flops) == (2, 2 * 27 * 4 * 16)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"use_sliding_window": True, "max_window_layers": None}, "max_window_layers is not set"),
        ({"layer_types": ["full_attention"]}, "layer_types has 1 entries, and there are 4 layers"),
        ({"layer_types": ["local"] * 4}, "layer_types has 'local'"),
        ({"layer_types": ["sliding_attention"] * 4}, "use_sliding_window is not true"),
    ],
)
def test_windows_that_cannot_be_are_refused(refusal, changes, said):
    assert said in refusal(**changes)


def test_more_active_experts_than_there_are_is_refused(refusal):
    assert "num_active_experts=9 is more than" in refusal(num_experts_per_tok=9)
