"""Projections, scores, and the pairs they are counted for."""

from __future__ import annotations

import pytest

from scalecheck.attention import (
    Heads,
    Latent,
    Window,
    attention,
    attention_pairs,
    cross_attention,
    latent_attention,
    layered_scores,
    scores,
)
from scalecheck.facts import Workload

HEADS = Heads(hidden_size=10, num_heads=4, num_key_value_heads=2, head_dim=3)


@pytest.mark.parametrize(("tokens", "full", "causal"), [(1, 1, 1), (4, 16, 10), (5, 25, 15)])
def test_causal_pairs_are_the_triangle_with_its_diagonal(tokens: int, full: int, causal: int) -> None:
    assert attention_pairs(tokens, "full") == full
    assert attention_pairs(tokens, "causal") == causal


def test_scores_take_different_key_and_value_widths() -> None:
    part = scores("scores", 10, 3, 6, 4)
    assert (part.kind, part.params, part.forward_flops) == ("scores", 0, 2 * 10 * 3 * (6 + 4))


def test_attention_takes_head_dim_independent_of_hidden_size() -> None:
    heads = Heads(hidden_size=10, num_heads=4, num_key_value_heads=2, head_dim=3)
    by_name = {part.name: part.params for part in attention(heads, Workload(sequence_length=5))}
    assert by_name == {
        "attention.query": 10 * 12,
        "attention.key": 10 * 6,
        "attention.value": 10 * 6,
        "attention.output": 12 * 10,
        "attention.scores": 0,
    }


def test_grouped_queries_save_weights_but_no_scores() -> None:
    def score_flops(num_key_value_heads: int) -> int | None:
        heads = Heads(hidden_size=12, num_heads=4, num_key_value_heads=num_key_value_heads, head_dim=3)
        return next(part.forward_flops for part in attention(heads, Workload(sequence_length=5)) if part.kind == "scores")

    assert score_flops(1) == score_flops(4) == 2 * 25 * 4 * (3 + 3)


def test_attention_biases_have_the_width_of_their_outputs() -> None:
    heads = Heads(hidden_size=10, num_heads=4, num_key_value_heads=2, head_dim=3, qkv_bias=True, output_bias=True)
    biases = [part.params for part in attention(heads, Workload(sequence_length=5)) if part.kind == "bias"]
    assert biases == [12, 6, 6, 10]


def test_output_bias_stands_alone() -> None:
    heads = Heads(hidden_size=10, num_heads=4, num_key_value_heads=2, head_dim=3, output_bias=True)
    assert [part.name for part in attention(heads, Workload(sequence_length=5)) if part.kind == "bias"] == ["attention.output.bias"]


def by_hand(tokens: int, allowed) -> int:
    return sum(allowed(query, key) for query in range(tokens) for key in range(tokens))


@pytest.mark.parametrize("tokens", [1, 5, 12, 13])
@pytest.mark.parametrize("width", [1, 3, 4, 12, 40])
def test_windows_count_the_pairs_within_reach(tokens, width):
    """Counted pair by pair: what a mask lets through."""
    assert attention_pairs(tokens, "windowed", window=Window(width=width)) == by_hand(tokens, lambda q, k: 0 <= q - k < width)
    chunk = Window(width=width, kind="chunk")
    assert attention_pairs(tokens, "windowed", window=chunk) == by_hand(tokens, lambda q, k: k <= q and q // width == k // width)
    both_ways = attention_pairs(tokens, "windowed", window=Window(width=width), causal=False)
    assert both_ways == by_hand(tokens, lambda q, k: abs(q - k) <= width // 2)


def test_a_window_counts_under_its_own_convention_only():
    window = Window(width=3)
    assert attention_pairs(10, "full", window=window) == 100
    assert attention_pairs(10, "causal", window=window) == 55
    assert attention_pairs(10, "windowed") == 55
    assert attention_pairs(10, "causal", window=window, causal=False) == 100


def test_layers_with_and_without_a_window_are_scored_apart():
    parts = list(layered_scores(HEADS, Workload(sequence_length=10, attention="windowed"), 6, 4, Window(width=3)))
    assert [(part.name, part.copies, part.forward_flops) for part in parts] == [
        ("attention.scores", 2, 2 * 55 * 4 * 6),
        ("attention.window", 4, 2 * (6 + 7 * 3) * 4 * 6),
    ]


def test_keys_may_go_without_a_bias():
    heads = Heads(hidden_size=10, num_heads=4, num_key_value_heads=2, head_dim=3, qkv_bias=True, key_bias=False)
    assert [part.name for part in attention(heads, Workload(sequence_length=5)) if part.kind == "bias"] == [
        "attention.query.bias",
        "attention.value.bias",
    ]


def test_cross_attention_makes_keys_and_values_of_the_source():
    flops = {part.name: part.forward_flops for part in cross_attention(HEADS, 5, 7)}
    assert flops["cross_attention.query"] == 2 * 5 * 10 * 12
    assert flops["cross_attention.key"] == flops["cross_attention.value"] == 2 * 7 * 10 * 6
    assert flops["cross_attention.scores"] == 2 * 5 * 7 * 4 * 6


@pytest.mark.parametrize(
    ("rank", "queries"),
    [(None, {"attention.query": 10 * 4 * 5}), (6, {"attention.query_down": 60, "attention.query_norm": 6, "attention.query_up": 6 * 20})],
)
def test_latent_attention_compresses_keys_values_and_maybe_queries(rank, queries):
    latent = Latent(hidden_size=10, num_heads=4, query_rank=rank, key_value_rank=7, plain_dim=3, rotary_dim=2, value_dim=6)
    parts = list(latent_attention(latent, Workload(sequence_length=5)))
    assert {part.name: part.params for part in parts} == queries | {
        "attention.key_value_down": 10 * (7 + 2),
        "attention.key_value_norm": 7,
        "attention.key_value_up": 7 * 4 * (3 + 6),
        "attention.output": 4 * 6 * 10,
        "attention.scores": 0,
    }
    assert parts[-1].forward_flops == 2 * 25 * 4 * (5 + 6)
