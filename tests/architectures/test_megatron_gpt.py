"""Megatron's GPT, as NeMo's configs and Megatron-LM's arguments describe it."""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures import megatron_gpt
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

NEMO = {
    "mcore_gpt": True, "megatron_amp_O2": True, "tensor_model_parallel_size": 1, "encoder_seq_length": 64, "max_position_embeddings": 128,
    "num_layers": 3, "hidden_size": 32, "ffn_hidden_size": 80, "num_attention_heads": 4, "vocab_size": 200,
}  # fmt: skip
ROWS = 256
LAYER = 4 * 32 * 32 + 4 * 32 + 2 * 32 * 80 + 80 + 32 + 4 * 32


@pytest.fixture
def count(read):
    """``count(**changes)`` is the account of NEMO's model with other keys."""

    def counted(*, of=NEMO, **changes):
        reading = read({"model": {**of, **changes}})
        assert reading.shape is not None, (reading.unknowns, reading.impossible)
        return totals(ledger(reading.shape, Workload(sequence_length=16)))

    return counted


def test_gpt3_5b_is_what_its_formula_says(read):
    """V h + 2048 h + L (12 h^2 + 13 h) + 2 h with V = 50257 padded to 50304."""
    shape = read(megatron_gpt.EXAMPLE).shape
    account = totals(ledger(shape, Workload(sequence_length=2048)))
    assert account.total_params == 50304 * 4096 + 2048 * 4096 + 24 * (12 * 4096**2 + 13 * 4096) + 2 * 4096 == 5_047_558_144
    assert account.non_embedding_params == 4_833_124_352


def test_mixtral_is_as_large_as_the_published_one(count):
    mixtral = {
        "mcore_gpt": True, "megatron_amp_O2": True, "tensor_model_parallel_size": 1, "encoder_seq_length": 4096,
        "max_position_embeddings": 32768, "num_layers": 32, "hidden_size": 4096, "ffn_hidden_size": 14336, "num_attention_heads": 32,
        "num_query_groups": 8, "normalization": "rmsnorm", "bias": False, "activation": "fast-swiglu", "position_embedding_type": "rope",
        "num_moe_experts": 8, "moe_router_topk": 2, "share_embeddings_and_output_weights": False, "vocab_size": 32000,
    }  # fmt: skip
    account = count(of=mixtral)
    assert (account.total_params, account.active_params) == (46_702_792_704, 12_879_925_248)


def test_core_gives_its_position_table_the_training_length_and_the_older_model_the_longest_position(count):
    core = ROWS * 32 + 64 * 32 + 3 * LAYER + 2 * 32
    assert count().total_params == core
    assert count(mcore_gpt=False).total_params == core + 64 * 32


def test_rows_are_padded_for_each_tensor_parallel_rank(count):
    assert count(tensor_model_parallel_size=3).total_params == count().total_params + (384 - ROWS) * 32
    assert count(make_vocab_size_divisible_by=100).total_params == count().total_params - (ROWS - 200) * 32
    assert count(override_vocab_size=201).total_params == count().total_params - (ROWS - 201) * 32


def test_untied_head_is_a_second_table(count):
    assert count(share_embeddings_and_output_weights=False).total_params == count().total_params + ROWS * 32


def test_no_bias_drops_those_of_linear_layers_and_keeps_those_of_norms(count):
    dropped = 3 * (4 * 32 + 80 + 32)
    assert count(bias=False).total_params == count().total_params - dropped
    assert count(bias=False, qkv_bias=True).total_params == count().total_params - dropped + 3 * 3 * 32


def test_rmsnorm_has_gains_alone(count):
    assert count(normalization="rmsnorm").total_params == count().total_params - (3 * 2 + 1) * 32
    assert count(normalization="layernorm1p").total_params == count().total_params


@pytest.mark.parametrize("kind", ["rope", "none", "ALiBi"])
def test_positions_without_a_table_add_nothing(count, kind):
    assert count(position_embedding_type=kind).total_params == count().total_params - 64 * 32


def test_gated_layer_is_as_wide_in_each_branch(count):
    assert count(activation="fast-swiglu").total_params == count().total_params + 3 * (32 * 80 + 80)


def test_grouped_queries_and_wider_heads_change_the_projections(count):
    assert count(num_query_groups=2).total_params == count().total_params - 3 * 2 * (32 * 16 + 16)
    assert count(kv_channels=16).total_params == count().total_params + 3 * (4 * 32 * 32 + 3 * 32)


def test_experts_replace_every_feed_forward_layer_beside_shared_ones(count):
    expert = 2 * 32 * 80 + 80 + 32
    account = count(num_moe_experts=4, moe_router_topk=1)
    assert account.total_params == count().total_params + 3 * (3 * expert + 4 * 32)
    assert account.active_params == count().total_params + 3 * 4 * 32
    shared = count(num_moe_experts=4, moe_router_topk=1, bias=False, moe_ffn_hidden_size=8, moe_shared_expert_intermediate_size=24)
    assert shared.total_params == count(bias=False).total_params + 3 * (2 * 32 * (4 * 8 + 24 - 80) + 4 * 32)


def test_one_expert_of_core_has_a_router_and_null_none(count):
    assert count(num_moe_experts=1).total_params == count().total_params + 3 * 32
    assert count(num_moe_experts=None).total_params == count().total_params
    assert count(num_moe_experts=1, mcore_gpt=False).total_params == count(mcore_gpt=False).total_params


def test_megatron_rounds_eight_thirds_down_and_flagscale_up():
    told = {"hidden_size": 1000, "num_attention_heads": 8, "swiglu": True, "position_embedding_type": "rope"}
    assert megatron_gpt.derive(told)["intermediate_size"][0] == 2624
    assert megatron_gpt.derive({**told, "multiple_of": 256})["intermediate_size"][0] == 2816
    assert megatron_gpt.derive({**told, "multiple_of": 256, "hidden_dim_multiplier": 1.3})["intermediate_size"][0] == 3584


def test_unknown_vocabulary_leaves_the_rest_known(read):
    shape = read({"model": {**NEMO, "vocab_size": None}}).shape
    account = totals(ledger(shape, Workload(sequence_length=16)))
    assert account.total_params is None
    assert account.non_embedding_params == 3 * LAYER + 2 * 32


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"normalization": "batchnorm"}, "normalization is 'batchnorm'"),
        ({"activation": "tanh"}, "activation is 'tanh'"),
        ({"position_embedding_type": "kerple"}, "'kerple'"),
        ({}, "max_position_embeddings"),
        ({"hidden_size": 32, "num_attention_heads": 5, "position_embedding_type": "rope"}, "num_attention_heads 5"),
        ({"experts": 2, "experts_per_token": 3, "position_embedding_type": "rope"}, "num_active_experts=3"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_built_or_counted_is_a_sentence(values, said):
    with pytest.raises(ConfigError, match=said):
        megatron_gpt.derive(values)
