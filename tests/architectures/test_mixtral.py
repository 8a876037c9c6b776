"""Mixtral: params measured with transformers 5.23.0 on small configs; the published models stand in the oracle."""

from __future__ import annotations

SMALL = {
    "model_type": "mixtral",
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 101,
    "intermediate_size": 24,
    "num_local_experts": 5,
    "num_experts_per_tok": 2,
    "head_dim": 12,
    "tie_word_embeddings": True,
}


def test_params_equal_the_built_model(account):
    assert account().total_params == 68_672


def test_a_token_meets_two_of_five_experts(account):
    expert = 3 * 32 * 24
    assert account().total_params - account().active_params == 4 * 3 * expert


def test_flops_are_of_the_router_and_of_the_experts_in_use(account):
    more = account(num_local_experts=6)
    assert more.total_params - account().total_params == 4 * (3 * 32 * 24 + 32)
    assert more.forward_flops_per_sequence - account().forward_flops_per_sequence == 4 * 2 * 8 * 32


def test_the_window_is_on_every_layer(account):
    saved = (
        account(tokens=10, attention="causal").forward_flops_per_sequence
        - account(10, "windowed", sliding_window=3).forward_flops_per_sequence
    )
    assert saved == 4 * 2 * (55 - 27) * 4 * 24


def test_more_active_experts_than_there_are_is_refused(refusal):
    assert "num_active_experts=9 is more than" in refusal(num_experts_per_tok=9)
