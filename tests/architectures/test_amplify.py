"""AMPLIFY: the published 350M model, and each switch by its arithmetic.

150 random configs were built from src/amplify/model/amplify.py on torch's meta device and counted the same.
"""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.amplify import EXAMPLE
from scalecheck.facts import Workload

H, LAYERS, VOCAB = 48, 2, 27
SMALL = {"_name_": "AMPLIFY", "hidden_size": H, "num_hidden_layers": LAYERS, "num_attention_heads": 4, "intermediate_size": 100}


@pytest.fixture
def count(read):
    def counted(tokens=8, attention="full", **changes):
        reading = read({"model": SMALL | changes, "tokenizer": {"vocab_size": VOCAB}})
        assert reading.shape is not None, (reading.unknowns, reading.impossible)
        return totals(ledger(reading.shape, Workload(sequence_length=tokens, attention=attention)))

    return counted


def test_published_350m_equals_the_built_model(read):
    assert totals(ledger(read(EXAMPLE).shape, Workload(sequence_length=512))).total_params == 354_008_667


def test_swiglu_shrinks_to_two_thirds_and_rounds_up_to_eight(count):
    """int(2 x 100 / 3) = 66, and 72 is the next multiple of 8; 8 x 9 = 72 would be left as it is."""
    layer = 4 * H * H + 3 * H * 72 + 2 * H
    assert count().total_params == 2 * VOCAB * H + VOCAB + LAYERS * layer + H
    assert count(intermediate_size=108).total_params == count().total_params


@pytest.mark.parametrize(
    ("changes", "params"),
    [
        ({"hidden_act": "ReLU"}, LAYERS * H * (2 * 100 - 3 * 72)),
        ({"hidden_act": "gelu"}, LAYERS * H * (2 * 100 - 3 * 72)),
        ({"ffn_bias": True}, LAYERS * (2 * 72 + H)),
        ({"ffn_bias": True, "hidden_act": "GELU"}, LAYERS * (H * (2 * 100 - 3 * 72) + 100 + H)),
        ({"att_bias": True}, LAYERS * 4 * H),
        ({"rms_norm": False}, (2 * LAYERS + 1) * H),
        ({"layer_norm_after_embedding": True}, H),
        ({"layer_norm_before_last_layer": False}, -H),
        ({"rms_norm": False, "layer_norm_after_embedding": True}, (2 * LAYERS + 1) * H + 2 * H),
    ],
)
def test_each_switch_by_its_arithmetic(count, changes, params):
    assert count(**changes).total_params - count().total_params == params


def test_flops_look_both_ways_whatever_the_convention(count):
    layer = 2 * 8 * (4 * H * H + 3 * H * 72) + 2 * 2 * 8 * 8 * H
    assert count().forward_flops_per_sequence == LAYERS * layer + 2 * 8 * H * VOCAB
    assert count(attention="causal").forward_flops_per_sequence == count().forward_flops_per_sequence


@pytest.mark.parametrize(("changes", "sentence"), [({"hidden_act": "tanh"}, "hidden_act='tanh'"), ({"num_attention_heads": 5}, "evenly")])
def test_what_the_code_cannot_build_is_impossible(read, changes, sentence):
    reading = read({"model": SMALL | changes, "tokenizer": {"vocab_size": VOCAB}})
    assert reading.shape is None
    assert sentence in reading.impossible[0].reason
