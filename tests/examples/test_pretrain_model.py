"""The hand-written backward pass of the example, against finite differences, and its size against GPT-2's formula."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "pretrain"))
import model as gpt

CONFIG = gpt.Config(n_layer=2, n_head=2, n_embd=8, block_size=6, vocab_size=11)
NAMES = sorted(gpt.parameters(CONFIG, np.random.default_rng(0)))


@pytest.fixture
def weights():
    """Far from initialisation, where norm weights of one, biases of zero and a flat softmax would hide wrong factors."""
    rng = np.random.default_rng(0)
    fresh = gpt.parameters(CONFIG, rng, np.float64)
    return {name: weight + rng.normal(0, 0.3, weight.shape) for name, weight in fresh.items()}


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    return rng.integers(0, 11, (3, 5)), rng.integers(0, 11, (3, 5))


@pytest.mark.parametrize("name", NAMES)
def test_gradient_equals_finite_difference(weights, batch, name):
    _, grads = gpt.loss_and_grads(weights, CONFIG, *batch)
    direction = np.random.default_rng(2).normal(size=weights[name].shape)
    step = 1e-5
    ahead, behind = (gpt.loss_and_grads(weights | {name: weights[name] + sign * step * direction}, CONFIG, *batch)[0] for sign in (1, -1))
    assert (grads[name] * direction).sum() == pytest.approx((ahead - behind) / (2 * step), rel=1e-6, abs=1e-9)


def test_unused_positions_get_no_gradient(weights, batch):
    _, grads = gpt.loss_and_grads(weights, CONFIG, *batch)
    assert np.all(grads["position"][5] == 0)
    assert np.all(grads["position"][:5] != 0)


@pytest.mark.parametrize(
    ("vocab", "block", "layers", "width", "heads"), [(11, 6, 2, 8, 2), (256, 64, 2, 24, 2), (256, 64, 2, 32, 2), (256, 64, 4, 64, 4)]
)
def test_number_of_parameters_is_gpt2s(vocab, block, layers, width, heads):
    config = gpt.Config(n_layer=layers, n_head=heads, n_embd=width, block_size=block, vocab_size=vocab)
    expected = vocab * width + block * width + layers * (12 * width**2 + 13 * width) + 2 * width
    assert gpt.num_params(gpt.parameters(config, np.random.default_rng(0))) == expected


def test_fresh_loss_is_that_of_a_uniform_guess(batch):
    fresh = gpt.parameters(CONFIG, np.random.default_rng(0), np.float64)
    assert gpt.loss_and_grads(fresh, CONFIG, *batch)[0] == pytest.approx(np.log(11), rel=0.02)


def test_attention_is_causal():
    tape = gpt.Tape({}, {}, 2)
    qkv = np.random.default_rng(3).normal(size=(1, 6, 24))
    changed = qkv.copy()
    changed[:, 4:] += np.random.default_rng(4).normal(size=(1, 2, 24))
    before, after = tape.attend(qkv)[0], tape.attend(changed)[0]
    assert np.array_equal(before[:, :4], after[:, :4])
    assert not np.allclose(before[:, 4:], after[:, 4:])


def test_residual_projections_start_smaller_by_the_depth():
    config = gpt.Config(n_layer=8, n_head=2, n_embd=64, block_size=8, vocab_size=16)
    fresh = gpt.parameters(config, np.random.default_rng(0), np.float64)
    assert fresh["3.qkv.weight"].std() == pytest.approx(0.02, rel=0.05)
    assert fresh["3.down.weight"].std() == pytest.approx(0.02 / 4, rel=0.05)
