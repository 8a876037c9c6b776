"""Transformer++ of flash-linear-attention and of forgetting-transformer: a published config, and each option by its arithmetic.

200 random configs were built from forgetting-transformer's modeling_transformer.py on torch's meta device and counted the same.
"""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.fla_transformer import EXAMPLE
from scalecheck.facts import Workload

H, LAYERS, VOCAB = 96, 2, 50
SMALL = {"vocab_size": VOCAB, "hidden_size": H, "num_hidden_layers": LAYERS, "num_heads": 4}


@pytest.fixture
def count(read):
    def counted(tokens=8, attention="full", **changes):
        reading = read({"model": {"_target_": "fla.models.TransformerForCausalLM", "config": SMALL | changes}})
        assert reading.shape is not None, (reading.unknowns, reading.impossible)
        return totals(ledger(reading.shape, Workload(sequence_length=tokens, attention=attention)))

    return counted


def test_published_125m_by_its_exact_count(read):
    assert totals(ledger(read(EXAMPLE).shape, Workload(sequence_length=16384))).total_params == 162_148_608


def test_feed_forward_is_two_thirds_of_the_ratio_rounded_up_to_256(count):
    """int(96 x 4 x 2 / 3) = 256 stays; 3.5 gives 224, and 256 too; 5 gives 320, and 512."""
    layer = 4 * H * H + 3 * H * 256 + 2 * H
    assert count().total_params == 2 * VOCAB * H + LAYERS * layer + H
    assert count(hidden_ratio=3.5).total_params == count(hidden_ratio=None).total_params == count().total_params
    assert count(hidden_ratio=5).total_params - count().total_params == LAYERS * 3 * H * 256


def test_width_that_is_told_is_taken_as_it_is(count):
    assert count().total_params - count(intermediate_size=100).total_params == LAYERS * 3 * H * 156


@pytest.mark.parametrize(
    ("changes", "params"),
    [
        ({"num_kv_heads": 1}, -LAYERS * 2 * H * 72),
        ({"qkv_bias": True}, LAYERS * 3 * H),
        ({"qkv_bias": True, "num_kv_heads": 2}, LAYERS * (H + 2 * 48 - 2 * H * 48)),
        ({"qk_norm": True}, LAYERS * 2 * 24),
        ({"tie_word_embeddings": True}, -VOCAB * H),
        ({"window_size": 4, "fuse_norm": False, "hidden_act": "swish", "elementwise_affine": False, "max_position_embeddings": 7}, 0),
    ],
)
def test_each_option_by_its_arithmetic(count, changes, params):
    assert count(**changes).total_params - count().total_params == params


def test_flops_of_the_matrices_the_scores_and_the_window(count):
    layer = 2 * 8 * (4 * H * H + 3 * H * 256) + 2 * 2 * 8 * 8 * H
    assert count().forward_flops_per_sequence == LAYERS * layer + 2 * 8 * H * VOCAB
    causal, windowed = count(attention="causal"), count(attention="windowed", window_size=3)
    assert causal.forward_flops_per_sequence - windowed.forward_flops_per_sequence == LAYERS * 4 * (36 - 21) * H


def test_heads_that_do_not_divide_are_impossible(read):
    for changes in ({"num_heads": 5}, {"num_kv_heads": 3}):
        reading = read({"model": {"_target_": "fla.models.TransformerForCausalLM", "config": SMALL | changes}})
        assert reading.shape is None
        assert reading.impossible
