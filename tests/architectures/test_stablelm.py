import pytest

from scalecheck.account import ledger, stored_params, totals
from scalecheck.architectures.stablelm import CLASS_DEFAULTS, KEYS, Shape, derive
from scalecheck.config_file import read_config
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

# "Measured" is what transformers 5.23.0's StableLmForCausalLM has with these sizes.
SMALL = {
    "model_type": "stablelm",
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
    assert reading.unused_keys == ()
    return totals(ledger(reading.shape, Workload(sequence_length=7)))


def params(kind, **changes):
    return sum(stored_params(part) for part in account(**changes).parts if part.kind == kind)


def test_the_class_defaults_are_the_3b_model():
    values = dict(CLASS_DEFAULTS) | {name: value for name, (value, _because) in derive(CLASS_DEFAULTS).items()}
    assert set(KEYS) == set(values)
    per_layer = 4 * 2560 * 2560 + 3 * 2560 * 6912 + 2 * 2 * 2560
    assert totals(ledger(Shape(**values), Workload(sequence_length=1))).total_params == 32 * per_layer + 2 * 2560 + 2 * 50304 * 2560


def test_a_small_model_is_as_measured():
    assert (account().total_params, account().forward_flops_per_sequence) == (95_712, 1_304_352)


def test_biases_are_on_query_key_and_value_only():
    assert params("bias", use_qkv_bias=True) == 5 * (48 + 24 + 24)
    assert account(use_qkv_bias=True).total_params == 96_192  # measured


def test_queries_and_keys_are_normed_by_a_gain_for_each_head():
    assert params("norm", qk_layernorm=True) - params("norm") == 5 * (4 + 2) * 12
    assert account(qk_layernorm=True).total_params == 96_072  # measured


def test_side_by_side_attention_and_mlp_share_a_norm():
    assert params("norm", use_parallel_residual=True) == 5 * 2 * 48 + 2 * 48
    assert account(use_parallel_residual=True).total_params == 95_232  # measured


def test_all_switches_together_are_as_measured():
    switches = dict.fromkeys(("use_qkv_bias", "qk_layernorm", "use_parallel_residual", "tie_word_embeddings"), True)
    assert account(**switches).total_params == 91_224


def test_a_head_is_as_wide_as_its_share_of_the_model():
    with pytest.raises(ConfigError, match="head_dim=16 is not hidden_size 48 / num_attention_heads 4"):
        derive({"hidden_size": 48, "num_attention_heads": 4, "head_dim": 16})
    assert account(head_dim=12) == account()


@pytest.mark.parametrize("head_dim", [{}, {"head_dim": 10}])
def test_heads_that_do_not_divide_the_width_are_refused(head_dim):
    with pytest.raises(ConfigError, match="cannot be split evenly over num_attention_heads 5"):
        derive({"hidden_size": 48, "num_attention_heads": 5, **head_dim})
