import pytest

from scalecheck.account import ledger, stored_params, totals
from scalecheck.architectures.gemma import CLASS_DEFAULTS, KEYS, Shape, derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

# "Measured" is what transformers 5.23.0's GemmaForCausalLM has with these sizes.
SMALL = {
    "model_type": "gemma",
    "num_hidden_layers": 5,
    "hidden_size": 48,
    "intermediate_size": 70,
    "vocab_size": 101,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 20,
}


def account(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=7)))


def params(kind, **changes):
    return sum(stored_params(part) for part in account(**changes).parts if part.kind == kind)


def test_the_class_defaults_are_the_7b_model():
    """arXiv 2403.08295, table 2, prints 7,751,248,896 parameters besides the embedding, whose table has 256,128 rows there."""
    assert set(KEYS) == set(CLASS_DEFAULTS) | {"bidirectional"}
    assert derive(CLASS_DEFAULTS) == {}
    counted = totals(ledger(Shape(**CLASS_DEFAULTS), Workload(sequence_length=1)))
    assert counted.non_embedding_params == 7_751_248_896
    assert counted.embedding_params == 256_000 * 3072


def test_the_head_is_tied_unless_the_config_says_otherwise():
    assert account().total_params == 113_376
    assert account(tie_word_embeddings=False).total_params == 118_224  # measured
    assert Shape.__dataclass_fields__["tie_word_embeddings"].default is True


def test_tying_saves_no_flops():
    assert account().forward_flops_per_sequence == account(tie_word_embeddings=False).forward_flops_per_sequence == 1_658_272  # measured


def test_attention_bias_is_on_all_four_projections():
    assert params("bias", attention_bias=True) == 5 * (80 + 40 + 40 + 48)
    assert account(attention_bias=True).total_params == 114_416  # measured


def test_the_width_of_a_head_does_not_follow_from_that_of_the_model():
    assert "head_dim" not in derive({"hidden_size": 48, "num_attention_heads": 4})
    assert derive({"hidden_size": 50, "num_attention_heads": 4, "head_dim": 20})["num_key_value_heads"][0] == 4
    reading = read_config({name: value for name, value in SMALL.items() if name != "head_dim"})
    assert reading.shape.head_dim == 256


def test_attention_that_looks_both_ways_is_refused():
    reading = read_config(SMALL | {"use_bidirectional_attention": True})
    assert reading.shape is None
    assert "use_bidirectional_attention is true" in reading.impossible[0].reason
    assert account(use_bidirectional_attention=None) == account(use_bidirectional_attention=False) == account()


def test_key_value_heads_must_divide_the_heads():
    with pytest.raises(ConfigError, match="num_key_value_heads=3 does not divide num_attention_heads=4"):
        derive({"hidden_size": 48, "num_attention_heads": 4, "num_key_value_heads": 3, "head_dim": 20})
