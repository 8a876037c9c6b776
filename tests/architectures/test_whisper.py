import pytest

from scalecheck.account import forward_flops, ledger, totals, training_flops
from scalecheck.architectures.whisper import derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "whisper",
    "vocab_size": 68,
    "d_model": 8,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_ffn_dim": 3,
    "decoder_ffn_dim": 19,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "max_source_positions": 30,
    "max_target_positions": 40,
    "num_mel_bins": 6,
}


def account(tokens=15, source=None, attention="full", **changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    assert reading.unused_keys == ()
    return totals(ledger(reading.shape, Workload(sequence_length=tokens, source_length=source, attention=attention)))


def test_stacks_of_different_sizes_equal_the_built_model():
    """Measured with transformers 5.23.0, with num_hidden_layers instead of encoder_layers and an untied head."""
    counted = account(encoder_layers=3, num_hidden_layers=1, tie_word_embeddings=False, add_cross_attention=True)
    assert (counted.total_params, counted.trainable_params) == (4_281, 4_041)
    assert (counted.forward_flops_per_sequence, counted.training_flops_per_sequence) == (192_000, 558_720)


def test_the_encoder_s_positions_are_frozen():
    counted = account()
    assert counted.total_params - counted.trainable_params == 30 * 8


def test_keys_have_no_bias():
    names = {part.name for part in account().parts if part.kind == "bias"}
    blocks = ("encoder.attention", "decoder.attention", "decoder.cross_attention")
    assert [f"{block}.key.bias" in names for block in blocks] == [False] * 3
    assert [f"{block}.{name}.bias" in names for block in blocks for name in ("query", "value", "output")] == [True] * 9


def test_nobody_needs_the_gradient_of_a_spectrogram():
    first, second = (part for part in account().parts if part.name in ("encoder.convolution_1", "encoder.convolution_2"))
    assert forward_flops(first) == 2 * 60 * 6 * 8 * 3
    assert training_flops(first) == 2 * forward_flops(first)
    assert forward_flops(second) == 2 * 30 * 8 * 8 * 3
    assert training_flops(second) == 3 * forward_flops(second)


def test_the_source_is_as_long_as_its_position_table():
    assert account(source=7).forward_flops_per_sequence == account().forward_flops_per_sequence
    assert account(max_source_positions=31).forward_flops_per_sequence > account().forward_flops_per_sequence


def test_only_the_decoder_s_own_attention_is_causal():
    saved = account(6).forward_flops_per_sequence - account(6, attention="causal").forward_flops_per_sequence
    assert saved == 2 * (6 * 6 - 6 * 7 // 2) * (8 + 8) * 2


def test_an_untied_head_adds_one_table():
    assert account(tie_word_embeddings=False).total_params - account().total_params == 68 * 8


@pytest.mark.parametrize("name", ["num_attention_heads", "num_decoder_attention_heads"])
def test_heads_that_do_not_divide_the_width_are_refused(name):
    with pytest.raises(ConfigError, match=f"{name}=3 does not divide hidden_size=8"):
        derive({"hidden_size": 8, "num_attention_heads": 2, "num_decoder_attention_heads": 2} | {name: 3})
