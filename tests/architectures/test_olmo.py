import pytest

from scalecheck.account import ledger, stored_params, totals
from scalecheck.architectures.olmo import CLASS_DEFAULTS, KEYS, Shape, derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

# "Measured" is what transformers 5.23.0's OlmoForCausalLM has with these sizes.
SMALL = {
    "model_type": "olmo",
    "num_hidden_layers": 5,
    "hidden_size": 48,
    "intermediate_size": 70,
    "vocab_size": 101,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def account(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=7)))


def params(kind, **changes):
    return sum(stored_params(part) for part in account(**changes).parts if part.kind == kind)


def test_the_class_defaults_are_the_7b_model():
    values = dict(CLASS_DEFAULTS) | {name: value for name, (value, _because) in derive(CLASS_DEFAULTS).items()}
    assert set(KEYS) == set(values)
    per_layer = 4 * 4096 * 4096 + 3 * 4096 * 11008
    assert totals(ledger(Shape(**values), Workload(sequence_length=1))).total_params == 32 * per_layer + 2 * 50304 * 4096


def test_a_small_model_is_as_measured():
    assert (account().total_params, account().forward_flops_per_sequence) == (94_656, 1_304_352)


def test_norms_have_no_params():
    assert params("norm") == 0
    assert {part.kind for part in account(attention_bias=True).parts} == {"matmul", "scores", "bias", "input_embedding", "output_embedding"}


def test_attention_bias_is_on_all_four_projections():
    changed = {"attention_bias": True, "head_dim": 20}
    assert params("bias", **changed) == 5 * (80 + 40 + 40 + 48)
    assert account(**changed).total_params == 118_736  # measured


def test_clipping_changes_no_count():
    assert account(clip_qkv=8.0) == account()
    assert read_config(SMALL | {"clip_qkv": 8.0}).unused_keys == ()


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ConfigError, match="48 .* 5"):
        derive({"hidden_size": 48, "num_attention_heads": 5})
