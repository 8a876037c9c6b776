"""Numbers of small models were measured with allenai/OLMo at 59a53e3: its ``OLMo`` class, built from the same ModelConfig.

FLOPs are torch's FlopCounterMode's, with the attention kernel that is made of matrix products.
"""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures import ai2_olmo
from scalecheck.facts import Workload
from scalecheck.shapes import FamilyClaim, Request, read_shape
from scalecheck.survey import Notes

SMALL = {"d_model": 32, "n_heads": 4, "n_layers": 2, "vocab_size": 100, "embedding_size": 128, "max_sequence_length": 16}


@pytest.fixture
def built(view_of):
    """``built(**changes)`` reads SMALL with changes as OLMo's own code would: the shape, and what was filed against it."""

    def read(base=SMALL, **changes):
        notes = Notes()
        claim = FamilyClaim(family="ai2_olmo", because="", class_name="OLMo's ModelConfig")
        view = view_of({"model": base | changes})
        return read_shape(view, "model", claim, Request(given={}, prefix="p", spellings={}), notes), notes

    return read


@pytest.fixture
def count(built):
    def counted(base=SMALL, **changes):
        shape, notes = built(base, **changes)
        assert shape is not None, (notes.unknowns, notes.impossible)
        return totals(ledger(shape, Workload(sequence_length=16)))

    return counted


@pytest.fixture
def refusal(built):
    def refused(**changes):
        shape, notes = built(**changes)
        assert shape is None
        return notes.impossible[0].reason

    return refused


def test_olmo2_7b_is_as_published(count):
    account = count(ai2_olmo.EXAMPLE)
    assert (account.total_params, account.non_embedding_params) == (7_298_617_344, 6_476_533_760)


def test_mlp_ratio_counts_both_halves_of_a_gated_unit_too(count):
    """configs/tiny/OLMo-20M.yaml, whose norms of queries and keys are off."""
    tiny = {"d_model": 256, "n_heads": 8, "n_layers": 8, "mlp_ratio": 8, "weight_tying": False, "rope": True, "include_bias": False,
            "layer_norm_type": "rms", "attention_layer_norm": False, "max_sequence_length": 4096, "vocab_size": 50280,
            "embedding_size": 50304}  # fmt: skip
    assert count(tiny).total_params == 34_148_608


@pytest.mark.parametrize(
    ("changes", "params", "flops"),
    [
        ({"n_kv_heads": 2}, 23_872, 786_432),
        ({"block_type": "llama"}, 25_984, 851_968),
        ({"activation_type": "gelu", "weight_tying": False, "mlp_ratio": 3}, 30_144, 851_968),
    ],
)
def test_defaults_of_the_code_make_the_built_model(count, changes, params, flops):
    account = count(**changes)
    assert (account.total_params, account.forward_flops_per_sequence) == (params, flops)


def test_mlp_hidden_size_is_the_width_of_a_plain_layer_and_twice_that_of_a_gated_branch(built):
    assert built(mlp_hidden_size=70, activation_type="relu")[0].intermediate_size == 70
    assert built(mlp_hidden_size=70)[0].intermediate_size == 35


@pytest.mark.parametrize(("changes", "rows"), [({"rope": True}, None), ({"alibi": True}, None), ({}, 16)])
def test_a_position_table_is_there_only_without_rope_and_alibi(built, changes, rows):
    assert built(**changes)[0].max_positions == rows


def test_embedding_size_makes_the_rows_and_null_leaves_them_to_the_vocabulary(count):
    assert count(embedding_size=None).embedding_params == 100 * 32 + 16 * 32
    assert count().embedding_params == 128 * 32 + 16 * 32


def test_unset_embedding_size_is_the_codes_own_50304(count):
    assert count({name: value for name, value in SMALL.items() if name != "embedding_size"}).embedding_params == (50_304 + 16) * 32


def test_norms_without_affine_have_no_params_and_queries_and_keys_have_their_own_switch(count):
    def norms(**changes):
        return {
            part.name: part.params
            for part in count(attention_layer_norm=True, n_kv_heads=2, include_bias=False, **changes).parts
            if part.kind == "norm"
        }

    assert norms(layer_norm_with_affine=False) == {"attention.query_norm": 32, "attention.key_norm": 16}
    assert norms(attention_layer_norm_with_affine=False) == {"attention_norm": 32, "mlp_norm": 32, "final_norm": 32}


def test_norm_bias_follows_include_bias_unless_it_is_set(built):
    assert [built(include_bias=on)[0].norm_bias for on in (True, False)] == [True, False]
    assert built(include_bias=False, bias_for_layer_norm=True)[0].norm_bias
    assert not built(include_bias=True, bias_for_layer_norm=False)[0].norm_bias


def test_untied_head_has_a_bias_as_other_linear_layers(count):
    assert count(weight_tying=False).total_params - count().total_params == 128 * 32 + 128


def test_norm_of_the_embeddings_is_one_norm_more(count):
    assert count(embedding_layer_norm=True).total_params - count().total_params == 2 * 32


def test_parallel_block_has_one_norm_less_in_each_layer(count):
    """Olmo v0.1.0, ``OlmoParallelBlock``: one norm before both halves, the same matrices otherwise."""
    assert count().total_params - count(block_type="parallel").total_params == 2 * 2 * 32


@pytest.mark.parametrize(
    ("changes", "heads"),
    [
        ({}, 4),
        ({"multi_query_attention": True}, 1),
        ({"multi_query_attention": False}, 4),
        ({"multi_query_attention": True, "n_kv_heads": 1}, 1),
        ({"block_type": "llama", "multi_query_attention": True}, 1),
        ({"n_kv_heads": 2}, 2),
    ],
)
def test_key_value_heads_are_told_by_either_key(built, changes, heads):
    assert built(**changes)[0].num_key_value_heads == heads


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"activation_type": "silu"}, "activation_type=silu"),
        ({"block_type": "moe"}, "block_type=moe"),
        ({"layer_norm_type": "gemma_rms"}, "layer_norm_type=gemma_rms"),
        ({"alibi": True, "rope": True}, "alibi and rope"),
        ({"mlp_hidden_size": 71}, "mlp_hidden_size 71 is odd"),
        ({"embedding_size": 64}, "embedding_size=64 is less than vocab_size=100"),
        ({"multi_query_attention": True, "n_kv_heads": 2}, "multi_query_attention=true means 1"),
        ({"multi_query_attention": False, "n_kv_heads": 2}, "multi_query_attention=false means 4"),
        ({"block_type": "llama", "n_kv_heads": 2}, "block_type=llama"),
        ({"n_kv_heads": 3}, "num_key_value_heads=3 does not divide num_attention_heads=4"),
        ({"n_heads": 5}, "32 cannot be split evenly"),
        ({"max_sequence_length": None}, "max_sequence_length is not set"),
    ],
)
def test_what_olmo_does_not_build_is_refused_in_a_sentence(refusal, changes, named):
    assert named in refusal(**changes)
