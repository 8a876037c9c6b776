import pytest

from scalecheck.parts import (
    convolution,
    embedding,
    gated_mlp,
    layernorm,
    linear,
    lm_head,
    matmul,
    mlp,
    repeat,
    rmsnorm,
    without_input_gradient,
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


def test_convolution_multiplies_its_taps_at_every_output() -> None:
    taps, bias = convolution("stem", (3, 8), 16 * 16, outputs=5, bias=True)
    assert (taps.params, taps.forward_flops) == (3 * 8 * 256, 2 * 5 * 3 * 8 * 256)
    assert (bias.kind, bias.params) == ("bias", 8)


def test_without_input_gradient_the_backward_pass_multiplies_once() -> None:
    (part,) = without_input_gradient([matmul("stem", 3, 5, tokens=7)])
    assert part.backward_flops == part.forward_flops == 2 * 15 * 7
