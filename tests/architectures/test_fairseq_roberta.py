"""Counts measured on fairseq's own RobertaModel (commit 3d262bb) on torch's meta device."""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures import fairseq_roberta
from scalecheck.facts import Workload

TASK = {"_name": "masked_lm", "tokens_per_sample": 512}


@pytest.fixture
def count(read):
    """Count a model node as fairseq's own reader does; the dictionary's size is mapped."""

    def counted(model, vocab_size=50265, **task):
        reading = read({"task": TASK | task, "dataset": {}, "optimization": {}, "model": model}, vocab_size=vocab_size)
        assert reading.shape is not None, (reading.unknowns, reading.impossible)
        return totals(ledger(reading.shape, Workload(sequence_length=512)))

    return counted


def test_base_is_what_its_config_composes_to(read):
    shape = read(fairseq_roberta.EXAMPLE).shape
    assert totals(ledger(shape, Workload(sequence_length=512))).total_params == 124_696_665


def test_base_has_no_token_types_unlike_transformers(count):
    """transformers' RobertaForMaskedLM of the same sizes has 768 parameters more: a row of token types."""
    account = count({"_name": "roberta", "max_positions": 512})
    assert account.total_params == 124_697_433 - 768
    assert account.embedding_params == 50265 * 768 + 514 * 768


@pytest.mark.parametrize(
    ("option", "total"),
    [
        ({"untie_weights_roberta": True}, 163_300_185),
        ({"encoder_normalize_before": True}, 124_698_201),
        ({"layernorm_embedding": False}, 124_695_129),
        ({"no_token_positional_embeddings": True}, 124_301_913),
        ({"encoder_learned_pos": False}, 124_301_913),
        ({"encoder_layers": None, "encoder_layerdrop": 0.1}, 124_696_665),
    ],
)
def test_options_change_the_count_as_in_fairseq(count, option, total):
    assert count({"_name": "roberta", "max_positions": 512} | option).total_params == total


def test_options_together(count):
    model = {"encoder_layers": 2, "encoder_embed_dim": 32, "encoder_ffn_embed_dim": 48, "encoder_attention_heads": 4, "max_positions": 50}
    switches = {"_name": "roberta", "encoder_normalize_before": True, "untie_weights_roberta": True}
    assert count(model | switches, vocab_size=1001).total_params == 82_985


def test_flops_of_a_layer_by_hand(count):
    """24 matmuls' worth of H^2 a token and layer, the scores in full, and the head over every position."""
    account = count({"_name": "roberta", "max_positions": 512})
    matmuls = 12 * (4 * 768**2 + 2 * 768 * 3072) + 768**2 + 768 * 50265
    assert account.forward_flops_per_sequence == 2 * 512 * matmuls + 12 * 2 * 2 * 512 * 512 * 768


def test_heads_that_do_not_divide_the_width_are_impossible(read):
    model = {"_name": "roberta", "encoder_attention_heads": 7}
    reading = read({"task": TASK, "dataset": {}, "optimization": {}, "model": model}, vocab_size=100)
    assert reading.shape is None
    assert "768" in reading.impossible[0].reason
