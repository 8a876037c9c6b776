"""OLMo's own names: allenai/OLMo's ModelConfig, and the trainer's keys beside it."""

from __future__ import annotations

import pytest

MODEL = {
    "d_model": 64,
    "n_heads": 4,
    "n_layers": 2,
    "max_sequence_length": 128,
    "vocab_size": 500,
    "mlp_ratio": 8,
    "weight_tying": False,
    "rope": True,
    "include_bias": False,
    "block_type": "sequential",
    "layer_norm_type": "rms",
}
RUN = {"model": MODEL, "max_duration": "2e6T", "global_train_batch_size": 4}


def test_olmo_is_recognised_by_its_own_names(read):
    reading = read({"model": MODEL})
    assert (reading.model_dialect, reading.shape.family) == ("olmo", "ai2_olmo")
    assert (reading.shape.intermediate_size, reading.shape.max_positions) == (256, None)


def test_what_is_not_set_is_the_codes_default_and_not_assumed(read):
    reading = read({"model": MODEL})
    assert (reading.shape.embedding_size, reading.shape.activation_type) == (50_304, "swiglu")
    assert not any(reading.origins[name].assumed for name in ("embedding_size", "activation_type", "query_key_norm"))
    assert "OLMo's ModelConfig" in reading.origins["embedding_size"].because


def test_sizes_alone_are_no_olmo(read):
    """Many codes write d_model, n_heads and n_layers."""
    sizes = {name: MODEL[name] for name in ("d_model", "n_heads", "n_layers", "max_sequence_length", "vocab_size", "mlp_ratio")}
    reading = read({"model": sizes})
    assert (reading.model_dialect, reading.shape) == (None, None)


def test_names_without_the_sizes_are_no_olmo(read):
    assert read({"model": {name: value for name, value in MODEL.items() if name != "max_sequence_length"}}).shape is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"moe_num_experts": 64}, "model.moe_num_experts=64"),
        ({"recurrent_depth": "???"}, "model.recurrent_depth cannot be read"),
        ({"model_type": "llada"}, "model.model_type is 'llada'"),
        ({"_target_": "fork.Mamba"}, "model._target_='fork.Mamba'"),
    ],
)
def test_key_that_olmo_does_not_have_is_another_model(read, changes, named):
    reading = read({"model": MODEL | changes})
    assert reading.shape is None
    assert reading.unknowns[0].reason.startswith(named)
    assert reading.unknowns[0].remedies


def test_keys_that_change_no_count_and_switches_that_are_off_do_not_matter(read):
    plain, told = (
        read({"model": MODEL}).shape,
        {"norm_after": True, "clip_qkv": 8.0, "block_group_size": 2, "use_moe": False, "extra": None},
    )
    assert read({"model": MODEL | told}).shape == plain


def test_config_json_of_a_released_model_is_read_too(read):
    assert read(MODEL | {"model_type": "hf_olmo", "architectures": ["OLMoForCausalLM"], "transformers_version": "4.36.2"}).shape is not None


def test_option_of_another_code_is_refused_with_its_key(read):
    reading = read({"model": MODEL | {"activation_type": "silu"}})
    assert reading.shape is None
    assert "activation_type=silu" in reading.impossible[0].reason
    assert "model.activation_type" in reading.impossible[0].reason


def test_length_of_training_is_the_models_and_not_assumed(read):
    """olmo/train.py asserts that a batch is as long as max_sequence_length; other lengths are those of evaluations."""
    for run in (RUN | {"stop_at": 10}, {"model": MODEL, "max_steps": 10, "global_batch_size": 4}):
        reading = read(run | {"data": {"seq_len": 77}})
        assert (reading.plan.sequence_length, reading.plan.training_tokens) == (128, 10 * 4 * 128)
        assert reading.plan.tokens_status == "exact"
