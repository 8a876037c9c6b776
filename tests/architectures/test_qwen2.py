import pytest

from scalecheck.account import forward_flops, ledger, stored_params, totals
from scalecheck.architectures.qwen2 import CLASS_DEFAULTS, KEYS, derive
from scalecheck.config_file import read_config
from scalecheck.facts import Workload

# "Measured" is what transformers 5.23.0's Qwen2ForCausalLM has with these sizes, or scores above zero probability in a sequence of 7.
SMALL = {
    "model_type": "qwen2",
    "num_hidden_layers": 5,
    "hidden_size": 48,
    "intermediate_size": 70,
    "vocab_size": 101,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
FULL, SLIDING = "full_attention", "sliding_attention"
WINDOW = {"use_sliding_window": True, "sliding_window": 3, "max_window_layers": 3}


def account(attention="full", **changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=7, attention=attention)))


def pairs(attention="windowed", **changes):
    """The pairs that one head of each layer scores, in sum over the layers: a pair costs 2 x (12 + 12) FLOPs in each of 4 heads."""
    return sum(forward_flops(part) for part in account(attention, **changes).parts if part.kind == "scores") / (4 * 48)


def params(kind, **changes):
    return sum(stored_params(part) for part in account(**changes).parts if part.kind == kind)


def test_a_small_model_is_as_measured():
    assert (account().total_params, account().forward_flops_per_sequence) == (95_664, 1_304_352)


def test_query_key_and_value_always_have_biases_and_nothing_else_has():
    assert params("bias") == 5 * (48 + 24 + 24)
    assert account(attention_bias=False) == account()  # measured too: transformers' class does not know the key


def test_a_given_head_dim_is_used():
    """It is no field of the config class, but the attention takes it all the same."""
    assert account(head_dim=20).total_params == 119_024  # measured
    assert account(head_dim=20).forward_flops_per_sequence == 1_658_272  # measured


def test_the_window_is_off_unless_switched_on():
    assert pairs() == pairs(sliding_window=3) == pairs(**WINDOW | {"use_sliding_window": False}) == 5 * 28
    assert pairs(**WINDOW | {"sliding_window": None}) == 5 * 28


@pytest.mark.parametrize(("first", "windowed"), [(3, 2), (0, 5), (5, 0), (28, 0)])
def test_layers_from_max_window_layers_on_have_the_window(first, windowed):
    """Measured with 3: 28, 28, 28, 18, 18."""
    assert pairs(**WINDOW | {"max_window_layers": first}) == windowed * 18 + (5 - windowed) * 28
    assert pairs("causal", **WINDOW | {"max_window_layers": first}) == 5 * 28


def test_layer_types_win_over_max_window_layers():
    assert pairs(**WINDOW, layer_types=[SLIDING, FULL, "attention", SLIDING, SLIDING]) == 3 * 18 + 2 * 28
    assert pairs(**WINDOW, layer_types=[FULL] * 5) == 5 * 28


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"layer_types": [FULL] * 4}, "layer_types has 4 entries, and there are 5 layers"),
        ({"layer_types": [FULL] * 4 + ["chunked_attention"]}, "layer_types has 'chunked_attention'"),
        ({"layer_types": [SLIDING] * 5}, "layer_types has 5 times sliding_attention, and without use_sliding_window"),
        (WINDOW | {"max_window_layers": None}, "use_sliding_window is true, and max_window_layers is not set"),
        ({"num_key_value_heads": 3}, "num_key_value_heads=3 does not divide num_attention_heads=4"),
        ({"num_attention_heads": 5, "num_key_value_heads": 5}, "hidden_size 48 cannot be split evenly over num_attention_heads 5"),
    ],
)
def test_what_cannot_be_built_is_refused(changes, reason):
    reading = read_config(SMALL | changes)
    assert reading.shape is None
    assert reading.impossible[0].reason.startswith(reason)


def test_key_value_heads_and_head_dim_are_derived():
    derived = derive({"hidden_size": 48, "num_attention_heads": 4})
    assert {name: value for name, (value, _because) in derived.items()} == {"num_key_value_heads": 4, "head_dim": 12, "windowed_layers": 0}
    assert set(CLASS_DEFAULTS) == set(KEYS) - {"head_dim", "layer_types"}
