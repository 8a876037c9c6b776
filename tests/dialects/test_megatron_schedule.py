"""Megatron's schedule, in NeMo's words and in Megatron-LM's."""

from __future__ import annotations

import pytest

MODEL = {
    "micro_batch_size": 4, "global_batch_size": 2048, "rampup_batch_size": None, "tensor_model_parallel_size": 1,
    "pipeline_model_parallel_size": 1, "context_parallel_size": 1, "megatron_amp_O2": True, "encoder_seq_length": 2048,
    "data": {"seq_length": 2048},
}  # fmt: skip
TRAINER = {"devices": 8, "num_nodes": 16, "max_steps": 75000, "max_epochs": None, "accumulate_grad_batches": 1}
ARGUMENTS = {"micro_batch_size": 1, "global_batch_size": 16, "seq_length": 1024, "train_iters": 1000}


def nemo(model=None, trainer=None, **beside):
    return {"trainer": {**TRAINER, **(trainer or {})}, "model": {**MODEL, **(model or {})}, **beside}


def test_global_batch_counts_the_whole_job_and_accumulation_says_nothing(read):
    reading = read(nemo())
    plan = reading.plan
    assert (reading.schedule_dialect, plan.tokens_status) == ("megatron", "exact")
    assert plan.training_tokens == 75000 * 2048 * 2048
    assert (plan.num_devices, plan.gradient_accumulation) == (128, 4)
    assert not reading.impossible


def test_run_is_read_under_a_prefix(read):
    assert read({"training": nemo()}).plan.training_tokens == 75000 * 2048 * 2048


def test_data_is_cut_to_its_own_length_whatever_the_model_can_take(read):
    reading = read(nemo({"data": {"seq_length": 512}, "max_position_embeddings": 32768}))
    assert (reading.plan.sequence_length, reading.origins["sequence_length"].key) == (512, "model.data.seq_length")


def test_length_of_the_model_tells_where_the_datas_is_missing(read):
    assert read(nemo({"data": {}})).plan.sequence_length == 2048
    reading = read(nemo({"data": {}, "seq_length": 512}))
    assert reading.plan.sequence_length is None
    assert "model.encoder_seq_length=2048, model.seq_length=512" in reading.unknowns[-1].reason


def test_encoder_decoder_counts_what_the_encoder_reads_and_says_what_comes_on_top(read):
    reading = read(nemo({"data": {"seq_length": 512, "seq_length_dec": 128}}))
    assert reading.plan.training_tokens == 75000 * 2048 * 512
    assert "model.data.seq_length_dec 128" in reading.origins["sequence_length"].because


@pytest.mark.parametrize(
    ("where", "change"),
    [("trainer", {"max_time": "05:23:30:00"}), ("exp_manager", {"max_time_per_run": "00:04:00:00"}), ("run", {"time_limit": "0-04:00:00"})],
)
def test_limit_of_time_makes_it_an_upper_bound(read, where, change):
    config = nemo(trainer=change) if where == "trainer" else nemo(**{where: change})
    reading = read(config)
    assert reading.plan.tokens_status == "upper_bound"
    assert next(iter(change)) in reading.origins["upper_bound"].because


def test_smaller_batches_at_first_make_it_an_upper_bound(read):
    reading = read(nemo({"rampup_batch_size": [256, 128, 50000000]}))
    assert reading.plan.tokens_status == "upper_bound"
    assert "model.rampup_batch_size" in reading.origins["upper_bound"].because


@pytest.mark.parametrize("value", [-1, None])
def test_run_without_a_limit_on_its_steps_is_unknown(read, value):
    reading = read(nemo(trainer={"max_steps": value}))
    assert reading.plan.training_tokens is None
    assert [unknown.key for unknown in reading.unknowns if unknown.field == "num_steps"] == ["trainer.max_steps"]


@pytest.mark.parametrize(
    ("model", "trainer", "field", "said"),
    [
        ({"micro_batch_size": 3}, {}, "sequences_per_step", "2048 is no multiple of micro_batch_size 3 x 128"),
        ({"global_batch_size": 100}, {}, "sequences_per_step", "4 x 128 replicas"),
        ({"tensor_model_parallel_size": 3}, {}, "num_devices", "tensor_model_parallel_size 3 = 3"),
        ({}, {"accumulate_grad_batches": 2}, "gradient_accumulation", "accumulate_grad_batches is 2"),
    ],
)
def test_batch_that_the_devices_cannot_make_is_impossible(read, model, trainer, field, said):
    (wrong,) = [item for item in read(nemo(model, trainer)).impossible if item.field == field]
    assert said in wrong.reason


def test_devices_that_share_a_model_are_one_replica(read):
    shared = {"tensor_model_parallel_size": 8, "pipeline_model_parallel_size": 16, "global_batch_size": 4}
    reading = read(nemo(shared))
    assert not reading.impossible
    assert reading.plan.sequences_per_step == 4
    assert read(nemo(shared | {"context_parallel_size": 2})).impossible


def test_devices_that_are_only_assumed_prove_nothing(read):
    reading = read(nemo({"global_batch_size": 100}, {"devices": "auto", "num_nodes": 1}), assume={"devices": 7})
    assert not reading.impossible
    assert reading.plan.tokens_status == "exact"


def test_mapping_wins(read):
    plan = read(nemo({"global_batch_size": 100}), sequences_per_step=128, num_steps=10).plan
    assert plan.training_tokens == 10 * 128 * 2048


def test_fine_tuning_takes_the_batches_of_its_dataset_and_accumulates_by_itself(read):
    dataset = {"global_batch_size": 128, "micro_batch_size": 1, "max_seq_length": 1024}
    reading = read(nemo({"data": {"train_ds": dataset}, "global_batch_size": None}, {"devices": 1, "num_nodes": 1}))
    assert not reading.impossible
    assert reading.plan.training_tokens == 75000 * 128 * 1024
    assert "model.data.train_ds.max_seq_length" in reading.origins["upper_bound"].because


@pytest.mark.parametrize("name", ["patch_dim", "mm_cfg"])
def test_patches_of_an_image_model_are_not_counted_as_tokens(read, name):
    reading = read(nemo({name: 16}))
    assert not reading.impossible
    assert reading.plan.training_tokens is None
    assert f"model.{name}" in next(unknown.reason for unknown in reading.unknowns if unknown.field == "sequence_length")


def test_two_runs_in_one_config_are_unknown(read):
    reading = read({"first": nemo(), "second": nemo()})
    assert reading.plan.training_tokens is None
    assert "first.model, second.model" in next(unknown.reason for unknown in reading.unknowns if unknown.field == "training_tokens")


def test_iterations_of_megatron_are_steps(read):
    reading = read({"train": {"model": ARGUMENTS}})
    assert (reading.schedule_dialect, reading.plan.training_tokens) == ("megatron", 1000 * 16 * 1024)
    assert reading.plan.tokens_status == "exact"


def test_samples_make_whole_batches(read):
    reading = read({"model": {**ARGUMENTS, "train_iters": None, "train_samples": 1000}})
    assert (reading.plan.num_steps, reading.plan.training_tokens) == (62, 62 * 16 * 1024)
    assert reading.plan.tokens_status == "exact"


def test_samples_with_smaller_batches_at_first_are_a_bound(read):
    reading = read({"model": {**ARGUMENTS, "train_iters": None, "train_samples": 1000, "rampup_batch_size": [4, 4, 100]}})
    assert (reading.plan.training_tokens, reading.plan.tokens_status) == (1000 * 1024, "upper_bound")


def test_both_ends_at_once_are_not_chosen_from(read):
    reading = read({"model": {**ARGUMENTS, "train_samples": 1000}})
    assert reading.plan.training_tokens is None
    assert "model.train_samples" in reading.unknowns[-1].reason


def test_fewer_samples_than_a_batch_are_impossible(read):
    assert read({"model": {**ARGUMENTS, "train_iters": None, "train_samples": 15}}).impossible[0].key == "model.train_samples"


@pytest.mark.parametrize("change", [{"exit_interval": 500}, {"exit_duration_in_mins": 230}], ids=lambda value: next(iter(value)))
def test_early_exit_makes_it_an_upper_bound(read, change):
    assert read({"model": {**ARGUMENTS, **change}}).plan.tokens_status == "upper_bound"


def test_processes_of_the_runner_and_parallelism_beside_the_model_are_compared(read):
    runner = {"experiment": {"runner": {"nnodes": 1, "nproc_per_node": 8}}}
    spread = {"train": {"system": {"tensor_model_parallel_size": 2}, "model": {**ARGUMENTS, "micro_batch_size": 5}}}
    reading = read({**runner, **spread})
    assert "5 x 4 replicas" in reading.impossible[0].reason
    spread["train"]["model"]["micro_batch_size"] = 4
    assert not read({**runner, **spread}).impossible


@pytest.mark.parametrize("value", [0, -4, "many", True, 2.5, [1], "???"], ids=str)
@pytest.mark.parametrize("name", ["global_batch_size", "micro_batch_size"])
def test_impossible_batches_are_one_sentence(read, name, value):
    reading = read(nemo({name: value}))
    told = [*reading.impossible, *reading.unknowns]
    assert any(f"model.{name}" in item.reason for item in told)
