"""Numbers were measured with mosaicml/llm-foundry at 8c8dd48: its ``MPTForCausalLM``, built from the same MPTConfig."""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures import foundry_mpt
from scalecheck.facts import Workload
from scalecheck.shapes import FamilyClaim, Request, read_shape
from scalecheck.survey import Notes

SMALL = {"d_model": 48, "n_heads": 4, "n_layers": 2, "vocab_size": 100, "max_seq_len": 32, "attn_config": {"attn_impl": "torch"}}


@pytest.fixture
def built(view_of):
    """``built(base, **changes)`` reads a config with changes as llm-foundry would: the shape, and what was filed against it."""

    def read(base=SMALL, **changes):
        notes = Notes()
        claim = FamilyClaim(family="foundry_mpt", because="", class_name="llm-foundry's MPTConfig")
        request = Request(given={}, prefix="p", spellings={})
        return read_shape(view_of({"model": base | changes}), "model", claim, request, notes), notes

    return read


@pytest.fixture
def count(built):
    def counted(base=SMALL, tokens=8, attention="full", **changes):
        shape, notes = built(base, **changes)
        assert shape is not None, (notes.unknowns, notes.impossible)
        return totals(ledger(shape, Workload(sequence_length=tokens, attention=attention)))

    return counted


@pytest.mark.parametrize(
    ("config", "params"),
    [
        (SMALL, 62_976),
        (foundry_mpt.EXAMPLE, 1_315_950_592),
        (foundry_mpt.EXAMPLE | {"d_model": 768, "n_heads": 12, "n_layers": 12}, 125_311_488),
    ],
)
def test_defaults_of_the_code_make_the_built_model(count, config, params):
    assert count(config).total_params == params


@pytest.mark.parametrize(
    ("changes", "params"),
    [
        ({"no_bias": True}, 61_872),
        ({"attn_config": {"alibi": True}}, 61_440),
        ({"attn_config": {"rope": True}}, 61_440),
        ({"learned_pos_emb": False}, 61_440),
        ({"attn_config": {"attn_type": "multiquery_attention"}}, 55_920),
        ({"attn_config": {"attn_type": "grouped_query_attention", "kv_n_heads": 2}}, 58_272),
        ({"attn_config": {"qk_ln": True, "attn_type": "multiquery_attention"}}, 56_160),
        ({"attn_config": {"qk_gn": True}}, 63_072),
        ({"no_bias": True, "attention_bias": True}, 62_160),
        ({"attention_bias": False}, 62_688),
        ({"norm_type": "rmsnorm"}, 62_736),
        ({"tie_word_embeddings": False}, 67_776),
        ({"head_dim": 8}, 56_736),
        ({"ffn_config": {"ffn_type": "mptglu"}}, 81_792),
        ({"ffn_config": {"ffn_hidden_size": 70}}, 39_308),
        ({"expansion_ratio": 1.5}, 39_696),
        ({"no_bias": True, "norm_type": "rmsnorm", "attn_config": {"qk_ln": True}}, 62_064),
    ],
)
def test_options_make_the_built_model(count, changes, params):
    assert count(**changes).total_params == params


def test_mpt_7b_is_as_published(count):
    """huggingface.co/mosaicml/mpt-7b: ALiBi, no biases; 6,649,286,656 parameters in its checkpoint."""
    seven = {"d_model": 4096, "n_heads": 32, "n_layers": 32, "vocab_size": 50432, "no_bias": True, "attn_config": {"alibi": True}}
    assert count(seven).total_params == 6_649_286_656


def test_window_saves_flops_where_windows_count(view_of):
    claim = FamilyClaim(family="foundry_mpt", because="", class_name="llm-foundry's MPTConfig", presets={"sliding_window": (4, "")})
    shape = read_shape(view_of(SMALL), "", claim, Request(given={}, prefix="p", spellings={}), Notes())
    by_convention = [
        totals(ledger(shape, Workload(sequence_length=32, attention=attention))).forward_flops_per_sequence
        for attention in ("causal", "windowed")
    ]
    assert by_convention[0] > by_convention[1]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ffn_config": {"ffn_type": "mb_moe"}}, "ffn_type=mb_moe"),
        ({"norm_type": "nonorm"}, "norm_type=nonorm"),
        ({"attn_config": {"attn_type": "linear"}}, "attn_type=linear"),
        ({"attn_config": {"qk_ln": True, "qk_gn": True}}, "qk_gn are both true"),
        ({"attn_config": {"attn_type": "grouped_query_attention"}}, "needs attn_config.kv_n_heads"),
        ({"attn_config": {"attn_type": "grouped_query_attention", "kv_n_heads": 3}}, "num_key_value_heads=3 does not divide"),
        ({"attn_config": {"kv_n_heads": 2}}, "attn_type=multihead_attention has 4"),
        ({"expansion_ratio": 1.3}, "expansion_ratio=1.3"),
        ({"n_heads": 5, "head_dim": 8}, "48 cannot be split evenly"),
        ({"max_seq_len": None}, "max_seq_len is not set"),
    ],
)
def test_what_llm_foundry_does_not_build_or_is_not_counted_is_refused(built, changes, named):
    shape, notes = built(**changes)
    assert shape is None
    assert named in notes.impossible[0].reason
