"""What decoders share: sizes that follow from others, layers, windows."""

from __future__ import annotations

import pytest

from scalecheck.decoders import (
    DecoderShape,
    derive_last_windows,
    derive_listed_windows,
    derive_mlp,
    gpt_layer,
    llama_layer,
    windowed_scores,
)
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SHAPE = DecoderShape(
    family="x", num_layers=6, hidden_size=8, vocab_size=10, num_attention_heads=2, num_key_value_heads=1, head_dim=5, intermediate_size=12
)


def params(parts):
    return {part.name: part.params for part in parts}


def test_gpt_layer_has_biases_throughout():
    assert params(gpt_layer(SHAPE, Workload(sequence_length=3))) == {
        "attention_norm": 16, "attention.query": 80, "attention.query.bias": 10, "attention.key": 40, "attention.key.bias": 5,
        "attention.value": 40, "attention.value.bias": 5, "attention.output": 80, "attention.output.bias": 8, "attention.scores": 0,
        "mlp_norm": 16, "mlp.up": 96, "mlp.up.bias": 12, "mlp.down": 96, "mlp.down.bias": 8,
    }  # fmt: skip


def test_llama_layer_has_three_matrices_and_biases_only_where_asked():
    plain = params(llama_layer(SHAPE, 3))
    assert plain == {
        "attention_norm": 8, "attention.query": 80, "attention.key": 40, "attention.value": 40, "attention.output": 80,
        "mlp_norm": 8, "mlp.gate": 96, "mlp.up": 96, "mlp.down": 96,
    }  # fmt: skip
    biased = params(llama_layer(SHAPE, 3, qkv_bias=True))
    assert {name: value for name, value in biased.items() if name not in plain} == {
        "attention.query.bias": 10, "attention.key.bias": 5, "attention.value.bias": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("width", "layers", "copies"),
    [(None, 4, {"attention.scores": 6}), (3, 4, {"attention.scores": 2, "attention.window": 4}), (3, 6, {"attention.window": 6})],
)
def test_scores_of_layers_with_and_without_a_window(width, layers, copies):
    parts = list(windowed_scores(SHAPE, Workload(sequence_length=10, attention="windowed"), width, layers))
    assert {part.name: part.copies for part in parts} == copies
    pairs = {part.name: part.forward_flops // (2 * 2 * 10) for part in parts}
    assert pairs == {name: 55 if name == "attention.scores" else 27 for name in copies}


@pytest.mark.parametrize(("values", "derived"), [({"hidden_size": 8}, 32), ({"hidden_size": 8, "intermediate_size": 9}, None), ({}, None)])
def test_an_mlp_is_four_times_as_wide_unless_told(values, derived):
    assert derive_mlp(values).get("intermediate_size", (None,))[0] == derived


@pytest.mark.parametrize(
    ("values", "windowed"),
    [
        ({}, 0),
        ({"use_sliding_window": True}, 0),
        ({"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 2}, 4),
        ({"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 9}, 0),
        ({"use_sliding_window": True, "sliding_window": 4, "layer_types": ("sliding_attention",) * 1 + ("full_attention",) * 5}, 1),
    ],
)
def test_windows_of_the_last_layers(values, windowed):
    assert derive_last_windows({"num_layers": 6} | values)["windowed_layers"][0] == windowed


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"use_sliding_window": True, "sliding_window": 4}, "max_window_layers is not set"),
        ({"layer_types": ("sliding_attention",) * 6}, "without use_sliding_window and sliding_window there is no window"),
        ({"layer_types": ("full_attention",)}, "layer_types has 1 entries, and there are 6 layers"),
        ({"layer_types": ("local",) * 6}, "layer_types has 'local'"),
    ],
)
def test_windows_that_cannot_be_are_refused(values, said):
    with pytest.raises(ConfigError, match=said):
        derive_last_windows({"num_layers": 6} | values)


def test_listed_windows_need_a_width():
    layers = {"num_layers": 2, "layer_types": ("sliding_attention", "attention")}
    assert derive_listed_windows(layers | {"sliding_window": 4})["windowed_layers"][0] == 1
    assert derive_listed_windows({"num_layers": 2}) == {}
    with pytest.raises(ConfigError, match="sliding_window is not set"):
        derive_listed_windows(layers)
