"""Numbers of small models were measured with transformers 5.23.0: its class, built from the same config."""

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.starcoder2 import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "starcoder2",
    "num_hidden_layers": 3,
    "hidden_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 101,
    "intermediate_size": 70,
}


def shape(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return reading.shape


def count(tokens=7, attention="full", **changes):
    return totals(ledger(shape(**changes), Workload(sequence_length=tokens, attention=attention)))


@pytest.mark.parametrize(
    ("changes", "params", "flops"),
    [
        ({"num_key_value_heads": 4}, 54_258, 765_408),
        ({"use_bias": False}, 46_416, 668_640),
        ({"head_dim": 20}, 61_218, 880_992),
        ({"head_dim": 20, "tie_word_embeddings": False}, 66_066, 880_992),
    ],
)
def test_each_switch_equals_the_built_model(changes, params, flops):
    counted = count(**changes)
    assert (counted.total_params, counted.forward_flops_per_sequence) == (params, flops)


def test_the_7b_model_equals_the_built_model():
    sizes = {"hidden_size": 4608, "num_hidden_layers": 32, "num_attention_heads": 36, "num_key_value_heads": 4, "intermediate_size": 18432}
    assert count(**sizes, vocab_size=49152).total_params == 7_173_923_840


def test_a_window_is_in_all_layers():
    """4 heads of 12 features: 2 x pairs x 4 x 24 FLOPs per layer; 7 tokens have 28 causal pairs, in a window of 3 they have 18."""
    causal, windowed = (count(attention="windowed", sliding_window=window).forward_flops_per_sequence for window in (None, 3))
    assert causal == count(attention="causal").forward_flops_per_sequence
    assert causal - windowed == 3 * (28 - 18) * 2 * 4 * 24


def test_key_value_heads_that_do_not_divide_the_heads_are_refused():
    with pytest.raises(ConfigError, match="num_key_value_heads=3 does not divide num_attention_heads=4"):
        derive({"hidden_size": 48, "num_attention_heads": 4, "num_key_value_heads": 3})
