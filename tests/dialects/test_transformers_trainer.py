"""Hugging Face TrainingArguments."""

from __future__ import annotations

import pytest

ARGUMENTS = {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 4, "max_steps": 1000, "learning_rate": 1e-4}


def config(**changes):
    return {"training": {name: value for name, value in {**ARGUMENTS, **changes}.items() if value != "absent"}, "data": {"block_size": 512}}


def test_product_over_the_world_size(read):
    reading = read(config(), environ={"WORLD_SIZE": "16"})
    assert (reading.plan.training_tokens, reading.plan.tokens_status) == (1000 * 8 * 4 * 16 * 512, "exact")
    assert reading.schedule_dialect == "transformers_trainer"


def test_without_a_world_size_tokens_are_those_of_one_device(read):
    reading = read(config())
    assert (reading.plan.training_tokens, reading.plan.tokens_status) == (1000 * 8 * 4 * 512, "per_device")


def test_accumulation_is_one_unless_it_is_set(read):
    reading = read(config(gradient_accumulation_steps="absent"), environ={"WORLD_SIZE": "1"})
    assert reading.plan.training_tokens == 1000 * 8 * 512


def test_positive_steps_override_epochs(read):
    plan = read(config(num_train_epochs=3), environ={"WORLD_SIZE": "1"}).plan
    assert (plan.num_steps, plan.tokens_status) == (1000, "exact")


@pytest.mark.parametrize("steps", [-1, "absent", None])
def test_epochs_without_the_size_of_the_dataset_are_unknown_and_said_once(read, steps):
    reading = read(config(max_steps=steps, num_train_epochs=3), environ={"WORLD_SIZE": "1"})
    assert reading.plan.training_tokens is None
    assert [unknown.field for unknown in reading.unknowns].count("num_steps") == 1
    assert any("num_train_epochs" in unknown.reason for unknown in reading.unknowns)


def test_epochs_over_a_known_dataset_are_a_bound(read):
    tree = config(max_steps=-1, num_train_epochs=2)
    tree["data"]["num_train_samples"] = 10_000
    reading = read(tree, environ={"WORLD_SIZE": "1"})
    assert (reading.plan.training_tokens, reading.plan.tokens_status) == (2 * 10_000 * 512, "upper_bound")
    assert not [unknown for unknown in reading.unknowns if unknown.field == "num_steps"]


def test_batch_that_may_shrink_is_a_bound(read):
    assert read(config(auto_find_batch_size=True), environ={"WORLD_SIZE": "1"}).plan.tokens_status == "upper_bound"


def test_two_sets_of_arguments_that_differ_are_not_chosen_from(read):
    tree = {**config(), "second": {**ARGUMENTS, "per_device_train_batch_size": 2}}
    reading = read(tree, environ={"WORLD_SIZE": "1"})
    assert reading.plan.training_tokens is None
    assert any(unknown.field == "micro_batch_sequences" for unknown in reading.unknowns)


def test_batch_name_alone_is_no_evidence(read):
    reading = read({"loader": {"per_device_train_batch_size": 8}, "max_steps": 10, "seq_len": 4}, environ={"WORLD_SIZE": "2"})
    assert reading.schedule_dialect == "plain"
