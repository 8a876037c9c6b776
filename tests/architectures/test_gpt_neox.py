"""Numbers of small models were measured with transformers 5.23.0: its class, built from the same config."""

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.gpt_neox import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "gpt_neox",
    "num_hidden_layers": 3,
    "hidden_size": 48,
    "num_attention_heads": 4,
    "vocab_size": 101,
    "intermediate_size": 70,
}


def shape(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return reading.shape


def count(tokens=7, attention="full", **changes):
    return totals(ledger(shape(**changes), Workload(sequence_length=tokens, attention=attention)))


def test_the_class_defaults_are_the_20b_model():
    counted = totals(ledger(read_config({"model_type": "gpt_neox"}).shape, Workload(sequence_length=1)))
    assert counted.total_params == 20_554_567_680


@pytest.mark.parametrize(("attention_bias", "params"), [(True, 59_106), (False, 58_530)])
@pytest.mark.parametrize("is_parallel", [True, False])
def test_attention_bias_counts_and_the_parallel_residual_does_not(attention_bias, params, is_parallel):
    counted = count(attention_bias=attention_bias, use_parallel_residual=is_parallel)
    assert (counted.total_params, counted.forward_flops_per_sequence) == (params, 765_408)


def test_a_tied_head_adds_no_params():
    assert count(tie_word_embeddings=True).total_params == 59_106 - 101 * 48


def test_keys_that_the_config_class_does_not_know_change_nothing():
    assert shape(num_key_value_heads=2, head_dim=20) == shape()


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ConfigError, match="48 cannot be split evenly over num_attention_heads 5"):
        derive({"hidden_size": 48, "num_attention_heads": 5})
