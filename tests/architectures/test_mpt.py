"""Numbers of small models were measured with transformers 5.23.0: its class, built from the same config."""

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.mpt import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "mpt",
    "n_layers": 3,
    "d_model": 48,
    "n_heads": 4,
    "vocab_size": 101,
}


def shape(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return reading.shape


def count(tokens=7, attention="full", **changes):
    return totals(ledger(shape(**changes), Workload(sequence_length=tokens, attention=attention)))


@pytest.mark.parametrize(("is_tied", "params"), [(True, 88_128), (False, 92_976)])
def test_tied_or_not_it_equals_the_built_model(is_tied, params):
    counted = count(tie_word_embeddings=is_tied)
    assert (counted.total_params, counted.forward_flops_per_sequence) == (params, 1_257_312)


def test_the_30b_model_equals_the_built_model():
    nested = {"attn_config": {"alibi": True, "attn_type": "multihead_attention", "qk_ln": False}, "expansion_ratio": 4, "no_bias": True}
    assert count(d_model=7168, n_layers=48, n_heads=64, vocab_size=50432, learned_pos_emb=True, **nested).total_params == 29_957_200_896


def test_there_are_no_biases_not_even_in_norms():
    assert [part for part in count().parts if part.kind == "bias"] == []
    assert sum(part.params * part.copies for part in count().parts if part.kind == "norm") == (2 * 3 + 1) * 48


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"expansion_ratio": 2}, "expansion_ratio=2"),
        ({"no_bias": False}, "no_bias=false"),
        ({"attn_config": {"qk_ln": True}}, "qk_ln=true"),
        ({"attn_config": {"attn_type": "grouped_query_attention", "kv_n_heads": 2}}, "attn_type=grouped_query_attention"),
        ({"attn_config": {"alibi": False}}, "alibi=false with learned_pos_emb"),
        ({"ffn_config": {"ffn_type": "mptglu"}}, "ffn_type=mptglu"),
        ({"ffn_config": {"ffn_hidden_size": 70}}, "ffn_hidden_size=70"),
    ],
)
def test_what_transformers_ignores_and_llm_foundry_obeys_is_refused(changes, named):
    """With each of these transformers 5.23.0 builds the same model as without."""
    reading = read_config(SMALL | changes)
    assert reading.shape is None
    assert [named in wrong.reason for wrong in reading.impossible] == [True]


def test_without_learned_positions_alibi_makes_no_difference():
    assert shape(learned_pos_emb=False, attn_config={"alibi": False}) == shape()


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ConfigError, match="48 cannot be split evenly over num_attention_heads 5"):
        derive({"hidden_size": 48, "num_attention_heads": 5})
