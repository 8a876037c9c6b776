"""Plain steps x batch x length."""

from __future__ import annotations

import pytest

PLAIN = {"max_steps": 100, "batch_size": 8, "seq_len": 16}


def test_product_with_one_process_assumed_and_said(read):
    reading = read(PLAIN)
    assert reading.plan.training_tokens == 100 * 8 * 16
    assert reading.plan.tokens_status == "assumed"
    assert "one process" in reading.origins["num_devices"].because


def test_world_size_multiplies(read):
    plan = read(PLAIN, environ={"WORLD_SIZE": "4"}).plan
    assert plan.training_tokens == 4 * 100 * 8 * 16
    assert plan.tokens_status == "exact"


@pytest.mark.parametrize("hint", [{"fsdp": {"enabled": True}}, {"trainer": {"strategy": "ddp"}}, {"num_nodes": None}])
def test_a_hint_at_several_devices_forbids_assuming_one(read, hint):
    assert read({**PLAIN, **hint}).plan.tokens_status == "per_device"


def test_accumulation_multiplies(read):
    assert read({**PLAIN, "gradient_accumulation_steps": 5}).plan.training_tokens == 5 * 100 * 8 * 16


def test_nanogpts_accumulation_has_the_devices_in_it(read):
    config = {"max_iters": 100, "batch_size": 12, "block_size": 1024, "gradient_accumulation_steps": 40}
    reading = read(config, environ={"WORLD_SIZE": "8"})
    assert reading.plan.training_tokens == 100 * 12 * 1024 * 40
    assert "nanoGPT" in reading.origins["num_devices"].because


def test_different_values_of_a_field_are_not_chosen_from(read):
    reading = read({"data": {"batch_size": 8}, "loader": {"batch_size": 16}, "max_steps": 100, "seq_len": 16})
    assert reading.plan.training_tokens is None
    (unknown,) = [unknown for unknown in reading.unknowns if unknown.field == "micro_batch_sequences"]
    assert "+hydra.callbacks.scalecheck.read.micro_batch_sequences=loader.batch_size" in unknown.remedies


def test_equal_values_of_a_field_are_one(read):
    assert read({"data": {"batch_size": 8}, "loader": {"batch_size": 8}, "max_steps": 100, "seq_len": 16}).plan.training_tokens == 12800


@pytest.mark.parametrize("aside", ["eval", "val_loader", "test", "optimizer", "callbacks"])
def test_what_is_about_something_else_is_left_out(read, aside):
    assert read({**PLAIN, aside: {"batch_size": 999, "max_steps": 999}}).plan.training_tokens == 12800


def test_models_context_is_assumed_as_length_where_no_other_is_set(read):
    model = {"n_layer": 2, "n_embd": 64, "n_head": 2, "n_positions": 32, "vocab_size": 100}
    reading = read({"model": model, "max_steps": 100, "batch_size": 8})
    assert reading.plan.sequence_length == 32
    assert reading.origins["sequence_length"].assumed


def test_nothing_known_is_one_unknown_not_ten(read):
    reading = read({"lr": 0.1, "path": "x"})
    assert sorted(unknown.field for unknown in reading.unknowns) == ["total_params", "training_tokens"]


def test_world_size_of_the_config_counts_all_nodes_already(read):
    assert read({**PLAIN, "world_size": 16, "nnodes": 2}).plan.num_devices == 16


def test_device_counts_that_differ_are_not_chosen_from(read):
    reading = read({**PLAIN, "devices": 4, "num_gpus": 8})
    assert reading.plan.tokens_status == "per_device"
    assert any("devices=4, num_gpus=8" in unknown.reason for unknown in reading.unknowns)
