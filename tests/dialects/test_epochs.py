"""Epochs over a dataset of known size."""

from __future__ import annotations

TRAINER = {"max_epochs": 10, "devices": 4, "accumulate_grad_batches": 3, "num_nodes": 1}


def test_epochs_times_sequences_is_a_bound_whatever_the_batch(read):
    reading = read({"trainer": TRAINER, "data": {"num_train_samples": 5000, "seq_len": 128}})
    assert (reading.plan.training_tokens, reading.plan.tokens_status) == (10 * 5000 * 128, "upper_bound")
    assert reading.plan.epochs == 10
    assert "10 epochs (trainer.max_epochs) x 5,000 sequences" in reading.origins["training_tokens"].because


def test_steps_of_an_epoch_take_the_accumulation(read):
    data = {"batch_size_per_device": 2, "seq_len": 128, "steps_per_epoch": 7}
    plan = read({"trainer": TRAINER, "data": data}).plan
    assert (plan.num_steps, plan.training_tokens, plan.tokens_status) == (70, 70 * 2 * 3 * 4 * 128, "exact")


def test_batches_of_an_epoch_are_forward_passes(read):
    """7 batches at 3 a step are 3 steps an epoch, of which the last takes one batch."""
    data = {"batch_size_per_device": 2, "seq_len": 128, "num_batches_per_epoch": 7}
    plan = read({"trainer": TRAINER, "data": data}).plan
    assert (plan.num_steps, plan.training_tokens, plan.tokens_status) == (30, 30 * 2 * 3 * 4 * 128, "upper_bound")


def test_global_batch_goes_before_the_devices(read):
    data = {"global_batch_size": 64, "batch_size": 2, "seq_len": 128, "steps_per_epoch": 7}
    assert read({"trainer": TRAINER, "data": data}).plan.training_tokens == 70 * 64 * 128


def test_steps_of_the_run_go_before_epochs(read):
    config = {"trainer": {**TRAINER, "max_steps": 50}, "data": {"num_train_samples": 10**6, "seq_len": 128, "batch_size_per_device": 2}}
    assert read(config).plan.num_steps == 50


def test_unknown_length_is_said(read):
    reading = read({"trainer": TRAINER, "data": {"num_train_samples": 5000}})
    assert reading.plan.training_tokens is None
    assert any(unknown.field == "sequence_length" for unknown in reading.unknowns)
