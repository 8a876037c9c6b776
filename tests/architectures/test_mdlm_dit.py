"""MDLM's DiT: the published sizes by their exact counts, and every size by its arithmetic.

40 random configs were built from models/dit.py of kuleshov-group/mdlm on torch's meta device and counted the same.
"""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.mdlm_dit import EXAMPLE
from scalecheck.facts import Workload

H, CONDITION, BLOCKS, VOCAB, T = 48, 16, 2, 50, 8
SMALL = {"type": "ddit", "hidden_size": H, "cond_dim": CONDITION, "n_blocks": BLOCKS, "n_heads": 4, "length": T, "vocab_size": VOCAB}
CONDITIONED = 256 * CONDITION + CONDITION * CONDITION + 2 * CONDITION


@pytest.fixture
def count(read):
    def counted(attention="full", **changes):
        reading = read({"backbone": "dit", "model": SMALL | changes})
        assert reading.shape is not None, (reading.unknowns, reading.impossible)
        return totals(ledger(reading.shape, Workload(sequence_length=T, attention=attention)))

    return counted


@pytest.mark.parametrize(("rows", "params"), [(50258, 169_627_218), (30522, 139_292_986)])
def test_published_small_models_equal_the_built_ones(read, rows, params):
    """With GPT-2's tokens and a mask token; with those of BERT, which have one."""
    account = totals(ledger(read(EXAMPLE, vocab_size=rows).shape, Workload(sequence_length=1024)))
    assert account.total_params == params
    assert account.trainable_params == params


def test_small_model_by_hand(count):
    block = 4 * H * H + 8 * H * H + 5 * H + 2 * H + 6 * H * CONDITION + 6 * H
    last = H + 2 * H * CONDITION + 2 * H
    assert count().total_params == 2 * VOCAB * H + VOCAB + CONDITIONED + BLOCKS * block + last


def test_another_width_of_the_noise_level_changes_all_that_is_conditioned(count):
    more = 256 * 8 + (24 * 24 - 16 * 16) + 2 * 8 + (6 * BLOCKS + 2) * H * 8
    assert count(cond_dim=24).total_params - count().total_params == more


def test_flops_of_the_noise_level_are_those_of_one_vector(count):
    per_token = 2 * T * (12 * H * H * BLOCKS + H * VOCAB)
    scores = BLOCKS * 4 * T * T * H
    once = 2 * (256 * CONDITION + CONDITION * CONDITION + (6 * BLOCKS + 2) * H * CONDITION)
    assert count().forward_flops_per_sequence == per_token + scores + once
    assert count().training_flops_per_sequence == 3 * (per_token + scores + once) - 2 * 256 * CONDITION


def test_it_looks_both_ways_whatever_the_convention(count):
    assert count("causal").forward_flops_per_sequence == count("windowed").forward_flops_per_sequence == count().forward_flops_per_sequence


def test_heads_that_do_not_divide_the_width_are_impossible(read):
    reading = read({"backbone": "dit", "model": SMALL | {"n_heads": 5}})
    assert reading.shape is None
    assert "model.n_heads" in reading.impossible[0].reason
