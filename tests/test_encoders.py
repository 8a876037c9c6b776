import pytest

from scalecheck.account import stored_params, totals
from scalecheck.encoders import EncoderShape, MaskedHead, derive_encoder, encoder, masked_lm_head
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "family": "bert",
    "num_layers": 3,
    "hidden_size": 32,
    "vocab_size": 101,
    "num_attention_heads": 4,
    "intermediate_size": 50,
    "max_positions": 40,
    "type_vocab_size": 3,
}


def account(tokens=7, attention="full", **changes):
    return totals(tuple(encoder(EncoderShape(**(SMALL | changes)), Workload(sequence_length=tokens, attention=attention))))


def test_params_and_flops_equal_the_closed_form():
    """Weights, biases and norms of a post-norm layer, written out without the ledger; only weights multiply."""
    weights = 4 * 32 * 32 + 2 * 32 * 50
    layer = weights + 4 * 32 + (50 + 32) + 2 * 64
    head = 32 * 32 + 32 + 64 + 101
    counted = account(7)
    assert counted.total_params == (101 + 40 + 3) * 32 + 64 + 3 * layer + head
    assert counted.forward_flops_per_sequence == 2 * 7 * (3 * weights + 32 * 32 + 32 * 101) + 3 * 4 * 7 * 7 * 32


def test_an_untied_head_stores_its_own_table():
    assert account(tie_word_embeddings=False).total_params == account().total_params + 32 * 101


def test_an_encoder_scores_every_pair_whatever_the_convention():
    assert account(attention="causal").forward_flops_per_sequence == account().forward_flops_per_sequence


def test_a_bert_that_is_a_decoder_looks_back_only():
    full, causal = account(is_decoder=True), account(is_decoder=True, attention="causal")
    assert causal.total_params == full.total_params
    assert full.forward_flops_per_sequence - causal.forward_flops_per_sequence == 3 * 4 * 32 * (7 * 7 - 7 * 8 // 2)


def test_without_token_types_there_is_no_table_of_them():
    assert account(type_vocab_size=0).total_params == account().total_params - 3 * 32


def test_unknown_vocabulary_leaves_the_stack_countable():
    parts = tuple(encoder(EncoderShape(**(SMALL | {"vocab_size": None})), Workload(sequence_length=7)))
    known = [part for part in parts if part.params is not None and part.forward_flops is not None]
    assert {part.name for part in parts} - {part.name for part in known} == {"token_embedding", "lm_head", "lm_head.bias"}


def test_a_head_with_a_narrow_table_leads_down_to_it():
    """DeBERTa's legacy head with embedding_size 20; biases and norm offsets can be left out (ModernBERT)."""
    head = {"hidden_size": 32, "table_width": 20, "vocab_size": 101, "tied": False}
    full = totals(tuple(masked_lm_head(MaskedHead(**head), 7)))
    bare = totals(tuple(masked_lm_head(MaskedHead(**head, dense_bias=False, norm_bias=False, decoder_biases=0), 7)))
    assert bare.total_params == 32 * 20 + 20 + 20 * 101
    assert full.total_params == bare.total_params + 20 + 20 + 101
    assert full.forward_flops_per_sequence == 2 * 7 * (32 * 20 + 20 * 101)


def test_the_biases_of_a_head_are_no_embedding():
    parts = tuple(masked_lm_head(MaskedHead(hidden_size=32, table_width=32, vocab_size=101, tied=True, decoder_biases=2), 7))
    assert sum(stored_params(part) for part in parts if part.kind == "bias") == 32 + 2 * 101


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"hidden_size": 32, "num_attention_heads": 5}, "32 cannot be split evenly over num_attention_heads 5"),
        ({"add_cross_attention": True}, "add_cross_attention=True"),
        ({"position_embedding_type": "relative_key_query"}, "position_embedding_type is 'relative_key_query'"),
    ],
)
def test_what_cannot_be_counted_is_refused(values, said):
    with pytest.raises(ConfigError, match=said):
        derive_encoder(values)


def test_plain_positions_and_no_cross_attention_pass():
    assert derive_encoder({"position_embedding_type": "absolute", "add_cross_attention": False, "hidden_size": 32}) == {}
