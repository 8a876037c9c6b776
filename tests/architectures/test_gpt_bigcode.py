"""Numbers of small models were measured with transformers 5.23.0: its class, built from the same config."""

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.gpt_bigcode import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "gpt_bigcode",
    "n_layer": 3,
    "n_embd": 48,
    "n_head": 4,
    "vocab_size": 101,
    "n_inner": 70,
    "n_positions": 20,
}


def shape(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return reading.shape


def count(tokens=7, attention="full", **changes):
    return totals(ledger(shape(**changes), Workload(sequence_length=tokens, attention=attention)))


@pytest.mark.parametrize(
    ("changes", "params", "flops"),
    [({}, 44_634, 620_256), ({"multi_query": False}, 55_218, 765_408), ({"tie_word_embeddings": False}, 49_482, 620_256)],
)
def test_each_switch_equals_the_built_model(changes, params, flops):
    counted = count(**changes)
    assert (counted.total_params, counted.forward_flops_per_sequence) == (params, flops)


def test_santacoder_equals_the_built_model():
    sizes = {"n_layer": 24, "n_embd": 2048, "n_head": 16, "vocab_size": 49280, "n_positions": 2048, "n_inner": None}
    assert count(**sizes).total_params == 1_124_886_528


def test_general_names_are_read_too():
    general = {"num_hidden_layers": 3, "hidden_size": 48, "num_attention_heads": 4, "max_position_embeddings": 20}
    assert read_config({"model_type": "gpt_bigcode", "vocab_size": 101, "n_inner": 70} | general).shape == shape()


def test_cross_attention_is_told_as_not_counted():
    assert read_config(SMALL | {"multi_query": False, "add_cross_attention": True}).unused_keys == ("add_cross_attention",)


@pytest.mark.parametrize(("multi_query", "key_value_heads"), [(True, 1), (False, 4), (None, 1)])
def test_key_value_heads_follow_from_multi_query(multi_query, key_value_heads):
    values = {"hidden_size": 48, "num_attention_heads": 4} | ({} if multi_query is None else {"multi_query": multi_query})
    assert derive(values)["num_key_value_heads"][0] == key_value_heads


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ConfigError, match="48 cannot be split evenly over num_attention_heads 5"):
        derive({"hidden_size": 48, "num_attention_heads": 5})
