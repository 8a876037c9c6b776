"""NeMo's BERT."""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures import nemo_bert
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

MODEL = nemo_bert.EXAMPLE["model"]
BOTH_HEADS = 110_160_258


def layers(h, inner, count):
    return count * (4 * h * h + 4 * h + 2 * h * inner + inner + h + 4 * h)


@pytest.fixture
def count(read):
    def counted(**changes):
        reading = read({"model": {**MODEL, **changes}})
        assert reading.shape is not None, (reading.unknowns, reading.impossible)
        return totals(ledger(reading.shape, Workload(sequence_length=16))).total_params

    return counted


def test_base_model_with_both_heads_is_the_sum_of_its_parts(count):
    """Tables of 30592 padded tokens, 512 positions and 2 token types; pooler; masked head with a bias per row; binary head."""
    h, rows = 768, 30592
    tables = (rows + 512 + 2) * h
    heads = (h * h + h) + (h * h + h + 2 * h + rows) + (2 * h + 2)
    assert count(bert_binary_head=True) == tables + layers(h, 3072, 12) + 2 * h + heads == BOTH_HEADS


def test_no_binary_head_drops_the_token_types_with_it(count):
    assert count() == BOTH_HEADS - 2 * 768 - (2 * 768 + 2)


def test_pooler_goes_where_it_is_asked_to(count):
    pooler = 768 * 768 + 768
    assert count(add_pooler=False) == count() - pooler
    assert count(mcore_bert=True) == count() - pooler
    assert count(mcore_bert=True, add_pooler=True) == count()
    assert count(mcore_bert=True, bert_binary_head=True) == BOTH_HEADS


def test_norms_after_the_blocks_need_one_before_the_first(count):
    """Megatron core keeps the last norm besides, NeMo's own model does not."""
    assert count(transformer_block_type="post_ln") == count()
    core = count(mcore_bert=True)
    assert count(mcore_bert=True, transformer_block_type="post_ln") == core + 2 * 768


def test_rows_are_padded_for_each_tensor_parallel_rank(count):
    assert count(tensor_model_parallel_size=8) == count() + (30720 - 30592) * (768 + 1)


def test_every_pair_is_scored_since_it_looks_both_ways(read):
    shape = read({"model": MODEL}).shape
    flops = [totals(ledger(shape, Workload(sequence_length=64, attention=kind))).forward_flops_per_sequence for kind in ("full", "causal")]
    assert flops[0] == flops[1]


@pytest.mark.parametrize(
    ("values", "said"),
    [({"block_type": "normformer"}, "normformer"), ({"hidden_size": 768, "num_attention_heads": 7}, "num_attention_heads 7")],
)
def test_what_cannot_be_built_or_counted_is_a_sentence(values, said):
    with pytest.raises(ConfigError, match=said):
        nemo_bert.derive(values)
