"""Numbers of small models were measured with transformers 5.23.0: its class, built from the same config."""

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.gptj import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "gptj",
    "n_layer": 3,
    "n_embd": 48,
    "n_head": 4,
    "vocab_size": 101,
    "n_inner": 70,
}


def shape(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return reading.shape


def count(tokens=7, attention="full", **changes):
    return totals(ledger(shape(**changes), Workload(sequence_length=tokens, attention=attention)))


@pytest.mark.parametrize(("is_tied", "params"), [(False, 58_343), (True, 53_495)])
def test_tied_or_not_it_equals_the_built_model(is_tied, params):
    counted = count(tie_word_embeddings=is_tied)
    assert (counted.total_params, counted.forward_flops_per_sequence) == (params, 765_408)


def test_the_heads_bias_is_no_embedding():
    assert count().embedding_params == 2 * 101 * 48
    assert [part.params for part in count().parts if part.name == "lm_head.bias"] == [101]


def test_a_layer_has_one_norm_and_biases_in_the_mlp_only():
    """Per layer: 4 d d for attention, 2 d x 70 and 70 + d biases for the MLP, 2 d for the norm; d = 48."""
    assert count().non_embedding_params == 3 * (4 * 48 * 48 + 2 * 48 * 70 + 70 + 48 + 2 * 48) + 2 * 48 + 101


def test_without_n_inner_the_mlp_is_four_times_as_wide():
    assert shape(n_inner=None).intermediate_size == 192


def test_general_names_are_read_too():
    general = {"model_type": "gptj", "num_hidden_layers": 3, "hidden_size": 48, "num_attention_heads": 4, "vocab_size": 101, "n_inner": 70}
    assert read_config(general).shape == shape()


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ConfigError, match="48 cannot be split evenly over num_attention_heads 5"):
        derive({"hidden_size": 48, "num_attention_heads": 5})
