"""Runs that are told in tokens."""

from __future__ import annotations

import pytest


def test_tokens_given_directly_need_no_batch(read):
    reading = read({"train": {"total_tokens": 48_318_382_080}, "data": {"seq_len": 16384}})
    assert (reading.plan.training_tokens, reading.plan.tokens_status) == (48_318_382_080, "exact")
    assert reading.plan.sequence_length == 16384
    assert reading.origins["training_tokens"].key == "train.total_tokens"


def test_max_tokens_is_a_budget_where_the_training_counts_in_tokens(read):
    config = {"train": {"max_tokens": 2_684_354_560, "grad_acc_tokens": 32768}, "datamodule": {"train_batch_len": 16384}}
    reading = read(config)
    assert (reading.plan.training_tokens, reading.plan.sequence_length) == (2_684_354_560, 16384)


@pytest.mark.parametrize(
    "config",
    [
        {"dataset": {"max_tokens": 1_400_000}},  # fairseq: of one device's batch, and of audio in samples
        {"train": {"max_tokens": 2_684_354_560}},
        {"generation": {"max_tokens": 10**9}, "train": {"grad_acc_tokens": 32768}},
        {"train": {"max_tokens": 32768, "grad_acc_tokens": 32768}},
    ],
)
def test_other_max_tokens_are_no_budget(read, config):
    reading = read(config)
    assert reading.schedule_dialect != "tokens"
    assert reading.plan.training_tokens is None


def test_steps_beside_it_make_it_a_bound(read):
    reading = read({"train": {"total_tokens": 10**10, "max_steps": 1000}})
    assert reading.plan.tokens_status == "upper_bound"
    assert "train.max_steps=1000 may end the run before train.total_tokens" in reading.origins["upper_bound"].because


def test_budgets_that_differ_are_not_chosen_from(read):
    reading = read({"a": {"total_tokens": 10**10}, "b": {"train_tokens": 10**9}})
    assert reading.plan.training_tokens is None
    assert any("several keys could tell" in unknown.reason for unknown in reading.unknowns)


def test_budget_that_cannot_be_read_is_unknown(read):
    reading = read({"train": {"total_tokens": "???"}})
    assert reading.plan.training_tokens is None
    assert any(unknown.field == "training_tokens" for unknown in reading.unknowns)


def test_tokens_that_leave_each_step_less_than_a_sequence_are_no_budget(read):
    reading = read({"total_tokens": 2_000_000, "max_steps": 100_000, "batch_size": 8, "seq_len": 16, "devices": 1})
    assert reading.schedule_dialect == "plain"
    assert reading.plan.training_tokens == 100_000 * 8 * 16


def test_litgpts_max_tokens_is_the_runs_budget(read):
    train = {"max_tokens": 3_000_000_000_000, "global_batch_size": 512, "micro_batch_size": 4, "max_steps": None, "max_seq_length": 2048}
    plan = read({"train": train}).plan
    assert (plan.training_tokens, plan.tokens_status) == (3_000_000_000_000, "exact")


@pytest.mark.parametrize("config", [{"data": {"total_tokens": 10**10}}, {"train": {"total_tokens": 10**10, "epochs": 4}}])
def test_tokens_of_the_data_are_not_those_that_are_seen(read, config):
    assert read(config).plan.training_tokens is None
