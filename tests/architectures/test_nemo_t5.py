"""NeMo's encoder-decoders."""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures import nemo_t5
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

MODEL = nemo_t5.EXAMPLE["model"]
ROWS, H = 29184, 768
ENCODER_LAYER = 4 * (H * H + H) + 3 * H * 2048 + 2 * 2048 + H + 4 * H
DECODER_LAYER = 8 * (H * H + H) + 3 * H * 2048 + 2 * 2048 + H + 6 * H
STACKS = 12 * (ENCODER_LAYER + DECODER_LAYER) + 4 * H


def changed(stacks=None, **changes):
    """EXAMPLE's model with other keys of its own and of both stacks."""
    both = {name: MODEL[name] | (stacks or {}) for name in ("encoder", "decoder")}
    return {"model": {**MODEL, **both, **changes}}


@pytest.fixture
def count(read):
    def counted(stacks=None, **changes):
        reading = read(changed(stacks, **changes))
        assert reading.shape is not None, (reading.unknowns, reading.impossible)
        return totals(ledger(reading.shape, Workload(sequence_length=16))).total_params

    return counted


def test_220m_has_one_table_of_tokens_and_one_of_positions_and_a_bias_per_row(count):
    assert STACKS == 198_503_424
    assert count() == ROWS * H + 512 * H + STACKS + ROWS == 221_339_136


def test_unknown_vocabulary_leaves_the_stacks_known(read):
    shape = read(changed(vocab_size=None)).shape
    account = totals(ledger(shape, Workload(sequence_length=16)))
    assert account.total_params is None
    assert account.non_embedding_params == STACKS


def test_older_model_of_nemo_has_the_same_parameters(count):
    assert count(mcore_t5=False) == count()
    assert count(mcore_t5=False, tokens_head_bias=False) == count() - ROWS


def test_untied_head_is_a_table_and_loses_its_bias_in_core(count):
    assert count(share_decoder_tokens_head_embeddings=False) == count() + ROWS * H - ROWS
    assert count(mcore_t5=False, share_decoder_tokens_head_embeddings=False) == count() + ROWS * H


def test_tables_that_are_not_shared_are_two_of_each(count):
    assert count(mcore_t5=False, share_token_embeddings=False) == count() + (ROWS + 512) * H


def test_relative_positions_are_a_table_of_distances_per_stack(count):
    relative = {"position_embedding_type": "relative", "relative_attention_num_buckets": 32}
    assert count(relative, mcore_t5=False) == count() - 512 * H + 2 * 32 * 12


def test_plain_layers_without_biases_and_rmsnorm(count):
    assert count({"activation": "gelu"}) == count() - 24 * (H * 2048 + 2048)
    assert count({"bias": False}) == count() - 12 * (12 * H + 2 * (2 * 2048 + H))
    assert count({"normalization": "rmsnorm"}) == count() - (12 * 5 + 2) * H


def test_stacks_of_nemos_own_model_may_differ_in_depth_and_width(count):
    deeper = {"decoder": {**MODEL["decoder"], "num_layers": 13, "ffn_hidden_size": 1024}}
    narrower = 12 * (3 * H * 1024 + 2 * 1024)
    assert count(mcore_t5=False, **deeper) == count() + DECODER_LAYER - narrower - (3 * H * 1024 + 2 * 1024)


def test_source_may_be_longer_than_the_targets(read):
    shape = read(changed()).shape
    short = totals(ledger(shape, Workload(sequence_length=128, source_length=512))).forward_flops_per_sequence
    assert short < totals(ledger(shape, Workload(sequence_length=512))).forward_flops_per_sequence


@pytest.mark.parametrize(
    ("stacks", "changes", "said"),
    [
        ({}, {"decoder": {**MODEL["decoder"], "ffn_hidden_size": 1024}}, "intermediate_size"),
        ({}, {"decoder": {**MODEL["decoder"], "hidden_size": 384}}, "hidden_size"),
        ({"position_embedding_type": "relative", "relative_attention_num_buckets": 32}, {}, "relative"),
        ({}, {"share_token_embeddings": False}, "share_token_embeddings"),
        ({"activation": "tanh"}, {}, "tanh"),
        ({"normalization": "batchnorm"}, {}, "batchnorm"),
        ({}, {"max_position_embeddings": None}, "max_position_embeddings"),
    ],
)
def test_stacks_that_core_would_not_build_are_refused_with_the_size(read, stacks, changes, said):
    reading = read(changed(stacks, **changes))
    assert reading.shape is None
    assert said in reading.impossible[0].reason


def test_heads_that_do_not_divide_the_width_are_a_sentence():
    with pytest.raises(ConfigError, match="num_attention_heads 7"):
        nemo_t5.derive({"hidden_size": 768, "num_attention_heads": 7, "max_position_embeddings": 1})
