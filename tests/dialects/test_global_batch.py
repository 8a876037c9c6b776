"""An explicit global batch, in sequences."""

from __future__ import annotations

CONFIG = {"train": {"global_batch_size": 512, "max_steps": 100}, "data": {"seq_len": 16}}


def test_global_batch_needs_no_devices(read):
    plan = read(CONFIG).plan
    assert plan.training_tokens == 100 * 512 * 16
    assert plan.tokens_status == "exact"


def test_batch_that_disagrees_with_its_factors_is_impossible_and_not_chosen_from(read):
    train = {**CONFIG["train"], "micro_batch_size": 4, "gradient_accumulation_steps": 2, "devices": 8}
    reading = read({**CONFIG, "train": train})
    assert reading.plan.training_tokens is None
    assert "4 x 2 x 8 = 64" in reading.impossible[0].reason


def test_batch_that_agrees_with_its_factors_is_exact(read):
    train = {**CONFIG["train"], "micro_batch_size": 4, "gradient_accumulation_steps": 16, "devices": 8}
    assert read({**CONFIG, "train": train}).plan.training_tokens == 100 * 512 * 16


def test_combines_with_any_model_dialect(read):
    reading = read({**CONFIG, "model": {"n_layer": 2, "n_embd": 64, "n_head": 2, "n_positions": 16, "vocab_size": 100}})
    assert (reading.model_dialect, reading.schedule_dialect) == ("gpt2", "global_batch")
    assert reading.shape is not None
