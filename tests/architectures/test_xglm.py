"""Numbers of small models were measured with transformers 5.23.0: its class, built from the same config."""

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.xglm import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "xglm",
    "num_layers": 3,
    "d_model": 48,
    "attention_heads": 4,
    "vocab_size": 101,
    "ffn_dim": 70,
}


def shape(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return reading.shape


def count(tokens=7, attention="full", **changes):
    return totals(ledger(shape(**changes), Workload(sequence_length=tokens, attention=attention)))


@pytest.mark.parametrize(("is_tied", "params"), [(True, 54_258), (False, 59_106)])
def test_tied_or_not_it_equals_the_built_model(is_tied, params):
    counted = count(tie_word_embeddings=is_tied)
    assert (counted.total_params, counted.forward_flops_per_sequence) == (params, 765_408)


def test_sinusoidal_positions_have_no_params():
    assert count(max_position_embeddings=4096).embedding_params == 101 * 48


def test_general_names_are_read_too():
    general = {"num_hidden_layers": 3, "hidden_size": 48, "num_attention_heads": 4}
    assert read_config({"model_type": "xglm", "vocab_size": 101, "ffn_dim": 70} | general).shape == shape()


def test_cross_attention_is_told_as_not_counted():
    assert read_config(SMALL | {"add_cross_attention": True}).unused_keys == ("add_cross_attention",)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ConfigError, match="48 cannot be split evenly over num_attention_heads 5"):
        derive({"hidden_size": 48, "num_attention_heads": 5})
