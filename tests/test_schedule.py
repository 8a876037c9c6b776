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


def test_unknown_devices_are_said_once(read):
    reading = read({**PLAIN, "devices": 4, "num_gpus": 8})
    assert [unknown.field for unknown in reading.unknowns].count("num_devices") == 1


def test_unreadable_global_batch_is_said_once(read):
    reading = read({"train": {"global_batch_size": "???", "max_steps": 10, "batch_size": 8}, "seq_len": 16})
    assert [unknown.field for unknown in reading.unknowns] == ["total_params", "sequences_per_step"]


def test_mapped_tokens_per_step_do_not_depend_on_assumed_devices(read):
    assert read(PLAIN, assume={"devices": 1}).plan.tokens_status == "assumed"
    assert read(PLAIN, tokens_per_step=1000).plan.tokens_status == "exact"


@pytest.mark.parametrize(
    "stop", [{"max_time": "05:00:00:00"}, {"budget": 24}, {"run": {"time_limit": "6-00:00:00"}}, {"stop_after_n_steps": 50}]
)
def test_second_stop_makes_an_upper_bound_that_names_it(read, stop):
    reading = read({**PLAIN, "devices": 1, **stop})
    assert reading.plan.tokens_status == "upper_bound"
    assert next(iter(stop)).split(".")[0] in reading.origins["upper_bound"].because


@pytest.mark.parametrize("stop", [{"max_time": None}, {"max_time": -1}, {"budget": False}])
def test_second_stop_that_is_off_is_none(read, stop):
    assert read({**PLAIN, "devices": 1, **stop}).plan.tokens_status == "exact"


@pytest.mark.parametrize("padded", [{"data": {"wrap": False}}, {"data": {"packing": False}}, {"train": {"padding": "max_length"}}])
def test_padded_sequences_make_an_upper_bound(read, padded):
    reading = read({**PLAIN, "devices": 1, **padded})
    assert reading.plan.tokens_status == "upper_bound"
    assert "padding" in reading.origins["upper_bound"].because


@pytest.mark.parametrize(
    "packed", [{"data": {"wrap": True}}, {"data": {"packing": "???"}}, {"eval": {"wrap": False}}, {"padding": "do_not_pad"}]
)
def test_what_does_not_say_padding_changes_nothing(read, packed):
    assert read({**PLAIN, "devices": 1, **packed}).plan.tokens_status == "exact"


def test_devices_that_share_a_batch_make_an_upper_bound(read):
    config = {"max_steps": 100, "micro_batch_size": 8, "seq_len": 16, "devices": 8, "tensor_parallel_size": 4}
    assert read(config).plan.tokens_status == "upper_bound"
    assert read({**config, "tensor_parallel_size": 1}).plan.tokens_status == "exact"


def test_minus_one_is_no_number_of_steps_and_says_so(read):
    reading = read({**PLAIN, "max_steps": -1, "epochs": 3})
    (unknown,) = [unknown for unknown in reading.unknowns if unknown.field == "num_steps"]
    assert "max_steps is -1: no limit on the steps (epochs=3 alone does not tell" in unknown.reason
    assert not reading.impossible


def test_minus_one_beside_real_steps_does_not_count(read):
    assert read({**PLAIN, "trainer": {"max_steps": -1}}).plan.num_steps == 100


def test_length_inside_the_model_is_assumed_and_one_of_the_data_is_not(read):
    model = {"num_hidden_layers": 2, "hidden_size": 64, "max_seq_len": 32}
    inside = read({"max_steps": 100, "batch_size": 8, "devices": 1, "model": model})
    assert (inside.plan.sequence_length, inside.plan.tokens_status) == (32, "assumed")
    beside = read({**PLAIN, "devices": 1, "model": model})
    assert (beside.plan.sequence_length, beside.plan.tokens_status) == (16, "exact")


def test_one_key_that_is_not_a_number_is_impossible_not_ambiguous(read):
    reading = read({**PLAIN, "max_steps": float("nan")})
    assert [item.key for item in reading.impossible] == ["max_steps"]


@pytest.mark.parametrize("name", ["global_batch_size", "total_batch_size"])
def test_global_batch_that_may_count_tokens_is_not_multiplied_by_the_length(read, name):
    """As in build-nanogpt, whose total_batch_size of 524,288 is in tokens."""
    reading = read({name: 524_288, "max_seq_len": 1024, "max_steps": 19_073})
    assert reading.plan.training_tokens is None
    (unknown,) = [unknown for unknown in reading.unknowns if unknown.field == "sequences_per_step"]
    assert "may count tokens" in unknown.reason
    assert f"+hydra.callbacks.scalecheck.read.tokens_per_step={name}" in unknown.remedies
    told = read({name: 524_288, "max_seq_len": 1024, "max_steps": 19_073}, tokens_per_step=name).plan
    assert (told.training_tokens, told.tokens_status) == (524_288 * 19_073, "exact")


@pytest.mark.parametrize("name", ["n_accum", "num_micro_batches", "microbatches", "accumulate_over", "iter_size"])
def test_accumulation_under_a_name_that_no_dialect_reads_is_not_dropped(read, name):
    reading = read({**PLAIN, "devices": 1, name: 8})
    assert reading.plan.training_tokens is None
    assert any(f"read.gradient_accumulation={name}" in line for unknown in reading.unknowns for line in unknown.remedies)
    assert read({**PLAIN, "devices": 1, name: 1}).plan.training_tokens == 12800
    assert read({"global_batch_size": 8, "seq_len": 16, "max_steps": 100, name: 8}).plan.training_tokens == 12800


@pytest.mark.parametrize("name", ["batch_accumulation_per_replica", "grad_accumulation", "num_microbatches", "gradient-accumulation-steps"])
def test_accumulation_has_many_names(read, name):
    assert read({**PLAIN, "devices": 1, name: 4}).plan.training_tokens == 4 * 12800


@pytest.mark.parametrize(
    "parallel", [{"pipe_parallel_size": 4}, {"model-parallel-size": 2}, {"parallelism": {"tp": 2}}, {"tensor_parallel": 2}]
)
def test_model_parallelism_has_many_names(read, parallel):
    config = {"max_steps": 100, "micro_batch_size": 8, "seq_len": 16, **parallel}
    assert read(config, environ={"WORLD_SIZE": "8"}).plan.tokens_status == "upper_bound"


def test_replicas_of_the_model_are_what_multiplies_the_batch(read):
    config = {"max_steps": 100, "micro_batch_size": 8, "seq_len": 16, "parallelism": {"dp": 4, "tp": 2}}
    plan = read(config, environ={"WORLD_SIZE": "8"}).plan
    assert (plan.training_tokens, plan.tokens_status) == (4 * 12800, "exact")


@pytest.mark.parametrize(
    "stop",
    [
        {"max_time_hours": 24}, {"wall_clock_limit": "2d"}, {"trainer_max_minutes": 10}, {"batch_size_warmup_steps": 500}, {"rampup_batch_size": [1, 2]},
        {"callbacks": {"stopper": {"_target_": "lightning.pytorch.callbacks.EarlyStopping"}}}, {"callbacks": {"early_stopping": {"patience": 3}}},
    ],
    ids=str,
)  # fmt: skip
def test_other_ends_and_ramps_make_an_upper_bound(read, stop):
    assert read({**PLAIN, "devices": 1, **stop}).plan.tokens_status == "upper_bound"


@pytest.mark.parametrize(
    "other", [{"callbacks": {"early_stopping": None}}, {"max_time_hours": None}, {"scheduler": {"max_hours": 5}}, {"timeout": 30}], ids=str
)
def test_what_ends_nothing_changes_nothing(read, other):
    assert read({**PLAIN, "devices": 1, **other}).plan.tokens_status == "exact"


@pytest.mark.parametrize("value", ["auto", [1, 2], "16", "300B"])
def test_words_and_schedules_are_unknown_not_impossible(read, value):
    reading = read({"max_steps": 100, "micro_batch_size": value, "seq_len": 16, "devices": 1})
    assert reading.plan.training_tokens is None
    assert not reading.impossible
    (unknown,) = [unknown for unknown in reading.unknowns if unknown.field == "micro_batch_sequences"]
    assert unknown.remedies == {"16": ("micro_batch_size=16",), "300B": ("micro_batch_size=300000000000",)}.get(
        value if isinstance(value, str) else "", ()
    )


@pytest.mark.parametrize("unset", [-1, 0])
def test_global_batch_that_is_switched_off_is_none(read, unset):
    config = {"global_batch_size": unset, "local_batch_size": 8, "max_steps": 100, "seq_len": 16, "devices": 2}
    assert read(config).plan.training_tokens == 2 * 12800


@pytest.mark.parametrize("node", ["sampling", "generate", "rollout"])
def test_length_of_what_is_generated_is_not_the_trainings(read, node):
    config = {"max_steps": 100, "batch_size": 8, "devices": 1, node: {"max_length": 16}}
    assert read(config).plan.sequence_length is None


def test_bare_batch_of_unknown_devices_may_be_the_whole_steps_and_it_is_said(read):
    (unknown,) = [unknown for unknown in read(PLAIN).unknowns if unknown.field == "num_devices"]
    assert "if batch_size is the whole step's batch, it is D of the run" in unknown.reason
    assert "+hydra.callbacks.scalecheck.read.sequences_per_step=batch_size" in unknown.remedies


@pytest.mark.parametrize(
    "key",
    [
        {"target_batch_size": 1024}, {"eff_batch_size": 1024}, {"global_bsz": 256}, {"tokens_per_step": 1_048_576}, {"global_batch_tokens": 4096},
        {"update_freq": 16}, {"batches_per_step": 16},
    ],
    ids=str,
)  # fmt: skip
def test_batch_of_the_whole_step_under_another_name_is_not_passed_over(read, key):
    reading = read({"max_steps": 100, "micro_batch_size": 8, "seq_len": 16, "num_gpus": 4, **key})
    assert reading.plan.training_tokens is None
    assert any(f"={next(iter(key))}" in line for unknown in reading.unknowns for line in unknown.remedies)


@pytest.mark.parametrize("node", ["cosine", "wsd", "schedule", "anneal"])
def test_steps_of_a_schedules_node_are_not_the_runs(read, node):
    assert read({**PLAIN, "devices": 1, "train": {node: {"max_steps": 5000, "total_steps": 9000}}}).plan.num_steps == 100


def test_epochs_of_any_trainer_may_end_the_run_before_its_steps(read):
    assert read({**PLAIN, "devices": 1, "num_epochs": 1}).plan.tokens_status == "upper_bound"
    assert read({"global_batch_size": 8, "seq_len": 16, "max_steps": 100, "train": {"epochs": 1}}).plan.tokens_status == "upper_bound"
    assert read({**PLAIN, "devices": 1, "num_epochs": -1}).plan.tokens_status == "exact"


@pytest.mark.parametrize(
    "other",
    [
        {"patience": 3}, {"early_stop": True}, {"target_loss": 2.5}, {"stop_step": 50}, {"exit_interval": 50}, {"curriculum": {"start": 128}},
        {"seq_len_warmup_steps": 10}, {"stages": [{"steps": 5}]}, {"batch_size_schedule": {0: 128}}, {"padding": "longest"},
        {"sequence_packing": False}, {"packing": {"enabled": False}}, {"dynamic_padding": True},
    ],
    ids=str,
)  # fmt: skip
def test_what_ends_earlier_or_fills_less_makes_an_upper_bound(read, other):
    assert read({**PLAIN, "devices": 1, **other}).plan.tokens_status == "upper_bound"


@pytest.mark.parametrize("parallel", [{"tp_degree": 8}, {"sequence_parallel": 4}, {"mesh": {"data": 1, "model": 8}}])
def test_devices_that_share_a_batch_are_seen_and_excuse_a_product_that_differs(read, parallel):
    config = {"max_steps": 100, "micro_batch_size": 8, "seq_len": 16, **parallel}
    assert read(config, environ={"WORLD_SIZE": "8"}).plan.tokens_status == "upper_bound"
    train = {"global_batch_size": 64, "batch_size": 8, "gradient_accumulation_steps": 4, "devices": 8, "max_steps": 100, "seq_len": 16}
    assert read({"train": train}).impossible
    assert not read({"train": train, **parallel}).impossible


def test_large_batch_that_is_a_multiple_of_the_length_may_count_tokens(read):
    assert read({"total_batch_size": 131_072, "seq_len": 1024, "max_steps": 100}).plan.training_tokens is None
    assert read({"total_batch_size": 8192, "seq_len": 4096, "max_steps": 100}).plan.training_tokens == 8192 * 4096 * 100


def test_table_of_keys_of_one_name_is_not_read_key_by_key(read, view_of):
    table = {f"g{number}": {"max_steps": number, "seq_len": number} for number in range(900)}
    reading = read(table)
    assert any("900 keys could tell" in unknown.reason for unknown in reading.unknowns)
