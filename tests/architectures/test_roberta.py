import pytest

from scalecheck.account import ledger, stored_params, totals
from scalecheck.architectures.roberta import CLASS_DEFAULTS, Shape
from scalecheck.config_file import read_config
from scalecheck.facts import Workload

SMALL = {
    "model_type": "roberta",
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "vocab_size": 101,
    "max_position_embeddings": 40,
    "type_vocab_size": 3,
}


def account(**changes):
    return totals(ledger(read_config(SMALL | changes).shape, Workload(sequence_length=7)))


def test_roberta_large_has_355_million_params():
    """The paper says 355M; 355,412,057 is the model with its masked-LM head."""
    large = {"num_layers": 24, "hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096}
    published = {"max_positions": 514, "type_vocab_size": 1}
    assert totals(ledger(Shape(**(CLASS_DEFAULTS | large | published)), Workload(sequence_length=1))).total_params == 355_412_057


@pytest.mark.parametrize("name", ["RobertaForMaskedLM", "RobertaForCausalLM"])
@pytest.mark.parametrize(("tied", "measured"), [(True, 20_901), (False, 24_234)])
def test_both_heads_store_the_same_and_untied_ones_their_bias_twice(name, tied, measured):
    """Measured with transformers 5.23.0."""
    assert account(architectures=[name], tie_word_embeddings=tied, is_decoder=name == "RobertaForCausalLM").total_params == measured


def test_the_rows_of_the_padding_id_are_part_of_the_table():
    positions = [part for part in account(max_position_embeddings=42).parts if part.kind == "position_embedding"]
    assert [stored_params(part) for part in positions] == [42 * 32]


def test_cross_attention_is_refused():
    assert "add_cross_attention" in read_config(SMALL | {"add_cross_attention": True}).impossible[0].reason
