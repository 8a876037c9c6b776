import pytest

from scalecheck.account import ledger, totals
from scalecheck.config_file import read_config
from scalecheck.facts import Workload

SMALL = {
    "model_type": "deberta-v2",
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "vocab_size": 101,
    "max_position_embeddings": 40,
}
RELATIVE = {"relative_attention": True, "position_buckets": 6}
BOTH = ["c2p", "p2c"]


def account(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=8)))


def measured_flops(**changes):
    counted = account(**changes)
    return counted.total_params, counted.forward_flops_per_sequence, counted.training_flops_per_sequence


@pytest.mark.parametrize(
    ("changes", "params", "forward", "not_backward"),
    [
        ({}, 20_805, 313_856, 0),
        (RELATIVE | {"share_att_key": True}, 21_189, 412_160, 196_608),
        (RELATIVE | {"share_att_key": True, "pos_att_type": ["p2c"]}, 21_189, 424_448, 98_304),
        (RELATIVE | {"share_att_key": True, "pos_att_type": BOTH}, 21_189, 436_736, 0),
        (RELATIVE, 21_189, 313_856, 0),
        (RELATIVE | {"pos_att_type": ["c2p"]}, 23_301, 375_296, 0),
        (RELATIVE | {"pos_att_type": BOTH}, 25_413, 436_736, 0),
        ({"conv_kernel_size": 3}, 23_973, 363_008, 0),
        ({"conv_kernel_size": 5}, 26_021, 395_776, 0),
        ({"embedding_size": 20}, 19_333, 298_560, 0),
        ({"embedding_size": 20, "position_biased_input": False, "type_vocab_size": 2}, 18_573, 298_560, 0),
    ],
)
def test_counts_equal_the_built_model(changes, params, forward, not_backward):
    """Measured with transformers 5.23.0 and torch's counter, 8 tokens: shared matrices of a term that is not used get no gradient."""
    assert measured_flops(**changes) == (params, forward, 3 * forward - not_backward)


@pytest.mark.parametrize(
    ("changes", "measured"),
    [
        ({"norm_rel_ebd": "layer_norm"}, 20_869),
        ({"norm_rel_ebd": "none|layer_norm", "relative_attention": False}, 20_869),
        ({"type_vocab_size": 2}, 20_869),
        ({"position_biased_input": False}, 19_525),
        ({"conv_kernel_size": 3, "conv_groups": 4}, 21_669),
        ({"attention_head_size": 8}, 20_805),
        ({"tie_word_embeddings": False}, 24_138),
        ({"tie_word_embeddings": False, "embedding_size": 20}, 21_454),
        ({"tie_word_embeddings": False, "legacy": False}, 20_805),
        ({"legacy": False}, 20_805),
    ],
)
def test_params_equal_the_built_model(changes, measured):
    """Measured with transformers 5.23.0. The table's norm is stored without relative attention too; untied heads have two biases."""
    assert account(**changes).total_params == measured


def test_a_grouped_convolution_multiplies_within_its_groups():
    grouped, plain = account(conv_kernel_size=3, conv_groups=4), account()
    assert grouped.forward_flops_per_sequence - plain.forward_flops_per_sequence == 2 * 8 * 3 * 32 * 32 // 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_attention_heads": 5}, "num_attention_heads 5"),
        ({"attention_head_size": 6}, "attention_head_size=6 x num_attention_heads=4 is not hidden_size=32"),
        ({"conv_kernel_size": 4}, "conv_kernel_size=4 is even"),
        ({"conv_kernel_size": 3, "conv_groups": 5}, "conv_groups=5 does not divide hidden_size=32"),
        ({"embedding_size": 20, "legacy": False}, "legacy=False needs embedding_size=20"),
        ({"relative_attention": True}, "position_buckets"),
    ],
)
def test_what_cannot_be_counted_is_refused(changes, said):
    reading = read_config(SMALL | changes)
    assert reading.shape is None
    assert said in reading.impossible[0].reason
