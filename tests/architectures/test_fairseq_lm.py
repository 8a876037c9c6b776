"""Counts measured on fairseq's own TransformerLanguageModel (commit 3d262bb) on torch's meta device."""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures import fairseq_lm
from scalecheck.facts import Workload

TASK = {"_name": "language_modeling", "tokens_per_sample": 128}


@pytest.fixture
def run(read):
    """Read a model node as fairseq's own reader does, with a dictionary of 1,000 words."""

    def reading(model, **task):
        return read({"task": TASK | task, "dataset": {}, "optimization": {}, "model": model}, vocab_size=1000)

    return reading


def total(reading):
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=128))).total_params


def test_the_shipped_gpt_config(read):
    """12 layers of 7,087,872, the last norm, and two tables of 50,264 x 768."""
    assert total(read(fairseq_lm.EXAMPLE)) == 12 * 7_087_872 + 1536 + 2 * 50264 * 768


@pytest.mark.parametrize(
    ("option", "measured"),
    [
        ({}, 19_938_304),
        ({"decoder_normalize_before": True}, 19_939_328),
        ({"decoder_normalize_before": True, "no_decoder_final_norm": True, "layernorm_embedding": True}, 19_939_328),
        ({"decoder_normalize_before": True, "share_decoder_input_output_embed": True, "decoder_learned_pos": True}, 19_493_888),
        ({"decoder_input_dim": 256, "decoder_output_dim": 128}, 19_494_912),
        ({"decoder_normalize_before": True, "no_token_positional_embeddings": True, "decoder_learned_pos": True}, 19_939_328),
    ],
)
def test_options_change_the_count_as_in_fairseq(run, option, measured):
    assert total(run({"_name": "transformer_lm"} | option)) == measured


def test_a_tied_table_has_the_width_of_the_head(run):
    tied = {"_name": "transformer_lm", "share_decoder_input_output_embed": True, "decoder_input_dim": 256}
    assert total(run(tied | {"decoder_output_dim": 256})) == 19_432_448
    reading = run(tied | {"decoder_output_dim": 128})
    assert reading.shape is None
    assert "must agree" in reading.impossible[0].reason


def test_learned_positions_follow_the_task_unless_the_model_has_its_own(run):
    learned = {"_name": "transformer_lm", "decoder_learned_pos": True}
    assert total(run(learned, max_target_positions=300)) == 20_092_928
    assert total(run(learned | {"max_target_positions": 77}, max_target_positions=300)) == 19_978_752
    assert total(run(learned)) == 19_938_304 + 130 * 512


def test_flops_by_hand(run):
    """Projections in and out multiply, the head is as wide as its input."""
    shape = run({"_name": "transformer_lm", "decoder_input_dim": 256, "decoder_output_dim": 128}).shape
    matmuls = 256 * 512 + 6 * (4 * 512**2 + 2 * 512 * 2048) + 512 * 128 + 128 * 1000
    flops = totals(ledger(shape, Workload(sequence_length=128))).forward_flops_per_sequence
    assert flops == 2 * 128 * matmuls + 6 * 2 * 2 * 128 * 128 * 512
