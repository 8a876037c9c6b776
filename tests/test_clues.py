"""What schedule dialects share: one value or none, never one of several; where a length is the training's; what is compared for free."""

from __future__ import annotations

import pytest

from scalecheck.clues import Clues, dataset_sequences, epochs_alone
from scalecheck.survey import Notes, survey


@pytest.fixture
def clues_of(view_of):
    def made(config, *, length_keys=(), model_node=None, environ=None, runs_code=()):
        view = view_of(config)
        view.runs_code = lambda key: key in runs_code
        return Clues(
            view=view, survey=survey(view), given={}, assume={}, environ=environ or {}, notes=Notes(), prefix="p",
            length_keys=length_keys, model_node=model_node,
        )  # fmt: skip

    return made


def test_length_that_the_models_code_trains_on_goes_before_others(clues_of):
    clues = clues_of({"model": {"length": 128}, "data": {"max_length": 512}}, length_keys=("model.length",))
    assert clues.length() == 128
    assert not clues.notes.origins["sequence_length"].assumed


def test_length_of_the_data_goes_before_one_inside_the_model(clues_of):
    assert clues_of({"model": {"max_seq_len": 4096}, "data": {"seq_len": 512}}, model_node="model").length() == 512


@pytest.mark.parametrize("node", ["model", "model.config"])
def test_only_length_inside_the_model_is_assumed(clues_of, node):
    clues = clues_of({"model": {"max_seq_len": 4096, "config": {"num_layers": 2}}}, model_node=node)
    assert clues.length() == 4096
    assert clues.notes.origins["sequence_length"].assumed


def test_length_at_the_root_is_not_the_models_although_the_root_is_the_model(clues_of):
    clues = clues_of({"n_layer": 2, "n_embd": 8, "seq_len": 64}, model_node="")
    assert clues.length() == 64
    assert not clues.notes.origins["sequence_length"].assumed


def test_lengths_that_differ_are_unknown(clues_of):
    clues = clues_of({"data": {"seq_len": 512}, "train": {"max_length": 1024}})
    assert clues.length() is None
    assert "data.seq_len=512, train.max_length=1024" in clues.notes.unknowns[0].reason


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"devices": 8}, 8),
        ({"devices": 8, "num_nodes": 4}, 32),
        ({"devices": 8, "num_nodes": None}, 8),
        ({"devices": 0}, None),
        ({"devices": "auto", "num_nodes": 4}, None),
        ({"devices": 8, "num_nodes": "???"}, None),
    ],
)
def test_devices_are_those_of_all_nodes_and_zero_is_no_count(clues_of, config, found):
    clues = clues_of(config)
    assert clues.devices(["devices"], ["num_nodes"] if "num_nodes" in config else []) == found


def test_config_goes_before_the_environment_and_that_before_nothing(clues_of):
    assert clues_of({"devices": 2}, environ={"WORLD_SIZE": "8"}).devices(["devices"]) == 2
    assert clues_of({"devices": -1}, environ={"WORLD_SIZE": "8"}).devices(["devices"]) == 8
    assert clues_of({}).devices([]) is None


def test_comparison_runs_no_resolver_but_a_value_that_is_needed_may(clues_of):
    clues = clues_of({"data": {"batch_size": 8}}, runs_code=("data.batch_size",))
    assert clues.only(("batch_size",), may_run_code=False) is None
    assert clues.view.read_keys == frozenset()
    assert clues.only(("batch_size",)) == ("data.batch_size", 8)


@pytest.mark.parametrize("config", [{"a": {"epoch_size": 5}, "b": {"epoch_size": 6}}, {"epoch_size": "many"}, {"epoch_size": 0.5}, {}])
def test_dataset_of_unclear_size_is_none(clues_of, config):
    assert dataset_sequences(clues_of(config)) is None


def test_epochs_are_named_where_they_are_all_there_is(clues_of):
    assert "trainer.max_epochs=3 alone does not tell" in epochs_alone(clues_of({"trainer": {"max_epochs": 3}}))
    assert epochs_alone(clues_of({"trainer": {"max_epochs": None}})) == ""


@pytest.mark.parametrize(
    "config",
    [
        {"block_size": 4, "trainer": {"max_steps": 5}, "data": {"seq_len": 1024}},
        {"attention": {"block_size": 64}, "data": {"seq_len": 1024}},
        {"engine": {"vllm": {"block_size": 32}}, "data": {"seq_len": 1024}},
    ],
)
def test_block_size_of_something_else_is_no_length(clues_of, config):
    """As in bd3lms, whose blocks are of the diffusion, in kernels, and in vLLM's cache."""
    assert clues_of(config).length() == 1024


@pytest.mark.parametrize(
    "config", [{"data": {"block_size": 1024}}, {"max_iters": 5, "block_size": 1024}, {"args": {"block_size": 1024, "dataset_name": "x"}}]
)
def test_block_size_of_a_training_script_is_the_length(clues_of, config):
    assert clues_of(config).length() == 1024
