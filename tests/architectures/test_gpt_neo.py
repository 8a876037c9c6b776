"""Numbers of small models were measured with transformers 5.23.0: its class, built from the same config."""

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.gpt_neo import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "gpt_neo",
    "num_layers": 3,
    "hidden_size": 48,
    "num_heads": 4,
    "vocab_size": 101,
    "intermediate_size": 70,
    "max_position_embeddings": 20,
    "attention_layers": ["global", "local", "local"],
    "window_size": 3,
}


def shape(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return reading.shape


def count(tokens=7, attention="full", **changes):
    return totals(ledger(shape(**changes), Workload(sequence_length=tokens, attention=attention)))


def test_the_125m_model_equals_the_built_model():
    layers = ["global", "local"] * 6
    counted = count(
        num_layers=12,
        hidden_size=768,
        num_heads=12,
        vocab_size=50257,
        intermediate_size=None,
        max_position_embeddings=2048,
        attention_layers=layers,
    )
    assert counted.total_params == 125_198_592


def test_an_untied_head_and_an_own_mlp_width_equal_the_built_model():
    counted = count(tie_word_embeddings=False)
    assert (counted.total_params, counted.forward_flops_per_sequence) == (59_634, 765_408)


def test_general_names_are_read_too():
    own = {"num_layers": 3, "num_heads": 4}
    general = {"num_hidden_layers": 3, "num_attention_heads": 4}
    assert read_config({name: value for name, value in SMALL.items() if name not in own} | general).shape == shape()
    assert shape().num_attention_heads == 4


def test_local_layers_score_their_window_only_when_windows_are_counted():
    """4 heads of 12 features: 2 x pairs x 4 x 24 FLOPs per layer; 7 tokens have 28 causal pairs, in a window of 3 they have 18."""
    full, causal, windowed = (count(attention=name).forward_flops_per_sequence for name in ("full", "causal", "windowed"))
    per_pair = 2 * 4 * 24
    assert full - causal == 3 * (49 - 28) * per_pair
    assert causal - windowed == 2 * (28 - 18) * per_pair


def test_without_attention_layers_every_other_of_24_layers_is_local():
    default = SMALL | {"num_layers": 24, "attention_layers": None}
    assert shape(**default).local_layers == 12


def test_attention_types_alone_leave_only_windowed_flops_unknown():
    config = {"attention_layers": None, "attention_types": [[["global", "local"], 1], [["local"], 1]]}
    assert count(**config).total_params == count().total_params
    assert count(attention="causal", **config).forward_flops_per_sequence == count(attention="causal").forward_flops_per_sequence
    assert count(attention="windowed", **config).forward_flops_per_sequence is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_layers": 12}, "default is 24 layers, not num_layers=12"),
        ({"num_layers": 2, "attention_layers": ("global",)}, "attention_layers has 1 entries, and there are 2 layers"),
        ({"num_layers": 1, "attention_layers": ("sparse",)}, "names 'sparse'"),
        ({"num_layers": 24, "hidden_size": 50, "num_attention_heads": 4}, "50 cannot be split evenly"),
    ],
)
def test_layers_and_heads_that_no_model_has_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        derive(values)
