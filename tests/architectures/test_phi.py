"""Numbers of small models were measured with transformers 5.23.0: its class, built from the same config."""

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.phi import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "phi",
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


@pytest.mark.parametrize(
    ("changes", "params", "flops"),
    [
        ({}, 58_919, 765_408),
        ({"num_key_value_heads": 2}, 51_863, 668_640),
        ({"num_key_value_heads": 2, "head_dim": 20}, 65_879, 880_992),
        ({"qk_layernorm": True}, 59_063, 765_408),
        ({"tie_word_embeddings": True}, 54_071, 765_408),
    ],
)
def test_each_switch_equals_the_built_model(changes, params, flops):
    counted = count(**changes)
    assert (counted.total_params, counted.forward_flops_per_sequence) == (params, flops)


def test_phi_2_equals_the_built_model():
    sizes = {"hidden_size": 2560, "num_hidden_layers": 32, "num_attention_heads": 32, "intermediate_size": 10240, "vocab_size": 51200}
    assert count(**sizes).total_params == 2_779_683_840


def test_the_heads_bias_is_no_embedding():
    assert count().embedding_params == 2 * 101 * 48
    assert [part.params for part in count().parts if part.name == "lm_head.bias"] == [101]


def test_norms_of_queries_and_keys_need_heads_of_the_common_width():
    """PhiAttention makes them hidden_size // num_attention_heads wide; with another head_dim its forward pass fails."""
    sizes = {"hidden_size": 48, "num_attention_heads": 4, "qk_layernorm": True}
    assert derive(sizes | {"head_dim": 12}) == {"num_key_value_heads": (4, "as many as num_attention_heads 4")}
    with pytest.raises(ConfigError, match="norms 12 features of a head, and head_dim is 20"):
        derive(sizes | {"head_dim": 20})


def test_key_value_heads_that_do_not_divide_the_heads_are_refused():
    with pytest.raises(ConfigError, match="num_key_value_heads=3 does not divide num_attention_heads=4"):
        derive({"hidden_size": 48, "num_attention_heads": 4, "num_key_value_heads": 3})
