"""Forgetting Transformer: the published Pro model, and each switch by its arithmetic.

200 random configs were built from the repository's modeling_forgetting_transformer.py on torch's meta device and counted the same.
"""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.forgetting_transformer import EXAMPLE
from scalecheck.facts import Workload

H, HEADS, LAYERS, VOCAB = 96, 4, 2, 50
TARGET = EXAMPLE["model"]["_target_"]
SMALL = {"vocab_size": VOCAB, "hidden_size": H, "num_hidden_layers": LAYERS, "num_heads": HEADS}


@pytest.fixture
def count(read):
    def counted(tokens=8, attention="full", **changes):
        reading = read({"model": {"_target_": TARGET, "config": SMALL | changes}})
        assert reading.shape is not None, (reading.unknowns, reading.impossible)
        return totals(ledger(reading.shape, Workload(sequence_length=tokens, attention=attention)))

    return counted


def test_published_pro_760m_by_its_exact_count(read):
    account = totals(ledger(read(EXAMPLE).shape, Workload(sequence_length=16384)))
    assert (account.total_params, account.non_embedding_params) == (836_707_392, 682_317_888)


def test_llama_like_125m_has_one_gate_more_than_a_plain_transformer(count):
    """162,148,608 is the plain transformer of the same repository; its twin with forget gates was built and has 162,259,344."""
    account = count(vocab_size=50257, hidden_size=768, num_hidden_layers=12, num_heads=12)
    assert account.total_params == 162_148_608 + 12 * (768 * 12 + 12) == 162_259_344


@pytest.mark.parametrize(
    ("changes", "params"),
    [
        ({"fgate_type": "none"}, -LAYERS * (H * HEADS + HEADS)),
        ({"fgate_type": "bias_only"}, -LAYERS * H * HEADS),
        ({"fgate_type": "bias_only", "fgate_bias_init": True}, -LAYERS * H * HEADS),
        ({"fgate_type": "fixed", "fgate_bias_init": True}, -LAYERS * (H * HEADS + HEADS)),
        ({"use_output_gate": True}, LAYERS * H * H),
        ({"use_output_norm": True}, LAYERS * H),
        ({"use_output_norm": True, "use_output_gate": True}, LAYERS * (H + H * H)),
        ({"qk_norm": True}, LAYERS * 2 * H),
        ({"qk_norm": True, "qk_norm_share_param_across_head": True}, LAYERS * 2 * (H // HEADS)),
        ({"qk_norm_share_param_across_head": True}, 0),
        ({"use_k_shift": True}, LAYERS * H * HEADS),
        ({"use_k_shift": True, "use_v_shift": True}, LAYERS * 2 * H * HEADS),
        ({"hidden_ratio": 5}, LAYERS * 3 * H * 256),
        ({"intermediate_size": 100}, -LAYERS * 3 * H * 156),
        ({"tie_word_embeddings": True}, -VOCAB * H),
        ({"use_rope": True, "window_size": 4, "log_pruning_tolerance": -10.0, "attention_bias": False}, 0),
    ],
)
def test_each_switch_by_its_arithmetic(count, changes, params):
    assert count(**changes).total_params - count().total_params == params


def test_gates_and_shifts_multiply_and_norms_do_not(count):
    pro = {"use_output_gate": True, "use_k_shift": True, "use_v_shift": True, "qk_norm": True, "use_output_norm": True}
    layer = 2 * 8 * (5 * H * H + 3 * H * 256 + 3 * H * HEADS) + 2 * 2 * 8 * 8 * H
    assert count(**pro).forward_flops_per_sequence == LAYERS * layer + 2 * 8 * H * VOCAB
    saved = count(**pro).forward_flops_per_sequence - count(attention="windowed", window_size=2, **pro).forward_flops_per_sequence
    assert saved == LAYERS * 4 * (64 - 36) * H, "the code does not use window_size: causal is all that is saved"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"num_kv_heads": 4}, "num_kv_heads=4"),
        ({"fgate_type": "half"}, "fgate_type='half'"),
        ({"fgate_bias_init": True}, "fgate_type=full has no bias"),
        ({"fgate_bias_init": True, "fgate_type": "none"}, "fgate_type=none has no bias"),
        ({"fgate_type": "fixed"}, "needs fgate_bias_init=true"),
        ({"hidden_act": "relu"}, "hidden_act='relu'"),
        ({"num_heads": 5}, "evenly"),
    ],
)
def test_what_the_code_stops_at_is_impossible(read, changes, sentence):
    reading = read({"model": {"_target_": TARGET, "config": SMALL | changes}})
    assert reading.shape is None
    assert sentence in reading.impossible[0].reason
