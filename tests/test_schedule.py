"""What all schedule dialects share: picking a field, devices from the environment, hints, what is said to be missing."""

from __future__ import annotations

import pytest

PLAIN = {"max_steps": 100, "batch_size": 8, "seq_len": 16}
TRAINER = {"max_steps": 100, "devices": "auto", "accumulate_grad_batches": 1}


@pytest.mark.parametrize("world", ["\u00b2", "9" * 5000, "-1", "0", "", "8 nodes"], ids=lambda text: text[:5])
def test_world_size_that_is_no_number_is_ignored(read, world):
    config = {"trainer": TRAINER, "data": {"batch_size": 8, "seq_len": 16}}
    assert read(config, environ={"WORLD_SIZE": world}).plan.tokens_status == "per_device"


def test_candidates_of_thousands_of_digits_are_one_sentence(read):
    reading = read({"a": {"batch_size": 10**5000}, "b": {"batch_size": 2}, "max_steps": 5, "seq_len": 4})
    assert reading.plan.training_tokens is None
    assert any("a number of thousands of digits" in unknown.reason for unknown in reading.unknowns)


def test_equal_numbers_written_differently_are_one(read):
    assert read({**PLAIN, "a": {"batch_size": 8.0}}).plan.training_tokens == 12800


@pytest.mark.parametrize("hint", [{"use_fsdp": False}, {"deepspeed_config": {"stage": 1}}, {"launcher": "accelerate"}])
def test_hint_inside_a_name_or_a_value_forbids_assuming_one_device(read, hint):
    assert read({**PLAIN, **hint}).plan.tokens_status == "per_device"


def test_unknown_devices_are_said_once(read):
    reading = read({**PLAIN, "devices": 4, "num_gpus": 8})
    assert [unknown.field for unknown in reading.unknowns].count("num_devices") == 1


def test_unreadable_global_batch_is_said_once(read):
    reading = read({"train": {"global_batch_size": "???", "max_steps": 10, "batch_size": 8}, "seq_len": 16})
    assert [unknown.field for unknown in reading.unknowns] == ["total_params", "sequences_per_step"]


def test_mapped_tokens_per_step_do_not_depend_on_assumed_devices(read):
    assert read(PLAIN).plan.tokens_status == "assumed"
    assert read(PLAIN, tokens_per_step=1000).plan.tokens_status == "exact"


def test_one_key_that_is_not_a_number_is_impossible_not_ambiguous(read):
    reading = read({**PLAIN, "max_steps": float("nan")})
    assert [item.key for item in reading.impossible] == ["max_steps"]
