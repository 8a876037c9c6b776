"""Numbers of small models were measured with transformers 5.23.0: its class, built from the same config."""

from dataclasses import replace

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.opt import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "opt",
    "num_hidden_layers": 3,
    "hidden_size": 48,
    "num_attention_heads": 4,
    "vocab_size": 101,
    "ffn_dim": 70,
    "max_position_embeddings": 20,
}


def shape(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return reading.shape


def count(tokens=7, attention="full", **changes):
    return totals(ledger(shape(**changes), Workload(sequence_length=tokens, attention=attention)))


def test_the_350m_model_equals_the_built_model():
    """The one with narrow embeddings and with norms behind attention and MLP."""
    sizes = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "ffn_dim": 4096, "max_position_embeddings": 2048}
    counted = count(**sizes, vocab_size=50272, word_embed_proj_dim=512, do_layer_norm_before=False)
    assert (counted.total_params, counted.forward_flops_per_sequence) == (331_196_416, 4_607_705_088)


@pytest.mark.parametrize(
    ("changes", "params", "flops"),
    [
        ({}, 55_314, 765_408),
        ({"word_embed_proj_dim": 48}, 55_314, 765_408),
        ({"word_embed_proj_dim": 20}, 54_406, 752_696),
        ({"word_embed_proj_dim": 20, "do_layer_norm_before": False}, 54_310, 752_696),
        ({"word_embed_proj_dim": 20, "tie_word_embeddings": False}, 56_426, 752_696),
        ({"do_layer_norm_before": False}, 55_218, 765_408),
        ({"_remove_final_layer_norm": True}, 55_218, 765_408),
        ({"do_layer_norm_before": False, "_remove_final_layer_norm": True}, 55_218, 765_408),
        ({"enable_bias": False}, 54_384, 765_408),
        ({"layer_norm_elementwise_affine": False}, 54_642, 765_408),
    ],
)
def test_each_switch_equals_the_built_model(changes, params, flops):
    counted = count(**changes)
    assert (counted.total_params, counted.forward_flops_per_sequence) == (params, flops)


def test_the_position_table_has_two_rows_more_and_the_projections_are_no_embeddings():
    counted = count(word_embed_proj_dim=20)
    assert counted.embedding_params == 101 * 20 + 22 * 48
    assert sum(part.params for part in counted.parts if part.name.startswith("project")) == 2 * 20 * 48


def test_unknown_positions_leave_flops_known():
    counted = totals(ledger(replace(shape(), max_positions=None), Workload(sequence_length=7)))
    assert (counted.total_params, counted.forward_flops_per_sequence) == (None, 765_408)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ConfigError, match="48 cannot be split evenly over num_attention_heads 5"):
        derive({"hidden_size": 48, "num_attention_heads": 5})
