import pytest

from scalecheck.account import ledger, stored_params, totals
from scalecheck.architectures.t5 import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {"model_type": "t5", "vocab_size": 178, "d_model": 11, "num_layers": 2, "num_heads": 5, "d_kv": 2, "d_ff": 58}


def account(tokens=4, source=2, attention="full", **changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=tokens, source_length=source, attention=attention)))


def total(**changes):
    return account(**changes).total_params


def test_many_options_at_once_equal_the_built_model():
    """Measured with transformers 5.23.0: heads narrower than the width, num_hidden_layers above num_layers, gated, other buckets."""
    counted = account(
        num_decoder_layers=2,
        feed_forward_proj="gated-gelu",
        relative_attention_num_buckets=38,
        num_hidden_layers=1,
        add_cross_attention=True,
    )
    assert (counted.total_params, counted.trainable_params) == (10_390, 10_390)
    assert (counted.forward_flops_per_sequence, counted.training_flops_per_sequence) == (70_104, 210_312)


def test_each_stack_has_one_table_of_relative_positions():
    parts = account(num_layers=7, relative_attention_num_buckets=20).parts
    assert [stored_params(part) for part in parts if part.kind == "position_embedding"] == [20 * 5, 20 * 5]


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_a_gate_is_a_third_matrix_in_every_layer(activation):
    assert total(feed_forward_proj=f"gated-{activation}") - total(feed_forward_proj=activation) == 4 * 11 * 58


@pytest.mark.parametrize(("given", "gated"), [(True, True), (False, False)])
def test_is_gated_act_wins_over_the_projection_s_name(given, gated):
    """Measured with transformers 5.23.0: both models are built, and follow is_gated_act."""
    other = "relu" if gated else "gated-gelu"
    assert total(is_gated_act=given, feed_forward_proj=other) == total(feed_forward_proj="gated-gelu" if gated else "relu")


def test_an_untied_head_is_counted_although_transformers_5_ties_it():
    """The published Flan-T5 checkpoints have one: flan-t5-base counts 24,674,304 params more for it, see tests/oracle/params.json."""
    untied = account(tie_word_embeddings=False)
    assert untied.total_params - total() == 178 * 11
    assert untied.forward_flops_per_sequence == account().forward_flops_per_sequence


def test_the_decoder_is_as_deep_as_num_layers_says():
    assert total(num_layers=3) == total(num_layers=3, num_decoder_layers=3) == total(num_layers=3, num_decoder_layers=None)
    assert total(num_layers=3, num_decoder_layers=1) < total(num_layers=3)


def test_num_hidden_layers_renames_the_encoder_s_depth_only():
    """Measured with transformers 5.23.0: the decoder's depth is taken from num_layers before the other name is looked at."""
    assert total(num_layers=2, num_hidden_layers=5) == total(num_layers=5, num_decoder_layers=2)


def test_only_the_decoder_s_own_attention_is_causal():
    saved = account(6, 3).forward_flops_per_sequence - account(6, 3, "causal").forward_flops_per_sequence
    assert saved == 2 * (6 * 6 - 6 * 7 // 2) * 5 * (2 + 2) * 2


def test_without_its_own_length_the_source_is_as_long_as_the_target():
    assert account(6, None).forward_flops_per_sequence == account(6, 6).forward_flops_per_sequence


def test_a_projection_that_cannot_be_read_is_refused():
    for wrong in ("foo-gelu", "gated-", "gated-new-gelu"):
        with pytest.raises(ConfigError, match=f"feed_forward_proj='{wrong}'"):
            derive({"feed_forward_proj": wrong})


def test_given_values_are_not_derived():
    assert derive({"num_layers": 2, "num_decoder_layers": 3, "feed_forward_proj": "gated-gelu", "gated_mlp": False}) == {}
