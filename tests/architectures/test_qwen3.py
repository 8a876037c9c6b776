import pytest

from scalecheck.account import forward_flops, ledger, stored_params, totals
from scalecheck.architectures.qwen3 import CLASS_DEFAULTS, KEYS, derive
from scalecheck.config_file import read_config
from scalecheck.facts import Workload

# "Measured" is what transformers 5.23.0's Qwen3ForCausalLM has with these sizes, or scores above zero probability in a sequence of 7.
SMALL = {
    "model_type": "qwen3",
    "num_hidden_layers": 5,
    "hidden_size": 48,
    "intermediate_size": 70,
    "vocab_size": 101,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 20,
}
FULL, SLIDING = "full_attention", "sliding_attention"
WINDOW = {"use_sliding_window": True, "sliding_window": 3, "max_window_layers": 3}


def account(attention="full", **changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=7, attention=attention)))


def pairs(attention="windowed", **changes):
    """The pairs that one head of each layer scores, in sum over the layers: a pair costs 2 x (20 + 20) FLOPs in each of 4 heads."""
    return sum(forward_flops(part) for part in account(attention, **changes).parts if part.kind == "scores") / (4 * 80)


def params(kind, **changes):
    return sum(stored_params(part) for part in account(**changes).parts if part.kind == kind)


def test_a_small_model_is_as_measured():
    assert (account().total_params, account().forward_flops_per_sequence) == (118_424, 1_658_272)


def test_queries_and_keys_are_normed_over_one_head():
    assert params("norm") == 5 * (2 * 48 + 2 * 20) + 48 == 728  # measured
    assert read_config(SMALL | {"use_qk_norm": True}).unused_keys == ()


def test_attention_bias_is_on_all_four_projections():
    assert params("bias") == 0
    assert params("bias", attention_bias=True) == 5 * (80 + 40 + 40 + 48)
    assert account(attention_bias=True).total_params == 119_464  # measured


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
    ],
)
def test_what_cannot_be_built_is_refused(changes, reason):
    reading = read_config(SMALL | changes)
    assert reading.shape is None
    assert reading.impossible[0].reason.startswith(reason)


def test_the_width_of_a_head_is_the_class_s_where_it_is_not_told():
    assert set(derive({"hidden_size": 50, "num_attention_heads": 4})) == {"num_key_value_heads", "windowed_layers"}
    assert read_config({name: value for name, value in SMALL.items() if name != "head_dim"}).shape.head_dim == 128
    assert set(CLASS_DEFAULTS) == set(KEYS) - {"layer_types"}


def test_a_head_may_be_wider_than_its_share_of_the_model():
    assert read_config(SMALL | {"hidden_size": 50}).shape.head_dim == 20
