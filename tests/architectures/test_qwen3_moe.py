"""Qwen3-MoE: params measured with transformers 5.23.0 on small configs; the published model stands in the oracle."""

from __future__ import annotations

import pytest

SMALL = {
    "model_type": "qwen3_moe",
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 101,
    "intermediate_size": 40,
    "num_experts": 6,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 10,
    "head_dim": 12,
}


@pytest.mark.parametrize(
    ("changes", "total", "active"),
    [({"decoder_sparse_step": 2, "attention_bias": True}, 45_376, 37_696), ({"mlp_only_layers": [3]}, 46_976, 35_456)],
)
def test_params_equal_the_built_model(account, changes, total, active):
    assert (account(**changes).total_params, account(**changes).active_params) == (total, active)


def test_queries_and_keys_are_normalized_per_head(account):
    assert [part.params for part in account().parts if part.name in ("attention.query_norm", "attention.key_norm")] == [12, 12]


def test_an_old_name_of_the_experts_is_set_last(account):
    assert account(num_local_experts=3).total_params < account().total_params


def test_a_window_is_on_all_layers_or_on_none(account, refusal):
    (window,) = [part for part in account(10, "windowed", use_sliding_window=True, sliding_window=3).parts if part.kind == "scores"]
    assert (window.copies, window.forward_flops) == (4, 2 * 27 * 4 * 24)
    assert "sliding_window is not set" in refusal(use_sliding_window=True, sliding_window=None)


def test_more_active_experts_than_there_are_is_refused(refusal):
    assert "num_active_experts=9 is more than" in refusal(num_experts_per_tok=9)
