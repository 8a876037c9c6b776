from __future__ import annotations

import pytest

BASE = {
    "mode": "pt",
    "model": {"klass": "local_t5", "name": "acme/none", "random_init": True},
    "data": {"input_length": 512, "mlm_probability": 0.15, "mean_noise_span_length": 3.0},
    "optim": {"name": "adamwscale", "base_lr": 2e-2, "batch_size": 256, "total_steps": 79998, "epochs": -1, "grad_acc": 2},
}


def changed(**groups):
    return {**BASE, **{name: {**BASE[name], **group} for name, group in groups.items()}}


def test_the_batch_holds_the_accumulation_already(read):
    """pt_24h of the repo on one GPU: 79,998 updates of 256 sequences."""
    reading = read(BASE, num_devices=1)
    assert (reading.schedule_dialect, reading.plan.training_tokens, reading.plan.tokens_status) == ("nanot5", 10_485_497_856, "exact")
    assert (reading.plan.micro_batch_sequences, reading.plan.gradient_accumulation) == (128, 2)
    assert "holds already" in reading.origins["micro_batch_sequences"].because


def test_every_process_takes_such_a_batch(read):
    assert read(BASE).plan.tokens_status == "per_device"
    assert read(BASE, environ={"WORLD_SIZE": "4"}).plan.training_tokens == 4 * 10_485_497_856


def test_epochs_overwrite_the_steps(read):
    reading = read(changed(optim={"epochs": 2}))
    assert reading.plan.training_tokens is None
    assert "overwrites optim.total_steps" in next(unknown.reason for unknown in reading.unknowns if unknown.field == "num_steps")
    assert read(changed(optim={"epochs": 2}), num_steps=10).plan.num_steps == 10


def test_a_batch_that_the_accumulation_does_not_divide_is_impossible(read):
    reading = read(changed(optim={"grad_acc": 3}))
    assert reading.plan.training_tokens is None
    assert "not a multiple" in reading.impossible[0].reason


def test_fine_tuning_pads_to_the_longest_and_is_bounded_by_it(read):
    plan = read(changed(data={"max_seq_len": 1024}), num_devices=1).plan
    assert (plan.sequence_length, plan.tokens_status) == (1024, "upper_bound")


@pytest.mark.parametrize("broken", [{"batch_size": "???"}, {"batch_size": None}, {"grad_acc": 0}, {"grad_acc": None}, {"total_steps": "x"}])
def test_what_cannot_be_read_makes_the_tokens_unknown(read, broken):
    reading = read(changed(optim=broken))
    assert reading.schedule_dialect == "nanot5"
    assert reading.plan.training_tokens is None


def test_a_prefix_and_a_config_that_only_looks_alike(read):
    assert read({"job": BASE}, num_devices=1).plan.training_tokens == 10_485_497_856
    optim = {"total_steps": 10, "batch_size": 2, "grad_acc": 1}
    others = [{"optim": optim, "data": {"input_length": 8}}, {"optim": optim | {"grad_clip": 1.0}, "data": {"seq_len": 8}}]
    assert "nanot5" not in [read(other).schedule_dialect for other in others]
