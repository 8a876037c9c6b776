"""Llama 4: params measured with transformers 5.23.0 on small configs; the published model stands in the oracle."""

from __future__ import annotations

import pytest

SMALL = {
    "model_type": "llama4_text",
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 101,
    "intermediate_size": 24,
    "intermediate_size_mlp": 40,
    "num_local_experts": 5,
    "num_experts_per_tok": 2,
    "head_dim": 12,
}


@pytest.mark.parametrize(
    ("changes", "total"), [({"interleave_moe_layer_step": 2, "attention_bias": True}, 61_344), ({"moe_layers": [1]}, 50_688)]
)
def test_params_equal_the_built_model(account, changes, total):
    assert account(**changes).total_params == total


def test_routed_experts_cost_only_where_a_token_is_sent(account):
    """transformers runs all of them on every token; the model needs two of the five."""
    flops = account().forward_flops_per_sequence - account(num_experts_per_tok=1).forward_flops_per_sequence
    assert flops == 4 * 2 * 8 * 3 * 32 * 24


@pytest.mark.parametrize(
    ("changes", "chunked"),
    [({}, 3), ({"no_rope_layer_interval": 2}, 2), ({"no_rope_layers": [1, 0, 0, 0]}, 1), ({"layer_types": ["chunked_attention"] * 4}, 4)],
)
def test_layers_with_rotary_positions_attend_in_chunks(account, changes, chunked):
    (window,) = [part for part in account(10, "windowed", attention_chunk_size=4, **changes).parts if part.name == "attention.window"]
    assert (window.copies, window.forward_flops) == (chunked, 2 * (10 + 10 + 3) * 4 * 24)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layer_types": ["chunked_attention"]}, "layer_types has 1 entries"),
        ({"layer_types": ["local"] * 4}, "layer_types has 'local'"),
        ({"no_rope_layers": [1]}, "no_rope_layers has 1 entries"),
        ({"attention_chunk_size": None}, "attention_chunk_size is not set"),
    ],
)
def test_chunks_that_cannot_be_are_refused(refusal, changes, said):
    assert said in refusal(**changes)


def test_more_active_experts_than_there_are_is_refused(refusal):
    assert "num_active_experts=9 is more than" in refusal(num_experts_per_tok=9)
