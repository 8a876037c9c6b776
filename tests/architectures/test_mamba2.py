import json
import re
from pathlib import Path

import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.mamba2 import FLOPS_NOTE, derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "model_type": "mamba2",
    "vocab_size": 170,
    "hidden_size": 8,
    "expand": 2,
    "num_heads": 4,
    "head_dim": 4,
    "n_groups": 2,
    "num_hidden_layers": 2,
    "state_size": 17,
    "conv_kernel": 2,
    "chunk_size": 2,
}
MEASURED = json.loads((Path(__file__).parents[1] / "oracle" / "flops.json").read_text())["entries"]
POINTS = [(entry["hf"]["config"], point) for entry in MEASURED if entry["hf"]["model_type"] == "mamba2" for point in entry["points"]]


def account(tokens=13, **changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=tokens)))


def total(**changes):
    return account(**changes).total_params


def test_many_options_at_once_equal_the_built_model():
    """Measured with transformers 5.23.0; 13 tokens leave the last chunk of 2 half empty."""
    counted = account(use_bias=True, use_conv_bias=False)
    assert counted.total_params == 5_280
    assert counted.forward_flops_per_sequence == 204_192
    assert counted.training_flops_per_sequence == 3 * 204_192


def test_the_note_states_how_far_the_flops_are_from_the_counter():
    """``train_corrected`` is the counter's figure without its mistake about depthwise convolutions; see tests/oracle/README.md."""
    assert len(POINTS) == 4
    furthest = 0.0
    for config, point in POINTS:
        shape = read_config(config | {"model_type": "mamba2"}).shape
        counted = totals(ledger(shape, Workload(sequence_length=point["seq"])))
        furthest = max(
            furthest,
            abs(counted.forward_flops_per_sequence / (point["fwd"] / point["batch"]) - 1),
            abs(counted.training_flops_per_sequence / (point["train_corrected"] / point["batch"]) - 1),
        )
    stated = re.search(r"([\d.]+) % from what torch counts", FLOPS_NOTE)
    assert float(stated[1]) == 100 * furthest


def test_a_chunk_is_computed_whole():
    """1 to 256 tokens cost the scan of one chunk: only what is done per token grows."""
    weights = 2 * (8 * (16 + (16 + 2 * 2 * 17) + 4) + 16 * 8) + 8 * 170
    convolved = 2 * (16 + 2 * 2 * 17) * 2
    grown = account(256, chunk_size=256).forward_flops_per_sequence - account(1, chunk_size=256).forward_flops_per_sequence
    assert grown == 255 * 2 * (weights + convolved)


def test_a_group_has_its_own_input_and_output_matrix():
    """Per layer and group 2 x state columns of the way in, and as many channels of a convolution of 2 taps and a bias."""
    assert total(n_groups=4) - total(n_groups=2) == 2 * 2 * (2 * 17) * (8 + 2 + 1)


def test_use_bias_is_on_the_way_in_and_out():
    assert total(use_bias=True) - total() == 2 * ((16 + 16 + 2 * 2 * 17 + 4) + 8)


def test_the_convolution_has_a_bias_per_channel():
    assert total() - total(use_conv_bias=False) == 2 * (16 + 2 * 2 * 17)


def test_a_tied_head_saves_a_table():
    assert total() - total(tie_word_embeddings=True) == 170 * 8


def test_chunks_cost_flops_and_no_params():
    assert total(chunk_size=8) == total()
    assert account(chunk_size=8).forward_flops_per_sequence != account().forward_flops_per_sequence


def test_keys_without_effect_do_not_change_the_count():
    """Measured with transformers 5.23.0: Mamba2Config takes both, its model looks at neither."""
    assert total(time_step_rank="auto", intermediate_size=99) == total(time_step_rank=7) == total()


def test_heads_that_do_not_fill_the_width_are_refused():
    with pytest.raises(ConfigError, match="num_heads x head_dim is 12, and expand x hidden_size is 16"):
        derive({"hidden_size": 8, "expand": 2, "num_heads": 3, "head_dim": 4})


def test_groups_that_do_not_divide_the_heads_are_refused():
    with pytest.raises(ConfigError, match=r"num_groups=3 \(n_groups\) does not divide num_heads=4"):
        derive({"num_heads": 4, "num_groups": 3})
