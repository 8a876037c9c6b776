"""Numbers of small models were measured with transformers 5.23.0: its class, built from the same config."""

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.falcon import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "falcon",
    "num_hidden_layers": 3,
    "hidden_size": 48,
    "num_attention_heads": 4,
    "vocab_size": 101,
    "ffn_hidden_size": 70,
}


def shape(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return reading.shape


def count(tokens=7, attention="full", **changes):
    return totals(ledger(shape(**changes), Workload(sequence_length=tokens, attention=attention)))


NEW = {"new_decoder_architecture": True}


@pytest.mark.parametrize(
    ("changes", "params", "flops"),
    [
        ({}, 42_672, 620_256),
        ({"num_kv_heads": 2}, 42_672, 620_256),
        ({"bias": True}, 43_386, 620_256),
        ({"alibi": True}, 42_672, 620_256),
        ({"multi_query": False}, 53_040, 765_408),
        ({"parallel_attn": False}, 42_960, 620_256),
        (NEW, 53_328, 765_408),
        (NEW | {"num_kv_heads": 2}, 46_416, 668_640),
        (NEW | {"num_kv_heads": 2, "num_ln_in_parallel_attn": 1}, 46_128, 668_640),
        (NEW | {"num_kv_heads": 2, "multi_query": False}, 46_416, 668_640),
        ({"parallel_attn": False, "multi_query": False, "alibi": True, "bias": True, "tie_word_embeddings": False}, 59_106, 765_408),
    ],
)
def test_each_switch_equals_the_built_model(changes, params, flops):
    counted = count(**changes)
    assert (counted.total_params, counted.forward_flops_per_sequence) == (params, flops)


def test_the_40b_model_equals_the_built_model():
    sizes = {"hidden_size": 8192, "num_hidden_layers": 60, "num_attention_heads": 128, "num_kv_heads": 8, "vocab_size": 65024}
    assert count(**sizes, **NEW, ffn_hidden_size=None).total_params == 41_303_293_952


def test_the_names_of_the_first_checkpoints_are_read():
    legacy = {"n_embed": 48, "n_layer": 3, "n_head": 4, "n_head_kv": 2, "vocab_size": 101, "ffn_hidden_size": 70}
    assert read_config({"model_type": "falcon"} | NEW | legacy).shape == shape(**NEW, num_kv_heads=2)


def test_without_a_class_queries_share_one_key_and_value_too():
    assert derive({"hidden_size": 48, "num_attention_heads": 4})["num_key_value_heads"] == (1, "multi_query: one for all heads")


def test_a_shared_norm_is_named_so():
    assert [part.name for part in count().parts if part.kind == "norm"] == ["norm", "final_norm"]
    assert [part.name for part in count(**NEW).parts if part.kind == "norm"] == ["attention_norm", "mlp_norm", "final_norm"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"multi_query": False, "num_kv_heads": 2}, "num_kv_heads=2 of num_attention_heads=4 needs new_decoder_architecture"),
        (NEW | {"num_kv_heads": 3}, "num_key_value_heads=3 does not divide num_attention_heads=4"),
        (NEW | {"parallel_attn": False}, "cannot run with parallel_attn=false"),
        (NEW | {"num_ln_in_parallel_attn": 3}, "num_ln_in_parallel_attn=3"),
        ({"num_ln_in_parallel_attn": 2}, "needs new_decoder_architecture"),
        ({"hidden_size": 50}, "50 cannot be split evenly"),
    ],
)
def test_what_transformers_layer_cannot_run_with_is_refused(values, message):
    """Each of these fails in transformers 5.23.0, at the latest in the forward pass."""
    with pytest.raises(ConfigError, match=message):
        derive({"hidden_size": 48, "num_attention_heads": 4} | values)
