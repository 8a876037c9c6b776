import pytest

from scalecheck.account import forward_flops, ledger, stored_params, totals
from scalecheck.architectures.gemma3_text import CLASS_DEFAULTS, KEYS, derive
from scalecheck.config_file import read_config
from scalecheck.facts import Workload

# "Measured" is what transformers 5.23.0's Gemma3ForCausalLM has with these sizes, or scores above zero probability in a sequence of 7.
SMALL = {
    "model_type": "gemma3_text",
    "num_hidden_layers": 5,
    "hidden_size": 48,
    "intermediate_size": 70,
    "vocab_size": 101,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 20,
    "sliding_window": 3,
}
FULL, SLIDING = "full_attention", "sliding_attention"


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
    assert (account().total_params, account().forward_flops_per_sequence) == (114_056, 1_658_272)


def test_queries_and_keys_are_normed_over_one_head():
    assert params("norm") == 5 * (4 * 48 + 2 * 20) + 48 == 1208  # measured
    assert read_config(SMALL | {"use_qk_norm": True}).unused_keys == ()


def test_attention_bias_is_on_all_four_projections():
    assert account(attention_bias=True).total_params == 114_056 + 5 * (80 + 40 + 40 + 48) == 115_096  # measured


def test_an_untied_head_adds_the_vocabulary_again():
    assert account(tie_word_embeddings=False).total_params == account().total_params + 101 * 48


@pytest.mark.parametrize(("num_layers", "windowed"), [(5, 5), (6, 5), (13, 11), (26, 22), (48, 40)])
def test_every_sixth_layer_sees_all(num_layers, windowed):
    assert pairs(num_hidden_layers=num_layers) == windowed * 18 + (num_layers - windowed) * 28


def test_early_configs_tell_the_windows_by_a_pattern():
    assert pairs(sliding_window_pattern=2) == 3 * 18 + 2 * 28  # measured: 18, 28, 18, 28, 18
    assert pairs(sliding_window_pattern=1) == 5 * 28
    assert derive({"num_layers": 5, "sliding_window_pattern": 2})["windowed_layers"] == (3, "5 - 5 // sliding_window_pattern 2")


def test_layer_types_win_over_the_pattern():
    assert pairs(layer_types=[FULL, "attention", SLIDING, FULL, FULL], sliding_window_pattern=2) == 18 + 4 * 28
    assert pairs("causal", layer_types=[SLIDING] * 5) == 5 * 28


def test_attention_that_looks_both_ways_reaches_half_the_window_to_either_side():
    """EmbeddingGemma; measured with a window of 4: 29 pairs in a layer with a window, 49 in one without."""
    changes = {"use_bidirectional_attention": True, "sliding_window": 4, "sliding_window_pattern": 2}
    assert pairs(**changes) == 3 * 29 + 2 * 49
    assert pairs("causal", **changes) == 5 * 49
    assert account(**changes).total_params == account().total_params


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"layer_types": [FULL] * 4}, "layer_types has 4 entries, and there are 5 layers"),
        ({"layer_types": [FULL] * 4 + ["chunked_attention"]}, "layer_types has 'chunked_attention'"),
        (
            {"layer_types": [SLIDING] * 5, "sliding_window": None},
            "layer_types has 5 times sliding_attention, and sliding_window is not set",
        ),
        ({"num_key_value_heads": 3}, "num_key_value_heads=3 does not divide num_attention_heads=4"),
    ],
)
def test_what_cannot_be_built_is_refused(changes, reason):
    reading = read_config(SMALL | changes)
    assert reading.shape is None
    assert reading.impossible[0].reason.startswith(reason)


def test_the_width_of_a_head_is_the_class_s_where_it_is_not_told():
    assert "head_dim" not in derive({"hidden_size": 48, "num_attention_heads": 4, "num_layers": 5})
    assert read_config({name: value for name, value in SMALL.items() if name != "head_dim"}).shape.head_dim == 256
    assert set(CLASS_DEFAULTS) == set(KEYS) - {"layer_types", "sliding_window_pattern"}
