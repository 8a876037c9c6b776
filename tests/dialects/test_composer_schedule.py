"""Durations with a unit, as Composer and OLMo write them."""

from __future__ import annotations

import pytest

FOUNDRY = {
    "max_seq_len": 128,
    "train_loader": {"name": "text", "dataset": {"max_seq_len": 128}, "drop_last": True},
    "eval_loader": {"dataset": {"max_seq_len": 64}},
    "max_duration": "4800ba",
    "eval_interval": "500ba",
    "global_train_batch_size": 256,
    "device_train_microbatch_size": "auto",
}
OLMO = {
    "model": {"d_model": 64, "n_heads": 4, "n_layers": 2, "max_sequence_length": 128},
    "max_duration": "1ep",
    "global_train_batch_size": 4,
    "device_train_microbatch_size": 1,
    "scheduler": {"units": "tokens", "t_max": 5e12, "t_warmup": 8_388_608_000},
}
STEP = 4 * 128


def told(reading):
    return reading.plan.num_steps, reading.plan.training_tokens, reading.plan.tokens_status


def bound(reading):
    return reading.origins["upper_bound"].because


def unknown_steps(reading):
    (unknown,) = [unknown for unknown in reading.unknowns if unknown.field == "num_steps"]
    return unknown


@pytest.mark.parametrize("duration", ["4800ba", "4800BA", "4.8e3ba", "4_800ba"])
def test_batches_are_steps_of_all_devices(read, duration):
    reading = read(FOUNDRY | {"max_duration": duration})
    assert told(reading) == (4800, 4800 * 256 * 128, "exact")
    assert reading.schedule_dialect == "composer"
    assert reading.origins["num_steps"].key == "max_duration"


@pytest.mark.parametrize("duration", ["300e9tok", "300_000_000_000tok", "3E11TOK"])
def test_tokens_are_told_as_such(read, duration):
    reading = read(FOUNDRY | {"max_duration": duration})
    assert (reading.plan.training_tokens, reading.plan.tokens_status) == (300_000_000_000, "exact")


def test_sequences_are_steps_rounded_up_to_a_batch(read):
    assert told(read(FOUNDRY | {"max_duration": "1000sp"})) == (4, 4 * 256 * 128, "exact")


def test_sequences_without_a_batch_are_tokens_that_the_last_step_may_exceed(read):
    config = {"max_seq_len": 128, "max_duration": "1000sp"}
    assert told(read(config)) == (None, 128_000, "assumed")


@pytest.mark.parametrize("duration", ["2ep", 2])
def test_epochs_do_not_tell_tokens_and_a_bare_number_is_epochs(read, duration):
    reading = read(FOUNDRY | {"max_duration": duration})
    assert told(reading) == (None, None, "unknown")
    assert reading.plan.epochs == 2.0
    unknown = unknown_steps(reading)
    assert unknown.key == "max_duration"
    assert unknown.remedies[0] == "max_duration=100000ba"


@pytest.mark.parametrize(("drop_last", "steps", "status"), [(True, 6, "exact"), (False, 8, "upper_bound")])
def test_epochs_over_a_dataset_of_known_size_are_steps(read, drop_last, steps, status):
    loader = {"name": "text", "dataset": {"max_seq_len": 128, "epoch_size": 800}, "drop_last": drop_last}
    assert told(read(FOUNDRY | {"max_duration": "2ep", "train_loader": loader})) == (steps, steps * 256 * 128, status)


def test_batches_that_cut_an_epoch_short_bound_it(read):
    reading = read(FOUNDRY | {"max_duration": "2ep", "train_subset_num_batches": 50})
    assert told(reading) == (100, 100 * 256 * 128, "upper_bound")
    assert "train_subset_num_batches=50" in bound(reading)
    assert told(read(FOUNDRY | {"max_duration": "2ep", "train_subset_num_batches": -1}))[0] is None


@pytest.mark.parametrize("duration", ["10h", "1h30m", "500s", "3600sec", "02:00:00", "0.5dur", "10iter"])
def test_what_is_no_number_of_steps_is_said_to_be(read, duration):
    reading = read(FOUNDRY | {"max_duration": duration})
    assert told(reading) == (None, None, "unknown")
    assert f"max_duration={duration}" in unknown_steps(reading).reason


@pytest.mark.parametrize("duration", ["many", "1.5ba", "-3ba", "0ba", "nanba", "1e999tok", "24800", 0, 10**400, [1]])
def test_what_is_no_duration_is_one_sentence(read, duration):
    reading = read(FOUNDRY | {"max_duration": duration})
    assert told(reading) == (None, None, "unknown")
    assert [(wrong.field, wrong.key) for wrong in reading.impossible] == [("num_steps", "max_duration")]
    assert len(reading.impossible[0].reason) < 200


def test_duration_that_cannot_be_read_is_unknown(read):
    assert "max_duration cannot be read (it is ???)" in unknown_steps(read(FOUNDRY | {"max_duration": "???"})).reason


def test_ratio_that_scales_the_duration_is_not_passed_over(read):
    assert "scale_schedule_ratio=0.5" in unknown_steps(read(FOUNDRY | {"scale_schedule_ratio": 0.5})).reason
    assert told(read(FOUNDRY | {"scale_schedule_ratio": 1.0}))[0] == 4800


def test_two_durations_that_differ_are_not_chosen_from(read):
    reading = read(FOUNDRY | {"stage": {"max_duration": "10ba"}})
    assert told(reading)[0] is None
    assert "max_duration='4800ba', stage.max_duration='10ba'" in unknown_steps(reading).reason


@pytest.mark.parametrize("config", [{"max_duration": 16.7}, {"max_duration": 20}, {"max_duration": "10h"}])
def test_longest_recording_of_a_speech_dataset_is_no_duration_of_a_run(read, config):
    assert read({"train_ds": config | {"batch_size": 8}}).schedule_dialect != "composer"


def test_sequences_that_need_not_be_full_make_a_bound(read):
    loader = FOUNDRY["train_loader"] | {"name": "finetuning"}
    reading = read(FOUNDRY | {"train_loader": loader})
    assert told(reading) == (4800, 4800 * 256 * 128, "upper_bound")
    assert "train_loader.name is finetuning" in bound(reading)
    packing = read(FOUNDRY | {"train_loader": {"dataset": {"max_seq_len": 128}, "sequence_packing": True}})
    assert packing.plan.tokens_status == "upper_bound"


def test_a_callback_that_stops_early_makes_a_bound(read):
    reading = read(FOUNDRY | {"callbacks": {"early_stopper": {"monitor": "loss"}, "lr_monitor": {}}})
    assert reading.plan.tokens_status == "upper_bound"
    assert "callbacks.early_stopper" in bound(reading)


def test_length_is_that_of_the_training_data(read):
    loader = {"name": "text", "dataset": {"max_seq_len": 100}}
    assert read(FOUNDRY | {"train_loader": loader}).plan.sequence_length == 100


def test_batch_that_may_be_one_devices_or_all_devices_is_not_chosen(read):
    """mosaicml/diffusion divides dataset.train_batch_size by the devices, other trainers do not."""
    trainer = {"_target_": "composer.Trainer", "max_duration": "100ba", "device_train_microbatch_size": 4}
    reading = read({"trainer": trainer, "dataset": {"train_batch_size": 2048, "seq_len": 128}})
    assert reading.plan.training_tokens is None
    (unknown,) = [unknown for unknown in reading.unknowns if unknown.field == "sequences_per_step"]
    assert unknown.key == "dataset.train_batch_size"
    assert unknown.remedies[1].endswith("read.sequences_per_step=dataset.train_batch_size")


def test_batch_of_one_forward_pass_tells_no_step(read):
    reading = read({"max_seq_len": 128, "max_duration": "100ba", "device_train_microbatch_size": 4}, environ={"WORLD_SIZE": "8"})
    assert reading.plan.training_tokens is None
    assert reading.unknowns[-1].key == "device_train_microbatch_size"


def test_batch_of_one_device_needs_the_devices(read):
    config = {"max_seq_len": 128, "max_duration": "10ba", "device_train_batch_size": 4}
    assert told(read(config)) == (10, 10 * 4 * 128, "per_device")
    assert told(read(config, environ={"WORLD_SIZE": "8"})) == (10, 10 * 32 * 128, "exact")


def test_mapping_wins_over_durations(read):
    assert told(read(FOUNDRY, num_steps=7)) == (7, 7 * 256 * 128, "exact")
    assert told(read(OLMO | {"max_duration": 1000}, num_steps=7)) == (7, 7 * STEP, "exact")
    assert read(FOUNDRY | {"max_duration": "2ep"}, num_steps=7).unknowns == read(FOUNDRY).unknowns


def test_olmos_epoch_is_unknown_and_its_schedule_is_no_duration(read):
    reading = read(OLMO)
    assert told(reading) == (None, None, "unknown")
    assert unknown_steps(reading).remedies[0] == "max_duration=100000"


@pytest.mark.parametrize("stops", [{"stop_at": 1000}, {"stop_after": 1000}, {"stop_at": 2000, "stop_after": 1000}])
def test_olmo_stops_at_a_step_unless_the_epochs_end_first(read, stops):
    """``Trainer.fit`` leaves its loop over epochs at stop_at; configs/tiny/OLMo-20M.yaml has one beside ``1ep``."""
    reading = read(OLMO | stops)
    assert told(reading) == (1000, 1000 * STEP, "upper_bound")
    assert "max_duration=1ep may end the run before stop_a" in bound(reading)


@pytest.mark.parametrize("duration", [1000, "1000", "1e3", f"{1000 * STEP}T", f"{999 * STEP + 1}T"])
def test_olmo_takes_steps_and_tokens_and_goes_on_for_ten_steps(read, duration):
    """A run of ``4e12T`` in steps of 512 x 4096 tokens ended at step 1,907,359: allenai/OLMo, configs/official-0425, stage2's load_path."""
    reading = read(OLMO | {"max_duration": duration})
    assert told(reading) == (1010, 1010 * STEP, "upper_bound")
    assert "10 steps after max_duration" in bound(reading)


def test_olmo2_1b_ended_where_the_arithmetic_says(read):
    model = OLMO["model"] | {"max_sequence_length": 4096}
    assert told(read(OLMO | {"model": model, "max_duration": "4e12T", "global_train_batch_size": 512}))[0] == 1_907_359


def test_olmos_stop_within_the_duration_is_exact(read):
    assert told(read(OLMO | {"max_duration": 1000, "stop_at": 1000})) == (1000, 1000 * STEP, "exact")
    assert told(read(OLMO | {"max_duration": "1e9T", "stop_at": 1000})) == (1000, 1000 * STEP, "exact")


def test_olmos_stop_beyond_the_duration_holds_if_the_data_lasts(read):
    reading = read(OLMO | {"max_duration": 1000, "stop_at": 1010})
    assert told(reading) == (1010, 1010 * STEP, "upper_bound")
    assert "the data may end after 1,000 steps" in bound(reading)


def test_olmos_other_stops_make_a_bound(read):
    for stop in ({"time_limit": 171000.0}, {"early_stopping_factor": 1.5}):
        reading = read(OLMO | {"max_duration": 1000, "stop_at": 900} | stop)
        assert told(reading) == (900, 900 * STEP, "upper_bound")
        assert next(iter(stop)) in bound(reading)


def test_olmos_batch_that_is_not_set_is_the_codes_own(read):
    config = {name: value for name, value in OLMO.items() if name != "global_train_batch_size"}
    assert told(read(config | {"max_duration": 1000, "stop_at": 10})) == (10, 10 * 512 * 128, "exact")


def test_composers_batches_are_no_duration_to_olmo(read):
    reading = read(OLMO | {"max_duration": "24800ba"})
    assert "2e12T (tokens)" in reading.impossible[0].reason
