"""gpt-oss: params measured with transformers 5.23.0 on a small config; the published model stands in the oracle."""

from __future__ import annotations

import pytest

SMALL = {
    "model_type": "gpt_oss",
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 101,
    "intermediate_size": 24,
    "num_local_experts": 5,
    "num_experts_per_tok": 2,
    "head_dim": 12,
    "sliding_window": 3,
}


@pytest.mark.parametrize(("bias", "total"), [(False, 73_540), (True, 73_540 + 4 * (48 + 24 + 24 + 32))])
def test_params_equal_the_built_model(account, bias, total):
    assert account(attention_bias=bias).total_params == total


def test_a_sink_per_head_has_params_and_no_flops(account):
    (sinks,) = [part for part in account().parts if part.name == "attention.sinks"]
    assert (sinks.params, sinks.copies, sinks.forward_flops) == (4, 4, 0)


def test_experts_and_router_have_biases(account):
    biases = {part.name: part.params for part in account(attention_bias=False).parts if part.kind == "bias"}
    assert biases == {"router.bias": 5, "experts.gate.bias": 24, "experts.up.bias": 24, "experts.down.bias": 32}


@pytest.mark.parametrize(("layers", "windowed"), [(None, 2), (["sliding_attention"] * 3 + ["full_attention"], 3)])
def test_every_other_layer_has_a_window_unless_they_are_listed(account, layers, windowed):
    (window,) = [part for part in account(10, "windowed", layer_types=layers).parts if part.name == "attention.window"]
    assert (window.copies, window.forward_flops) == (windowed, 2 * 27 * 4 * 24)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layer_types": ["full_attention"]}, "layer_types has 1 entries"),
        ({"layer_types": ["local"] * 4}, "layer_types has 'local'"),
        ({"sliding_window": None}, "sliding_window is not set"),
    ],
)
def test_windows_that_cannot_be_are_refused(refusal, changes, said):
    assert said in refusal(**changes)


def test_more_active_experts_than_there_are_is_refused(refusal):
    assert "num_active_experts=9 is more than" in refusal(num_experts_per_tok=9)
