"""The hand-written backward pass of the example, against finite differences."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "pretrain"))
import model as gpt

CONFIG = gpt.Config(n_layer=2, n_head=2, n_embd=8, block_size=6, vocab_size=11)


@pytest.fixture
def weights():
    return gpt.init(CONFIG, np.random.default_rng(0), np.float64)


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    return rng.integers(0, 11, (3, 6)), rng.integers(0, 11, (3, 6))


def test_gradients_equal_finite_differences(weights, batch):
    _, grads = gpt.loss_and_grads(weights, CONFIG, *batch)
    rng = np.random.default_rng(2)
    for name, weight in weights.items():
        place = tuple(int(rng.integers(0, size)) for size in weight.shape)
        kept = weight[place]
        losses = []
        for shift in (1e-5, -1e-5):
            weight[place] = kept + shift
            losses.append(gpt.loss_and_grads(weights, CONFIG, *batch)[0])
        weight[place] = kept
        assert grads[name][place] == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-4, abs=1e-8), name


def test_number_of_parameters_is_gpt2s(weights):
    width, layers = 8, 2
    assert gpt.num_params(weights) == 11 * width + 6 * width + layers * (12 * width**2 + 13 * width) + 2 * width


def test_attention_is_causal(weights):
    tape = gpt.Tape(weights, {name: np.zeros_like(weight) for name, weight in weights.items()}, 2)
    qkv = np.random.default_rng(3).normal(size=(1, 6, 24))
    changed = qkv.copy()
    changed[:, 4:] += 1
    assert np.allclose(tape.attend(qkv)[0][:, :4], tape.attend(changed)[0][:, :4])
    assert not np.allclose(tape.attend(qkv)[0][:, 4:], tape.attend(changed)[0][:, 4:])
