import pytest

from scalecheck.account import forward_flops, ledger, stored_params, totals
from scalecheck.architectures.phi3 import CLASS_DEFAULTS, KEYS, Shape, derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

# "Measured" is what transformers 5.23.0's Phi3ForCausalLM has with these sizes, or scores above zero probability in a sequence of 7.
SMALL = {
    "model_type": "phi3",
    "num_hidden_layers": 5,
    "hidden_size": 48,
    "intermediate_size": 70,
    "vocab_size": 101,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 20,
    "sliding_window": 3,
}


def account(attention="full", **changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=7, attention=attention)))


def pairs(attention="windowed", **changes):
    """The pairs that one head of each layer scores, in sum over the layers: a pair costs 2 x (20 + 20) FLOPs in each of 4 heads."""
    return sum(forward_flops(part) for part in account(attention, **changes).parts if part.kind == "scores") / (4 * 80)


def test_the_class_defaults_are_phi_3_mini():
    values = dict(CLASS_DEFAULTS) | {name: value for name, (value, _because) in derive(CLASS_DEFAULTS).items()}
    assert set(KEYS) == set(values) | {"sliding_window"}
    per_layer = 4 * 3072 * 3072 + 3 * 3072 * 8192 + 2 * 3072
    assert totals(ledger(Shape(**values), Workload(sequence_length=1))).total_params == 32 * per_layer + 3072 + 2 * 32064 * 3072


def test_a_small_model_is_as_measured():
    assert (account().total_params, account().forward_flops_per_sequence) == (118_224, 1_658_272)


def test_nothing_has_a_bias_even_if_the_config_says_so():
    """Measured too: transformers' class does not know the key."""
    assert account(attention_bias=True).total_params == 118_224
    assert all(part.kind != "bias" for part in account().parts)


def test_every_layer_has_the_window():
    assert pairs() == 5 * 18  # measured: 1 + 2 + 5 x 3
    assert pairs("causal") == 5 * 28


def test_without_a_window_all_earlier_positions_are_seen():
    assert pairs(sliding_window=None) == 5 * 28


def test_a_window_that_is_not_told_is_none():
    assert read_config({name: value for name, value in SMALL.items() if name != "sliding_window"}).shape.sliding_window is None


def test_a_window_changes_no_params():
    assert sum(stored_params(part) for part in account(sliding_window=None).parts) == account().total_params


def test_a_tied_head_adds_no_params():
    """As in Phi-4-mini."""
    assert account(tie_word_embeddings=True, head_dim=12).total_params == 90_336  # measured


def test_a_null_head_dim_follows_from_the_width():
    assert read_config(SMALL | {"head_dim": None}).shape.head_dim == 12


def test_key_value_heads_must_divide_the_heads():
    with pytest.raises(ConfigError, match="num_key_value_heads=8 does not divide num_attention_heads=12"):
        derive({"hidden_size": 48, "num_attention_heads": 12, "num_key_value_heads": 8})
