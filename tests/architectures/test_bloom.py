"""Numbers of small models were measured with transformers 5.23.0: its class, built from the same config."""

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.bloom import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "bloom",
    "n_layer": 3,
    "hidden_size": 48,
    "n_head": 4,
    "vocab_size": 101,
}


def shape(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return reading.shape


def count(tokens=7, attention="full", **changes):
    return totals(ledger(shape(**changes), Workload(sequence_length=tokens, attention=attention)))


def test_the_largest_model_is_read_from_the_first_spellings():
    """BigScience Workshop 2022, table 3: 176,247 million, to the last digit as built."""
    legacy = {"n_embed": 14336, "n_layer": 70, "num_attention_heads": 112, "vocab_size": 250880, "offset_alibi": 100, "seq_length": 2048}
    reading = read_config({"model_type": "bloom"} | legacy)
    assert reading.unused_keys == ()
    assert reading.shape.num_attention_heads == 112
    assert totals(ledger(reading.shape, Workload(sequence_length=1))).total_params == 176_247_271_424


@pytest.mark.parametrize(("is_tied", "params"), [(True, 89_856), (False, 94_704)])
def test_tied_or_not_it_equals_the_built_model(is_tied, params):
    counted = count(tie_word_embeddings=is_tied)
    assert (counted.total_params, counted.forward_flops_per_sequence) == (params, 1_257_312)


def test_n_embed_wins_over_hidden_size_as_in_the_config_class():
    assert shape(hidden_size=96, n_embed=48) == shape()


def test_the_mlp_is_four_times_as_wide_whatever_n_inner_says():
    assert shape(n_inner=70).intermediate_size == 192


def test_the_norm_behind_the_embedding_is_no_embedding():
    assert count().embedding_params == 101 * 48
    assert sum(part.params * part.copies for part in count().parts if part.kind == "norm") == (2 * 3 + 2) * 2 * 48


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ConfigError, match="48 cannot be split evenly over num_attention_heads 5"):
        derive({"hidden_size": 48, "num_attention_heads": 5})
