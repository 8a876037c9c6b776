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


def test_lightnings_own_factors_are_compared_with_the_global_batch(read):
    trainer = {"max_steps": 100, "devices": 4, "num_nodes": 1, "accumulate_grad_batches": 2}
    data = {"seq_len": 16, "batch_size": 8}
    agreeing = read({"trainer": trainer, "data": data, "train": {"global_batch_size": 64}})
    assert (agreeing.plan.training_tokens, agreeing.plan.tokens_status) == (100 * 64 * 16, "exact")
    disagreeing = read({"trainer": trainer, "data": data, "train": {"global_batch_size": 512}})
    assert disagreeing.plan.training_tokens is None
    assert "8 x 2 x 4 = 64" in disagreeing.impossible[0].reason


def test_model_parallel_devices_are_not_taken_for_a_contradiction(read):
    model = {"micro_batch_size": 4, "global_batch_size": 2048, "tensor_model_parallel_size": 2, "seq_length": 16}
    reading = read({"model": model, "trainer": {"max_steps": 10, "devices": 8, "num_nodes": 16, "accumulate_grad_batches": 1}})
    assert reading.plan.training_tokens == 10 * 2048 * 16
    assert not reading.impossible


def test_factor_that_cannot_be_read_is_not_missed(read):
    train = {**CONFIG["train"], "micro_batch_size": 4, "gradient_accumulation_steps": "???", "devices": 8}
    reading = read({**CONFIG, "train": train})
    assert (reading.plan.training_tokens, reading.plan.tokens_status) == (100 * 512 * 16, "exact")
    assert [unknown.field for unknown in reading.unknowns] == ["total_params"]


def test_null_global_batch_is_none(read):
    train = {"global_batch_size": None, "max_steps": 10, "batch_size": 8}
    reading = read({**CONFIG, "train": train})
    assert (reading.schedule_dialect, reading.plan.training_tokens) == ("plain", 10 * 8 * 16)


def test_train_batch_beside_the_batch_of_one_device_is_global(read):
    data = {"train_batch_size": 256, "micro_batch_size_per_gpu": 4, "seq_len": 16}
    plan = read({"data": data, "max_steps": 10}, environ={"WORLD_SIZE": "8"}).plan
    assert plan.training_tokens == 10 * 256 * 16


def test_trainers_accumulation_does_not_count_where_the_code_derives_its_own(read):
    """As in NeMo: both batches in the model, and a trainer whose accumulation is left at 1."""
    model = {"micro_batch_size": 4, "global_batch_size": 512, "seq_len": 16}
    reading = read({"model": model, "trainer": {"max_steps": 10, "devices": 8, "num_nodes": 1, "accumulate_grad_batches": 1}})
    assert not reading.impossible
    assert reading.plan.training_tokens == 10 * 512 * 16
