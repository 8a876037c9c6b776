"""nanoGPT: its accumulation is summed over all processes."""

from __future__ import annotations

import pytest

RUN = {"max_iters": 100, "batch_size": 12, "block_size": 1024, "gradient_accumulation_steps": 40, "lr_decay_iters": 900, "warmup_iters": 10}


def test_accumulation_has_the_devices_in_it(read):
    reading = read(RUN, environ={"WORLD_SIZE": "8"})
    assert reading.plan.training_tokens == 100 * 12 * 1024 * 40
    assert reading.plan.tokens_status == "exact"
    assert reading.schedule_dialect == "nanogpt"
    assert "nanoGPT" in reading.origins["num_devices"].because


def test_steps_of_the_learning_rate_are_not_the_runs(read):
    assert read(RUN).plan.num_steps == 100


@pytest.mark.parametrize("missing", ["lr_decay_iters", "block_size"])
def test_partial_evidence_is_not_nanogpt(read, missing):
    """Elsewhere accumulation counts one process's passes: what D then is, it is at most."""
    config = {name: value for name, value in RUN.items() if name != missing} | ({"seq_len": 1024} if missing == "block_size" else {})
    reading = read(config, environ={"WORLD_SIZE": "8"})
    assert reading.schedule_dialect == "plain"
    assert (reading.plan.training_tokens, reading.plan.tokens_status) == (100 * 12 * 1024 * 40 * 8, "upper_bound")


def test_fork_with_a_key_for_the_devices_is_not_nanogpt(read):
    assert read({**RUN, "num_gpus": 8}).schedule_dialect == "plain"
