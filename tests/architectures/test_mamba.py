from scalecheck.account import ledger, totals
from scalecheck.architectures.mamba import derive
from scalecheck.config_file import read_config
from scalecheck.facts import Workload

SMALL = {"model_type": "mamba", "vocab_size": 187, "hidden_size": 44, "num_hidden_layers": 2, "state_size": 15, "conv_kernel": 5}


def account(tokens=11, attention="full", **changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=tokens, attention=attention)))


def total(**changes):
    return account(**changes).total_params


def test_many_options_at_once_equal_the_built_model():
    """Measured with transformers 5.23.0."""
    counted = account(use_bias=True, use_conv_bias=False, tie_word_embeddings=False, expand=1, time_step_rank=2)
    assert counted.total_params == 33_396
    assert counted.forward_flops_per_sequence == 544_632
    assert counted.training_flops_per_sequence == 3 * 544_632


def test_flops_equal_the_closed_form():
    """2 T x weights, the convolution over T + k - 1 positions, and T x inner x state for the scan, written out without the ledger."""
    inner, rank, tokens = 88, 3, 11
    weights = 44 * 2 * inner + inner * (rank + 2 * 15) + rank * inner + inner * 44
    per_layer = 2 * tokens * weights + 2 * (tokens + 4) * 5 * inner + 2 * tokens * inner * 15
    assert account(tokens).forward_flops_per_sequence == 2 * per_layer + 2 * tokens * 44 * 187


def test_use_bias_is_on_the_way_in_and_out():
    assert total(use_bias=True) - total() == 2 * (2 * 88 + 44)


def test_the_convolution_has_a_bias_per_channel():
    assert total() - total(use_conv_bias=False) == 2 * 88


def test_a_given_width_wins_over_expand():
    """Measured with transformers 5.23.0: MambaConfig sets it last."""
    assert total(expand=2, intermediate_size=132) == total(expand=3)


def test_width_and_time_step_rank_are_derived():
    assert derive({"hidden_size": 44, "expand": 2}) == {
        "intermediate_size": (88, "expand 2 x hidden_size 44"),
        "time_step_rank": (3, "hidden_size 44 / 16, rounded up"),
    }


def test_given_values_are_not_derived():
    assert derive({"hidden_size": 44, "expand": 2, "intermediate_size": 40, "time_step_rank": 7}) == {}
    assert derive({"expand": 2}) == {}


def test_a_wider_time_step_has_a_row_in_and_a_column_out_per_channel():
    assert total(time_step_rank=4) - total() == 2 * 2 * 88


def test_there_is_no_attention_to_be_causal():
    assert account(attention="causal") == account()


def test_an_untied_head_adds_one_table():
    assert total(tie_word_embeddings=False) - total() == 187 * 44


def test_a_rank_of_auto_is_derived_as_when_it_is_absent():
    config = {"model_type": "mamba", "hidden_size": 100, "num_hidden_layers": 2}
    ranks = [read_config(config | change).shape.time_step_rank for change in ({}, {"time_step_rank": "auto"}, {"time_step_rank": 9})]
    assert ranks == [7, 7, 9]


def test_a_rank_of_another_word_is_refused():
    reading = read_config({"model_type": "mamba", "time_step_rank": "large"})
    assert reading.shape is None
    assert "time_step_rank is 'large'" in reading.impossible[0].reason
