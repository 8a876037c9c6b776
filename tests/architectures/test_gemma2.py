import pytest

from scalecheck.account import forward_flops, ledger, stored_params, totals
from scalecheck.architectures.gemma2 import CLASS_DEFAULTS, KEYS, Shape, derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

# "Measured" is what transformers 5.23.0's Gemma2ForCausalLM has with these sizes, or scores above zero probability in a sequence of 7.
SMALL = {
    "model_type": "gemma2",
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


def test_the_class_defaults_are_the_2b_model():
    """arXiv 2408.00118, table 2, prints 2,024,517,888 parameters besides the embedding."""
    values = dict(CLASS_DEFAULTS) | {name: value for name, (value, _because) in derive(CLASS_DEFAULTS).items()}
    assert set(CLASS_DEFAULTS) == set(KEYS) - {"bidirectional", "layer_types"}
    assert totals(ledger(Shape(**values), Workload(sequence_length=1))).non_embedding_params == 2_024_517_888
    assert values["windowed_layers"] == 13


def test_four_norms_per_layer_and_one_behind_all():
    assert params("norm") == 5 * 4 * 48 + 48 == 1008  # measured


def test_attention_bias_is_on_all_four_projections():
    assert account(attention_bias=True).total_params == account().total_params + 5 * (80 + 40 + 40 + 48) == 114_896  # measured


def test_an_untied_head_adds_the_vocabulary_again():
    assert account(tie_word_embeddings=False).total_params == account().total_params + 101 * 48


@pytest.mark.parametrize(("num_layers", "expected"), [(5, 3 * 18 + 2 * 28), (4, 2 * 18 + 2 * 28), (1, 18)])
def test_every_second_layer_has_a_window_beginning_with_the_first(num_layers, expected):
    assert pairs(num_hidden_layers=num_layers) == expected  # measured: 18, 28, 18, 28, 18


def test_layer_types_tell_the_windows():
    assert pairs(layer_types=[FULL, "attention", FULL, FULL, SLIDING]) == 4 * 28 + 18  # measured
    assert pairs("causal", layer_types=[SLIDING] * 5) == 5 * 28


def test_without_a_window_all_layers_see_all():
    assert pairs(sliding_window=None) == 5 * 28


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"layer_types": [FULL] * 4}, "layer_types has 4 entries, and there are 5 layers"),
        ({"layer_types": [FULL] * 4 + ["chunked_attention"]}, "layer_types has 'chunked_attention'"),
        (
            {"layer_types": [SLIDING] * 5, "sliding_window": None},
            "layer_types has 5 times sliding_attention, and sliding_window is not set",
        ),
        ({"use_bidirectional_attention": True}, "use_bidirectional_attention is true"),
        ({"num_key_value_heads": 3}, "num_key_value_heads=3 does not divide num_attention_heads=4"),
    ],
)
def test_what_cannot_be_built_or_counted_is_refused(changes, reason):
    reading = read_config(SMALL | changes)
    assert reading.shape is None
    assert reading.impossible[0].reason.startswith(reason)


def test_the_width_of_a_head_does_not_follow_from_that_of_the_model():
    assert "head_dim" not in derive({"hidden_size": 48, "num_attention_heads": 4, "num_layers": 5})


def test_a_list_is_checked_even_where_the_layers_are_not_told():
    with pytest.raises(ConfigError, match="layer_types has 'linear_attention'"):
        derive({"layer_types": ("linear_attention",)})
