"""DeepSeek-V2: params measured with transformers 5.23.0 on small configs; the published model stands in the oracle."""

from __future__ import annotations

import pytest

SMALL = {
    "model_type": "deepseek_v2",
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 101,
    "intermediate_size": 40,
    "n_routed_experts": 6,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 10,
    "n_shared_experts": 3,
    "first_k_dense_replace": 1,
    "q_lora_rank": 9,
    "kv_lora_rank": 7,
    "qk_nope_head_dim": 6,
    "qk_rope_head_dim": 4,
    "v_head_dim": 5,
}


@pytest.mark.parametrize(
    ("changes", "total", "active"), [({"attention_bias": True, "mlp_bias": True}, 45_540, 34_020), ({"q_lora_rank": None}, 47_436, 35_916)]
)
def test_params_equal_the_built_model(account, changes, total, active):
    assert (account(**changes).total_params, account(**changes).active_params) == (total, active)


def test_heads_that_do_not_divide_the_width_are_refused(refusal):
    assert "num_attention_heads=5 does not divide hidden_size=32" in refusal(num_attention_heads=5)


def test_scores_are_wider_on_the_query_key_side(account):
    (scores,) = [part for part in account().parts if part.kind == "scores"]
    assert (scores.copies, scores.forward_flops) == (4, 2 * 64 * 4 * (6 + 4 + 5))


def test_experts_in_some_later_layers_only_are_refused(refusal):
    assert "moe_layer_freq=2 is not counted" in refusal(moe_layer_freq=2)


def test_more_active_experts_than_there_are_is_refused(refusal):
    assert "num_active_experts=9 is more than" in refusal(num_experts_per_tok=9)
