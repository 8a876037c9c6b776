import pytest

from scalecheck.errors import ConfigError
from scalecheck.facts import Workload
from scalecheck.parts import (
    Heads,
    attention,
    embedding,
    even_head_dim,
    gated_mlp,
    layernorm,
    linear,
    lm_head,
    matmul,
    mlp,
    repeat,
    rmsnorm,
    scores,
    self_attention_pairs,
)


def test_matmul_costs_two_flops_per_weight_and_token() -> None:
    part = matmul("up", 3, 5, tokens=7)
    assert (part.kind, part.params, part.forward_flops) == ("matmul", 15, 2 * 15 * 7)


def test_linear_without_bias_is_one_matmul() -> None:
    assert [part.kind for part in linear("up", 3, 5, tokens=7)] == ["matmul"]


def test_bias_is_a_part_of_its_own_and_costs_no_flops() -> None:
    weight, bias = linear("up", 3, 5, tokens=7, bias=True)
    assert weight.params == 15
    assert (bias.kind, bias.name, bias.params, bias.forward_flops) == ("bias", "up.bias", 5, 0)


def test_embedding_costs_no_flops() -> None:
    part = embedding("token_embedding", 100, 8)
    assert (part.kind, part.params, part.forward_flops) == ("input_embedding", 800, 0)


def test_embedding_of_unknown_rows_has_unknown_params() -> None:
    assert embedding("token_embedding", None, 8).params is None


def test_frozen_embedding_says_so() -> None:
    part = embedding("positions", 10, 8, kind="position_embedding", frozen=True)
    assert (part.kind, part.frozen) == ("position_embedding", True)


def test_tied_head_adds_no_params_but_still_multiplies() -> None:
    part = lm_head(8, 100, tokens=7, tied=True)
    assert (part.params, part.forward_flops) == (0, 2 * 7 * 800)


def test_untied_head_adds_its_weights() -> None:
    part = lm_head(8, 100, tokens=7, tied=False)
    assert (part.kind, part.params, part.forward_flops) == ("output_embedding", 800, 2 * 7 * 800)


@pytest.mark.parametrize(("tied", "params"), [(True, 0), (False, None)])
def test_head_of_unknown_vocabulary_has_unknown_flops(tied: bool, params: int | None) -> None:
    part = lm_head(8, None, tokens=7, tied=tied)
    assert (part.params, part.forward_flops) == (params, None)


def test_layernorm_has_gain_and_offset_and_rmsnorm_only_gain() -> None:
    assert [layernorm("n", 8).params, layernorm("n", 8, bias=False).params, rmsnorm("n", 8).params] == [16, 8, 8]


@pytest.mark.parametrize(("tokens", "full", "causal"), [(1, 1, 1), (4, 16, 10), (5, 25, 15)])
def test_causal_pairs_are_the_triangle_with_its_diagonal(tokens: int, full: int, causal: int) -> None:
    assert self_attention_pairs(tokens, "full") == full
    assert self_attention_pairs(tokens, "causal") == causal


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


def test_plain_mlp_has_two_matrices_and_gated_three() -> None:
    assert [part.params for part in mlp(4, 6, tokens=1)] == [24, 24]
    assert [part.params for part in gated_mlp(4, 6, tokens=1)] == [24, 24, 24]


def test_gated_mlp_biases() -> None:
    assert [part.params for part in gated_mlp(4, 6, tokens=1, bias=True) if part.kind == "bias"] == [6, 6, 4]


def test_repeated_layers_are_all_used() -> None:
    (part,) = repeat([matmul("up", 3, 5, tokens=1)], 12)
    assert (part.copies, part.active_copies, part.params) == (12, None, 15)


def test_experts_in_layers_nest() -> None:
    (part,) = repeat(repeat([matmul("expert", 3, 5, tokens=1)], 64, 8), 16)
    assert (part.copies, part.active_copies) == (64 * 16, 8 * 16)


def test_shared_layers_are_stored_once_and_used_often() -> None:
    (part,) = repeat([matmul("up", 3, 5, tokens=1)], 1, 12)
    assert (part.copies, part.active_copies) == (1, 12)


def test_even_head_dim() -> None:
    assert even_head_dim(768, 12) == 64


@pytest.mark.parametrize("num_heads", [7, 0, -12])
def test_heads_that_do_not_divide_the_width_are_named(num_heads: int) -> None:
    with pytest.raises(ConfigError, match=rf"hidden_size 768 .* num_attention_heads {num_heads}\b"):
        even_head_dim(768, num_heads)
