"""FlashAttention's GPT: published configs by their exact counts, and each option against its arithmetic.

400 random configs of these options were built from flash_attn/models/gpt.py on torch's meta device and counted the same.
"""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.facts import Workload

H, LAYERS, VOCAB = 48, 3, 101
SMALL = {"_target_": "transformers.GPT2Config", "n_embd": H, "n_head": 4, "n_layer": LAYERS, "n_positions": 16, "vocab_size": VOCAB}
BARE_MLP = 8 * H * H + 4 * H + H


@pytest.fixture
def count(read):
    def counted(tokens=8, attention="full", **changes):
        reading = read({"model": {"_target_": "flash_attn.models.gpt.GPTLMHeadModel", "config": SMALL | changes}})
        assert reading.shape is not None, (reading.unknowns, reading.impossible)
        return totals(ledger(reading.shape, Workload(sequence_length=tokens, attention=attention)))

    return counted


@pytest.fixture
def difference(count):
    return lambda **changes: count(**changes).total_params - count().total_params


@pytest.mark.parametrize(
    ("config", "params"),
    [
        ({"n_embd": 768, "n_head": 12, "n_layer": 12, "n_positions": 1024}, 124_445_184),
        ({"n_embd": 2048, "n_head": 16, "n_layer": 24, "n_positions": 2048, "max_position_embeddings": 0}, 1_311_543_296),
    ],
)
def test_published_sizes_equal_the_built_models(count, config, params):
    """openwebtext's small model and the Pile's XL model with rotary positions, built from the repository's own configs."""
    assert count(**config, vocab_size=50257, pad_vocab_size_multiple=8).total_params == params


def test_small_model_by_hand(count):
    layer = 4 * H * H + 4 * H + BARE_MLP + 4 * H
    assert count().total_params == VOCAB * H + 16 * H + LAYERS * layer + 2 * H


def test_general_name_beats_gpt2s_own(difference):
    assert difference(max_position_embeddings=5) == -11 * H
    assert difference(hidden_size=H, n_embd=96) == 0


def test_vocabulary_is_padded_up(difference):
    assert difference(pad_vocab_size_multiple=64) == 27 * H


def test_untied_head_has_rows_of_its_own_and_a_bias_where_asked(difference):
    assert difference(tie_word_embeddings=False) == VOCAB * H
    assert difference(lm_head_bias=True, pad_vocab_size_multiple=64) == 27 * H + 128


@pytest.mark.parametrize("activation", ["glu", "swiglu", "geglu"])
def test_gated_layer_is_eight_thirds_wide_and_rounded_up_to_128(difference, activation):
    inner = 128  # int(8 x 48 / 3) = 128
    assert difference(activation_function=activation) == LAYERS * (3 * H * inner + 2 * inner + H - BARE_MLP)


def test_gated_layer_rounds_n_inner_too_and_a_plain_one_does_not(difference):
    assert difference(activation_function="swiglu", n_inner=100, mlp_multiple_of=16) == LAYERS * (3 * H * 112 + 2 * 112 + H - BARE_MLP)
    assert difference(n_inner=100) == LAYERS * (2 * H * 100 + 100 + H - BARE_MLP)


def test_grouped_heads(difference):
    assert difference(n_head_kv=2) == -LAYERS * (2 * H * 24 + 2 * 24)


@pytest.mark.parametrize(
    ("changes", "params"),
    [
        ({"qkv_proj_bias": False}, -LAYERS * 3 * H),
        ({"out_proj_bias": False}, -LAYERS * H),
        ({"mlp_fc1_bias": False}, -LAYERS * 4 * H),
        ({"mlp_fc2_bias": False}, -LAYERS * H),
        ({"rms_norm": True}, -(2 * LAYERS + 1) * H),
        ({"prenorm": False}, -2 * H),
        ({"parallel_block": True}, 0),
        ({"parallel_block": True, "parallel_block_tied_norm": True}, -LAYERS * 2 * H),
        ({"parallel_block_tied_norm": True}, 0),
        ({"attn_dwconv": True}, LAYERS * 3 * H * (3 + 1)),
        ({"attn_dwconv": True, "n_head_kv": 1}, LAYERS * (72 * (3 + 1) - 2 * H * 36 - 2 * 36)),
        ({"word_embed_proj_dim": 16}, 2 * 16 * H - VOCAB * (H - 16)),
        ({"activation_function": "sqrelu", "fused_dense_sqrelu_dense": True, "mlp_fc1_bias": False, "mlp_fc2_bias": False}, 0),
        ({"rotary_emb_fraction": 0.5, "use_flash_attn": True, "fused_mlp": True, "add_cross_attention": True, "use_alibi": True}, 0),
    ],
)
def test_each_option_by_its_arithmetic(difference, changes, params):
    assert difference(**changes) == params


def test_flops_are_of_the_matrices_the_scores_and_the_padded_head(count):
    layer = 2 * 8 * (4 * H * H + 8 * H * H) + 2 * 2 * 8 * 8 * H
    assert count().forward_flops_per_sequence == LAYERS * layer + 2 * 8 * H * VOCAB
    assert count(attention="causal").forward_flops_per_sequence == count().forward_flops_per_sequence - LAYERS * 4 * (64 - 36) * H


def test_window_reaches_as_far_as_told_and_to_the_token_itself(count):
    """A reach of 2 to the left is 3 tokens: in 8 tokens 1 + 2 + 6 x 3 = 21 pairs instead of 36."""
    saved = (
        count(attention="causal").forward_flops_per_sequence
        - count(attention="windowed", window_size=[2, 0]).forward_flops_per_sequence
    )  # fmt: skip
    assert saved == LAYERS * 4 * (36 - 21) * H
    assert count(window_size=[-1, -1]).forward_flops_per_sequence == count().forward_flops_per_sequence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_head": 5}, "cannot be split evenly"),
        ({"n_head_kv": 3}, "does not divide num_attention_heads=4"),
        ({"activation_function": "tanh"}, "activation_function='tanh' is none"),
        ({"activation_function": "swiglu", "fused_mlp": True}, "fused_mlp is true"),
        ({"fused_dense_sqrelu_dense": True}, "needs activation_function=sqrelu"),
        ({"parallel_block": True, "prenorm": False}, "with prenorm only"),
    ],
)
def test_options_that_the_code_refuses_are_impossible(read, changes, sentence):
    reading = read({"model": {"_target_": "flash_attn.models.gpt.GPTLMHeadModel", "config": SMALL | changes}})
    assert reading.shape is None
    assert sentence in reading.impossible[0].reason
