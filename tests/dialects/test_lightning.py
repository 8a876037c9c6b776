"""Lightning's trainer: D = steps x devices x nodes x accumulation x batch x length."""

from __future__ import annotations

import pytest

TRAINER = {"_target_": "lightning.Trainer", "max_steps": 100, "devices": 4, "num_nodes": 2, "accumulate_grad_batches": 3}
DATA = {"batch_size": 8, "seq_len": 16}


def test_tokens_are_the_product_of_all_factors(read):
    plan = read({"trainer": TRAINER, "data": {"batch_size_per_device": 8, "seq_len": 16}}).plan
    assert plan.training_tokens == 100 * 4 * 2 * 3 * 8 * 16
    assert plan.tokens_status == "exact"
    assert plan.num_devices == 8


def test_bare_batch_is_assumed_to_be_that_of_one_device(read):
    reading = read({"trainer": TRAINER, "data": DATA})
    assert reading.plan.training_tokens == 100 * 4 * 2 * 3 * 8 * 16
    assert reading.plan.tokens_status == "assumed"
    assert "data.batch_size is read as the batch of one device" in reading.origins["micro_batch_sequences"].because


def test_bare_batch_on_one_device_is_exact(read):
    trainer = {**TRAINER, "devices": 1, "num_nodes": 1, "accumulate_grad_batches": 1}
    assert read({"trainer": trainer, "data": DATA}).plan.tokens_status == "exact"


def test_epochs_beside_steps_may_end_the_run_first(read):
    reading = read({"trainer": {**TRAINER, "max_epochs": 3}, "data": {"batch_size_per_device": 8, "seq_len": 16}})
    assert reading.plan.tokens_status == "upper_bound"
    assert "trainer.max_epochs=3 may end the run before 100 steps" in reading.origins["upper_bound"].because


@pytest.mark.parametrize(("sequences", "steps"), [(10**6, 100), (100, 3)])
def test_epochs_over_a_known_dataset_end_the_run_where_they_do(read, sequences, steps):
    """One step takes 4 x 2 x 3 x 8 = 192 sequences."""
    plan = read({"trainer": {**TRAINER, "max_epochs": 3}, "data": {**DATA, "num_train_samples": sequences}}).plan
    assert (plan.num_steps, plan.tokens_status) == (steps, "assumed")


@pytest.mark.parametrize(("devices", "count"), [([0, 1, 2], 3), ("0,1", 2), (1, 1), ("2", 2)])
def test_spellings_of_devices(read, devices, count):
    assert read({"trainer": {**TRAINER, "devices": devices, "num_nodes": 1}, "data": DATA}).plan.num_devices == count


@pytest.mark.parametrize("devices", ["auto", -1, 0, "???"])
def test_untold_devices_leave_tokens_per_device(read, devices):
    reading = read({"trainer": {**TRAINER, "devices": devices}, "data": DATA})
    assert reading.plan.tokens_status == "per_device"
    assert "hydra.callbacks.scalecheck.assume.devices=8" in [line for unknown in reading.unknowns for line in unknown.remedies]


def test_world_size_of_the_environment_tells_auto_devices(read):
    reading = read({"trainer": {**TRAINER, "devices": "auto"}, "data": DATA}, environ={"WORLD_SIZE": "16"})
    assert reading.plan.num_devices == 16
    assert "WORLD_SIZE" in reading.origins["num_devices"].because


def test_assumed_devices_are_marked(read):
    reading = read({"trainer": {**TRAINER, "devices": "auto"}, "data": DATA}, assume={"devices": 8})
    assert reading.plan.tokens_status == "assumed"
    assert reading.origins["num_devices"].assumed


def test_unlimited_steps_are_unknown(read):
    reading = read({"trainer": {**TRAINER, "max_steps": -1}, "data": DATA})
    assert reading.plan.training_tokens is None
    assert "no limit" in reading.unknowns[0].reason or any("no limit" in unknown.reason for unknown in reading.unknowns)


def test_epochs_alone_do_not_tell_tokens_and_it_is_said(read):
    reading = read({"trainer": {**TRAINER, "max_steps": None, "max_epochs": 3}, "data": DATA})
    assert reading.plan.training_tokens is None
    assert any("trainer.max_epochs" in unknown.reason for unknown in reading.unknowns)


def test_time_limit_makes_an_upper_bound(read):
    trainer, data = {**TRAINER, "max_time": "05:00:00:00"}, {"batch_size_per_device": 8, "seq_len": 16}
    assert read({"trainer": trainer, "data": data}).plan.tokens_status == "upper_bound"
    # A bound on what is assumed, here what a bare batch_size means, is none.
    assert read({"trainer": trainer, "data": DATA}).plan.tokens_status == "assumed"


def test_steps_of_a_scheduler_are_not_the_runs(read):
    assert read({"trainer": TRAINER, "data": DATA, "scheduler": {"max_steps": 9999}}).plan.num_steps == 100


@pytest.mark.parametrize("accumulation", ["???", 0, "two", {0: 4}])
def test_accumulation_that_cannot_be_read_is_never_taken_for_one(read, accumulation):
    reading = read({"trainer": {**TRAINER, "accumulate_grad_batches": accumulation}, "data": DATA})
    assert reading.plan.training_tokens is None
    noted = [item.field for item in (*reading.unknowns, *reading.impossible) if item.field != "total_params"]
    assert noted == ["gradient_accumulation"]


@pytest.mark.parametrize("nodes", ["many", -1, "???"])
def test_nodes_that_are_no_number_are_not_one_node(read, nodes):
    reading = read({"trainer": {**TRAINER, "num_nodes": nodes}, "data": DATA})
    assert reading.plan.tokens_status == "per_device"
    assert any("trainer.num_nodes" in item.reason for item in (*reading.unknowns, *reading.impossible))


def test_trainers_that_differ_are_not_chosen_from(read):
    reading = read({"trainer": TRAINER, "finetuning": {**TRAINER, "max_steps": 7}, "data": DATA})
    assert reading.plan.training_tokens is None
    lines = [line for unknown in reading.unknowns for line in unknown.remedies]
    assert "+hydra.callbacks.scalecheck.read.num_steps=finetuning.max_steps" in lines


def test_trainer_for_evaluation_is_left_out(read):
    assert read({"test_trainer": {**TRAINER, "max_steps": 7, "devices": 1}, "trainer": TRAINER, "data": DATA}).plan.num_devices == 8


@pytest.mark.parametrize(("hint", "status"), [(10**9, "exact"), (10**4, "upper_bound")])
def test_hint_at_the_dataset_is_no_size_but_an_ample_one_leaves_the_steps_the_end(read, hint, status):
    """100 steps of 8 sequences; 3 epochs of a hint that is ten times as long are surely longer."""
    trainer = {**TRAINER, "devices": 1, "num_nodes": 1, "accumulate_grad_batches": 1, "max_epochs": 3, "max_steps": 100_000}
    plan = read({"trainer": trainer, "data": {**DATA, "__train_len": hint}}).plan
    assert (plan.num_steps, plan.tokens_status) == (100_000, status)
