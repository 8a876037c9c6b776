import pytest

from scalecheck.account import ledger, stored_params, totals
from scalecheck.architectures.bart import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "bart",
    "vocab_size": 193,
    "d_model": 24,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_ffn_dim": 29,
    "decoder_ffn_dim": 5,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 3,
    "max_position_embeddings": 53,
}


def account(tokens=13, source=15, attention="full", **changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    assert reading.unused_keys == ()
    return totals(ledger(reading.shape, Workload(sequence_length=tokens, source_length=source, attention=attention)))


def total(**changes):
    return account(**changes).total_params


def test_stacks_of_different_sizes_equal_the_built_model():
    """Measured with transformers 5.23.0, untied, so that there are four tables of 193 x 24 weights."""
    counted = account(encoder_layers=2, num_hidden_layers=1, tie_word_embeddings=False, scale_embedding=True, add_cross_attention=True)
    assert (counted.total_params, counted.trainable_params) == (35_631, 35_631)
    assert (counted.forward_flops_per_sequence, counted.training_flops_per_sequence) == (584_112, 1_752_336)


def test_untied_stacks_leave_the_shared_table_unused():
    tied, untied = account(), account(tie_word_embeddings=False)
    assert untied.total_params - tied.total_params == 3 * 193 * 24
    assert untied.active_params - tied.active_params == 2 * 193 * 24
    assert untied.forward_flops_per_sequence == tied.forward_flops_per_sequence


def test_position_tables_have_two_rows_in_front():
    tables = [part for part in account().parts if part.kind == "position_embedding"]
    assert [stored_params(part) for part in tables] == [55 * 24, 55 * 24]


def test_a_decoder_layer_has_a_second_attention_and_a_third_norm():
    attention, norm = 4 * (24 * 24 + 24), 2 * 24
    assert total(encoder_layers=2) - total() == attention + (2 * 24 * 29 + 29 + 24) + 2 * norm
    assert total(decoder_layers=3) - total() == 2 * attention + (2 * 24 * 5 + 5 + 24) + 3 * norm


def test_only_the_decoder_s_own_attention_is_causal():
    saved = account(6).forward_flops_per_sequence - account(6, attention="causal").forward_flops_per_sequence
    assert saved == 2 * (6 * 6 - 6 * 7 // 2) * (24 + 24) * 2


def test_without_its_own_length_the_source_is_as_long_as_the_target():
    assert account(6, None).forward_flops_per_sequence == account(6, 6).forward_flops_per_sequence != account(6).forward_flops_per_sequence


@pytest.mark.parametrize("name", ["num_attention_heads", "num_decoder_attention_heads"])
def test_heads_that_do_not_divide_the_width_are_refused(name):
    with pytest.raises(ConfigError, match=f"{name}=5 does not divide hidden_size=24"):
        derive({"hidden_size": 24, "num_attention_heads": 2, "num_decoder_attention_heads": 3} | {name: 5})
