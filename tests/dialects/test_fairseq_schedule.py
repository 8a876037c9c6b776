from __future__ import annotations

import pytest

BASE = {
    "task": {"_name": "masked_lm", "data": "/d", "sample_break_mode": "none", "tokens_per_sample": 512},
    "dataset": {"batch_size": 16},
    "optimization": {"max_update": 125000, "update_freq": [16]},
    "distributed_training": {"distributed_world_size": 8},
    "model": {"_name": "roberta"},
}


def changed(**groups):
    return {**BASE, **{name: {**BASE.get(name, {}), **group} for name, group in groups.items()}}


def plan(read, config, **mapping):
    reading = read(config, **mapping)
    assert reading.schedule_dialect == "fairseq"
    return reading.plan


def test_blocks_that_are_filled_tell_the_tokens_exactly(read):
    """RoBERTa's published batch: 16 samples x 16 batches x 8 GPUs of 512 tokens."""
    found = plan(read, BASE)
    assert (found.training_tokens, found.tokens_status) == (125000 * 16 * 16 * 8 * 512, "exact")


@pytest.mark.parametrize("prefix", ["_group_", "a.b"])
def test_any_prefix(read, prefix):
    config = BASE
    for step in reversed(prefix.split(".")):
        config = {step: config}
    assert plan(read, config).training_tokens == 131_072_000_000


@pytest.mark.parametrize("mode", ["complete", "complete_doc", "eos", "???"])
def test_samples_that_end_with_sentences_make_an_upper_bound(read, mode):
    found = plan(read, changed(task={"sample_break_mode": mode}))
    assert (found.training_tokens, found.tokens_status) == (131_072_000_000, "upper_bound")


def test_without_a_world_size_the_tokens_are_those_of_one_device(read):
    config = {name: group for name, group in BASE.items() if name != "distributed_training"}
    found = plan(read, config)
    assert (found.training_tokens, found.tokens_status) == (131_072_000_000 // 8, "per_device")
    assert plan(read, config, num_devices=8).training_tokens == 131_072_000_000


def test_torchruns_world_size_wins_over_the_configs(read):
    environ = {"MASTER_ADDR": "a", "MASTER_PORT": "1", "WORLD_SIZE": "16", "RANK": "0"}
    assert read(BASE, environ=environ).plan.num_devices == 16
    assert read(BASE, environ={"WORLD_SIZE": "16"}).plan.num_devices == 8


def test_devices_that_share_a_batch_count_once(read):
    assert plan(read, changed(common={"model_parallel_size": 4})).num_devices == 2
    for unclear in ({"common": {"model_parallel_size": 3}}, {"distributed_training": {"pipeline_model_parallel": True}}):
        reading = read(changed(**unclear))
        assert reading.plan.tokens_status in ("per_device", "unknown")
        assert "num_devices" in [unknown.field for unknown in reading.unknowns]


def test_max_tokens_fills_a_batch_with_whole_samples_in_multiples_of_eight(read):
    """batch_by_size_vec: 12,000 tokens hold 23 samples of 512, and 16 are the multiple of 8 below."""
    found = plan(read, changed(dataset={"batch_size": None, "max_tokens": 12000}))
    assert (found.micro_batch_sequences, found.tokens_status) == (16, "exact")
    assert plan(read, changed(dataset={"batch_size": None, "max_tokens": 3000})).micro_batch_sequences == 5
    config = changed(dataset={"batch_size": None, "max_tokens": 12000, "required_batch_size_multiple": 1})
    assert plan(read, config).micro_batch_sequences == 23


def test_max_tokens_of_shorter_samples_is_an_upper_bound(read):
    found = plan(read, changed(task={"sample_break_mode": "complete"}, dataset={"batch_size": None, "max_tokens": 8192}))
    assert (found.micro_batch_sequences, found.tokens_status) == (16, "upper_bound")
    assert found.training_tokens >= 125000 * 8192 * 16 * 8


def test_the_tighter_of_two_limits_counts(read):
    assert plan(read, changed(dataset={"batch_size": 16, "max_tokens": 4096})).micro_batch_sequences == 8
    assert plan(read, changed(dataset={"batch_size": 4, "max_tokens": 4096})).micro_batch_sequences == 4
    assert plan(read, changed(dataset={"batch_size": None, "max_sentences": 24})).micro_batch_sequences == 24


def test_a_batch_that_holds_no_sample_is_impossible(read):
    reading = read(changed(dataset={"batch_size": None, "max_tokens": 500}))
    assert reading.plan.training_tokens is None
    assert "less than one sample of 512 tokens" in reading.impossible[0].reason


def test_a_run_without_a_batch_size_is_unknown(read):
    assert plan(read, changed(dataset={"batch_size": None})).training_tokens is None


@pytest.mark.parametrize(("entries", "factor", "status"), [([4, 4], 4, "exact"), ([1, 4, 2], 4, "upper_bound"), (4, 4, "exact")])
def test_accumulation_is_a_list_with_an_entry_per_epoch(read, entries, factor, status):
    found = plan(read, changed(optimization={"update_freq": entries}))
    assert (found.gradient_accumulation, found.tokens_status) == (factor, status)


def test_accumulation_is_one_where_it_is_not_set_and_unknown_where_it_is_no_number(read):
    assert plan(read, changed(optimization={"update_freq": None})).gradient_accumulation == 1
    for broken in ([0], ["a"], [], "???"):
        assert plan(read, changed(optimization={"update_freq": broken})).training_tokens is None
    reading = read(changed(optimization={"update_freq": ["${eval:1+1}"]}))
    assert reading.impossible == ()
    assert any("within a list" in unknown.reason for unknown in reading.unknowns)


@pytest.mark.parametrize(
    "other", [{"optimization": {"max_epoch": 10}}, {"optimization": {"stop_time_hours": 24}}, {"optimization": {"stop_min_lr": 1e-9}},
              {"checkpoint": {"patience": 3}}]
)  # fmt: skip
def test_another_end_makes_an_upper_bound(read, other):
    assert plan(read, changed(**other)).tokens_status == "upper_bound"


def test_other_ends_that_are_off_change_nothing(read):
    off = {"optimization": {"max_epoch": 0, "stop_time_hours": 0, "stop_min_lr": -1.0}, "checkpoint": {"patience": -1}}
    assert plan(read, changed(**off)).tokens_status == "exact"


@pytest.mark.parametrize("max_update", [0, None])
def test_no_limit_on_the_updates_tells_nothing(read, max_update):
    reading = read(changed(optimization={"max_update": max_update, "max_epoch": 5}))
    assert reading.plan.training_tokens is None
    assert "optimization.max_epoch=5" in next(unknown.reason for unknown in reading.unknowns if unknown.field == "num_steps")
    assert read(changed(optimization={"max_update": max_update}), num_steps=10).plan.training_tokens == 10 * 16 * 16 * 8 * 512


def test_the_length_is_the_tasks_default_where_it_is_not_set(read):
    assert plan(read, changed(task={"tokens_per_sample": None})).sequence_length == 1024
    assert plan(read, changed(task={"_name": "denoising", "tokens_per_sample": None})).sequence_length == 512


@pytest.mark.parametrize("task", ["audio_pretraining", "translation", "sentence_prediction", "speech_to_text", "a_task_of_the_users"])
def test_tasks_whose_samples_are_no_blocks_of_text_tell_no_tokens(read, task):
    """wav2vec 2.0's max_tokens of 1,400,000 are audio samples."""
    reading = read(changed(task={"_name": task}, dataset={"batch_size": None, "max_tokens": 1_400_000}))
    assert reading.plan.training_tokens is None
    assert reading.plan.num_steps == 125000
    assert any(task in unknown.reason for unknown in reading.unknowns if unknown.field == "micro_batch_sequences")


def test_two_runs_in_one_config_are_not_chosen_from(read):
    reading = read({"first": BASE, "second": changed(optimization={"max_update": 5})})
    assert reading.plan.training_tokens is None
    assert "2 fairseq runs" in next(unknown.reason for unknown in reading.unknowns if unknown.field == "num_steps")
