import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.bert import CLASS_DEFAULTS, Shape
from scalecheck.config_file import read_config
from scalecheck.facts import Workload

SMALL = {
    "model_type": "bert",
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "vocab_size": 101,
    "max_position_embeddings": 40,
    "type_vocab_size": 3,
}


def account(attention="full", **changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=7, attention=attention)))


def test_bert_large_has_335_million_params():
    """The paper says 340M; 335,174,458 is the uncased model with its masked-LM head, as transformers 5.23.0 builds it."""
    large = {"num_layers": 24, "hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096}
    assert totals(ledger(Shape(**(CLASS_DEFAULTS | large)), Workload(sequence_length=1))).total_params == 335_174_458


@pytest.mark.parametrize("name", ["BertForMaskedLM", "BertLMHeadModel"])
@pytest.mark.parametrize(("tied", "measured"), [(True, 20_901), (False, 24_234)])
def test_both_heads_store_the_same_and_untied_ones_their_bias_twice(name, tied, measured):
    """Measured with transformers 5.23.0; 24,234 - 20,901 is a table of 101 x 32 and 101 biases."""
    assert account(architectures=[name], tie_word_embeddings=tied, is_decoder=name == "BertLMHeadModel").total_params == measured


def test_is_decoder_and_not_the_head_makes_it_causal():
    head_alone = account("causal", architectures=["BertLMHeadModel"])
    assert head_alone.forward_flops_per_sequence == account().forward_flops_per_sequence
    saved = account().forward_flops_per_sequence - account("causal", is_decoder=True).forward_flops_per_sequence
    assert saved == 2 * 4 * 32 * (7 * 7 - 7 * 8 // 2)


def test_the_pooler_of_next_sentence_prediction_is_not_counted_silently():
    reading = read_config(SMALL | {"architectures": ["BertForPreTraining"]})
    assert reading.shape is None
    assert [unknown.field for unknown in reading.unknowns] == ["head"]


@pytest.mark.parametrize(("key", "value"), [("add_cross_attention", True), ("position_embedding_type", "relative_key")])
def test_what_changes_the_layers_is_refused(key, value):
    reading = read_config(SMALL | {key: value})
    assert reading.shape is None
    assert key in reading.impossible[0].reason


def test_a_token_type_is_needed():
    assert read_config(SMALL | {"type_vocab_size": 0}).shape is None
