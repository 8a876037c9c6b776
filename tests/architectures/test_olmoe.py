"""OLMoE: params measured with transformers 5.23.0 on a small config; the published model stands in the oracle."""

from __future__ import annotations

import pytest

SMALL = {
    "model_type": "olmoe",
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 101,
    "intermediate_size": 24,
    "num_experts": 5,
    "num_experts_per_tok": 2,
}


@pytest.mark.parametrize(("bias", "total"), [(True, 66_336), (False, 66_336 - 4 * (32 + 16 + 16 + 32))])
def test_params_equal_the_built_model(account, bias, total):
    assert account(attention_bias=bias).total_params == total


def test_queries_and_keys_are_normalized_over_their_full_width(account):
    assert [part.params for part in account().parts if part.name in ("attention.query_norm", "attention.key_norm")] == [32, 16]


def test_heads_must_fill_the_width(refusal):
    assert "num_attention_heads=4 x head_dim=12 is not hidden_size=32" in refusal(head_dim=12)


def test_more_active_experts_than_there_are_is_refused(refusal):
    assert "num_active_experts=9 is more than" in refusal(num_experts_per_tok=9)
