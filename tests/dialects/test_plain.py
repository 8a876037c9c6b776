"""Plain steps x batch x length."""

from __future__ import annotations

import pytest

PLAIN = {"max_steps": 100, "batch_size": 8, "seq_len": 16}


def test_without_a_word_about_devices_tokens_are_those_of_one(read):
    reading = read(PLAIN)
    assert reading.plan.training_tokens == 100 * 8 * 16
    assert reading.plan.tokens_status == "per_device"
    (unknown,) = [unknown for unknown in reading.unknowns if unknown.field == "num_devices"]
    assert "hydra.callbacks.scalecheck.assume.devices=8" in unknown.remedies


def test_world_size_multiplies_and_a_bare_batch_makes_it_a_bound(read):
    reading = read(PLAIN, environ={"WORLD_SIZE": "4"})
    assert reading.plan.training_tokens == 4 * 100 * 8 * 16
    assert reading.plan.tokens_status == "upper_bound"
    assert "batch_size is read as the batch of one device" in reading.origins["upper_bound"].because


def test_a_batch_that_is_named_after_the_device_is_exact(read):
    config = {"max_steps": 100, "per_device_batch_size": 8, "seq_len": 16}
    plan = read(config, environ={"WORLD_SIZE": "4"}).plan
    assert (plan.training_tokens, plan.tokens_status) == (4 * 100 * 8 * 16, "exact")


def test_one_device_and_no_accumulation_make_both_readings_of_a_batch_one(read):
    assert read({**PLAIN, "devices": 1}).plan.tokens_status == "exact"


def test_batch_named_after_the_device_goes_before_a_bare_one(read):
    config = {"max_steps": 100, "micro_batch_size": 2, "batch_size": 8, "seq_len": 16, "devices": 4}
    assert read(config).plan.training_tokens == 100 * 2 * 4 * 16


def test_accumulation_multiplies(read):
    assert read({**PLAIN, "gradient_accumulation_steps": 5}).plan.training_tokens == 5 * 100 * 8 * 16


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


def test_bare_steps_beside_the_accumulation_are_the_runs(read):
    """As in lingua."""
    config = {"steps": 100, "grad_acc_steps": 2, "data": {"micro_batch_size": 8, "seq_len": 16}, "devices": 1}
    assert read(config).plan.training_tokens == 100 * 2 * 8 * 16
    assert read({"sampler": {"steps": 100}, "data": {"micro_batch_size": 8, "seq_len": 16}, "devices": 1}).plan.num_steps is None


def test_world_size_goes_before_what_a_node_has(read):
    assert read({**PLAIN, "world_size": 16, "gpus_per_node": 8, "nnodes": 4}).plan.num_devices == 16


def test_devices_of_a_node_are_times_the_nodes_and_one_node_is_assumed(read):
    assert read({**PLAIN, "gpus_per_node": 8, "nnodes": 4}).plan.num_devices == 32
    reading = read({**PLAIN, "gpus_per_node": 8})
    assert (reading.plan.num_devices, reading.plan.tokens_status) == (8, "assumed")
    assert "on one node" in reading.origins["num_devices"].because
