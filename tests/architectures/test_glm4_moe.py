"""GLM-4.5: params measured with transformers 5.23.0 on a small config; the published model stands in the oracle."""

from __future__ import annotations

import pytest

from scalecheck.config_file import read_config

SMALL = {
    "model_type": "glm4_moe",
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
    "first_k_dense_replace": 2,
    "head_dim": 12,
}


@pytest.mark.parametrize(
    ("changes", "total"),
    [({"use_qk_norm": True, "attention_bias": True}, 51_008), ({}, 51_008 - 4 * 2 * 12 - 4 * (48 + 24 + 24))],
)
def test_params_equal_the_built_model(account, changes, total):
    assert account(**changes).total_params == total


def test_several_shared_experts_are_one_of_their_summed_width(account):
    assert [part.params for part in account().parts if part.name == "shared_experts.up"] == [32 * 30]


@pytest.mark.parametrize(("dense", "copies"), [(0, []), (2, [2]), (9, [4])])
def test_the_first_layers_are_dense(account, dense, copies):
    assert [part.copies for part in account(first_k_dense_replace=dense).parts if part.name == "mlp.up"] == copies


def test_layers_that_predict_further_tokens_are_reported_and_not_counted(account):
    assert read_config(SMALL | {"num_nextn_predict_layers": 1}).unused_keys == ("num_nextn_predict_layers",)
    assert account(num_nextn_predict_layers=1).total_params == account().total_params


def test_more_active_experts_than_there_are_is_refused(refusal):
    assert "num_active_experts=9 is more than" in refusal(num_experts_per_tok=9)
