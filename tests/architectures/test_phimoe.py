"""Phi-MoE: params measured with transformers 5.23.0 on small configs; the published model stands in the oracle."""

from __future__ import annotations

import pytest

SMALL = {
    "model_type": "phimoe",
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 101,
    "intermediate_size": 24,
    "num_local_experts": 5,
    "num_experts_per_tok": 2,
}


@pytest.mark.parametrize(("changes", "total"), [({}, 66_048), ({"attention_bias": True, "lm_head_bias": True}, 66_533)])
def test_params_equal_the_built_model(account, changes, total):
    assert account(**changes).total_params == total


def test_norms_have_an_offset(account):
    assert [part.params for part in account().parts if part.kind == "norm"] == [64, 64, 64]


def test_the_router_takes_two_experts_whatever_is_set(refusal):
    assert "sends a token to 2 experts" in refusal(num_experts_per_tok=3)


def test_more_active_experts_than_there_are_is_refused(refusal):
    assert "num_active_experts=9 is more than" in refusal(num_experts_per_tok=9)
