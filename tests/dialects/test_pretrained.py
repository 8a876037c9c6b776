from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from scalecheck import registry
from scalecheck.account import ledger, totals
from scalecheck.config_file import read_config
from scalecheck.dialects.models import pretrained
from scalecheck.facts import Workload
from scalecheck.survey import survey

GPT2 = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_embd": 64, "n_layer": 2, "n_head": 2, "vocab_size": 512}
TABLE = Path(registry.__file__).parent / "data" / "models.csv"


@pytest.fixture(autouse=True)
def nothing_cached(tmp_path, monkeypatch):
    """An empty cache of the hub, and a working directory of the test's own."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def on_disk(tmp_path):
    """A small GPT-2 in a directory of the repo."""
    folder = tmp_path / "configs" / "small"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(GPT2))
    return folder


def total(reading):
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=64))).total_params


def small(**sizes):
    return totals(ledger(read_config(GPT2 | sizes).shape, Workload(sequence_length=64))).total_params


def test_a_directory_of_the_repo_is_read(read, on_disk):
    reading = read({"model": {"model_name_or_path": "configs/small"}})
    assert total(reading) == small()
    assert not reading.origins["hidden_size"].assumed
    assert reading.origins["hidden_size"].key == "model.model_name_or_path"
    assert "n_embd in configs/small/config.json" in reading.origins["hidden_size"].because


def test_hydra_changed_the_directory_and_the_reference_is_still_found(read, on_disk, tmp_path, monkeypatch):
    (tmp_path / "outputs").mkdir()
    monkeypatch.chdir(tmp_path / "outputs")
    config = {"model": {"name": "configs/small"}, "hydra": {"runtime": {"cwd": str(tmp_path)}}}
    assert total(read(config)) == small()


@pytest.mark.parametrize("value", ["configs/small/config.json", "{absolute}"])
def test_a_file_or_an_absolute_path_is_read(read, on_disk, value):
    assert total(read({"model": {"config_name_or_path": value.format(absolute=on_disk)}})) == small()


def test_the_hubs_cache_is_read_and_not_assumed(read, tmp_path):
    model = tmp_path / "hf" / "hub" / "models--acme--tiny"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text("abc123\n")
    (model / "snapshots" / "abc123").mkdir(parents=True)
    (model / "snapshots" / "abc123" / "config.json").write_text(json.dumps(GPT2))
    reading = read({"model": {"name": "acme/tiny"}})
    assert total(reading) == small()
    assert not reading.origins["family"].assumed
    assert "cached config.json of acme/tiny" in reading.origins["family"].because


def test_a_cache_without_the_asked_revision_is_not_used(read, tmp_path):
    model = tmp_path / "hf" / "hub" / "models--acme--tiny"
    (model / "snapshots" / "abc123").mkdir(parents=True)
    (model / "snapshots" / "abc123" / "config.json").write_text(json.dumps(GPT2))
    assert read({"model": {"model_name_or_path": "acme/tiny", "revision": "v2"}}).shape is None
    assert total(read({"model": {"model_name_or_path": "acme/tiny", "revision": "abc123"}})) == small()


def test_a_well_known_name_is_assumed_to_be_as_published(read):
    """nanoT5: its README says 248M."""
    model = {"klass": "local_t5", "name": "google/t5-v1_1-base", "overwrite": {"dropout_rate": 0.0}, "add_config": {"is_bf16": False}}
    reading = read({"model": model | {"random_init": True}})
    assert total(reading) == 247_577_856
    assert reading.origins["family"].assumed
    assert "not read from disk" in reading.origins["family"].because


def test_a_name_that_is_nowhere_is_unknown_and_says_what_to_give(read):
    unknown = read({"model": {"model_name_or_path": "acme/unheard-of"}}).unknowns[0]
    assert unknown.field == "family"
    assert "nothing is downloaded" in unknown.reason
    assert unknown.remedies[0] == "model.model_name_or_path=/path/to/unheard-of"


def test_what_is_written_over_the_config_changes_the_count(read, on_disk):
    model = {"name": "configs/small", "overwrite": {"n_layer": 5, "dropout": 0.1}}
    reading = read({"model": model})
    assert total(reading) == small(n_layer=5)
    assert "with n_layer written over it" in reading.origins["num_layers"].because
    assert total(read({"model": {"name": "configs/small", "config_overrides": "n_layer=5,tie_word_embeddings=False"}})) == small(
        n_layer=5, tie_word_embeddings=False
    )


@pytest.mark.parametrize("overwrite", [{"n_layer": "???"}, {"layers": {"n_layer": 5}}, "n_layer", [5]])
def test_overrides_that_cannot_be_read_refuse_the_model(read, on_disk, overwrite):
    reading = read({"model": {"name": "configs/small", "overwrite": overwrite}})
    assert reading.shape is None
    assert "written over the config" in reading.unknowns[0].reason


def test_a_size_beside_the_reference_refuses_the_model_unless_from_pretrained_takes_it(read, on_disk):
    model = {"pretrained_model_name_or_path": "configs/small", "n_layer": 5}
    reading = read({"model": model})
    assert reading.shape is None
    assert "model.n_layer" in reading.unknowns[0].reason
    assert total(read({"model": {"_target_": "transformers.AutoConfig.from_pretrained"} | model})) == small(n_layer=5)


def test_config_name_wins_over_the_weights(read, on_disk):
    assert total(read({"model_args": {"model_name_or_path": "gpt2", "config_name": "configs/small"}})) == small()


@pytest.mark.parametrize(
    "config",
    [
        {"eval": {"model_name_or_path": "gpt2-large"}},
        {"tokenizer": {"pretrained_model_name_or_path": "gpt2"}},
        {"teacher": {"model_name_or_path": "gpt2-large"}},
        {"data": {"model_name_or_path": "gpt2"}},
        {"model": {"name": "gpt2"}},
        {"model": {"name": "small"}},
        {"model": {"tokenizer_name": "gpt2"}},
        {"dataset": {"config": {"name": "allenai/c4"}}},
        {"run": {"name": "acme/run"}},
        {"model": {"model_name_or_path": None}},
    ],
)
def test_names_of_other_things_are_not_models(view_of, config):
    assert pretrained.roots(survey(view_of(config))) == ()


def test_a_node_with_sizes_of_its_own_is_left_to_the_others(view_of):
    sized = {"n_layer": 2, "n_embd": 64}
    assert pretrained.roots(survey(view_of({"model": sized | {"model_name_or_path": "gpt2"}}))) == ()
    assert pretrained.roots(survey(view_of({"model": {"name": "acme/tiny", "config": sized}}))) == ()
    assert pretrained.roots(survey(view_of({"model": {"name": "acme/tiny"}, "network": sized}))) == ()


def test_the_same_reference_twice_is_one_model_and_two_are_unknown(view_of, read):
    twice = {"model": {"name": "acme/tiny"}, "trainer": {"model_name_or_path": "acme/tiny"}}
    assert pretrained.roots(survey(view_of(twice))) == ("model",)
    two = {"model": {"model_name_or_path": "gpt2"}, "student": {"model_name_or_path": "gpt2-large"}}
    assert "2 models" in read(two).unknowns[0].reason


@pytest.mark.parametrize("text", ["[1]", "not json", "{}", '{"model_type": "nonesuch"}', '{"model_type": 3}'])
def test_a_config_that_is_none_is_refused_in_a_sentence(read, on_disk, text):
    (on_disk / "config.json").write_text(text)
    reading = read({"model": {"model_name_or_path": "configs/small"}})
    assert reading.shape is None
    assert "configs/small" in reading.unknowns[0].reason


@pytest.mark.parametrize("name", ["~nobody/x", "a\x00b", "x" * 5000, "../..", "/dev/null", "https://example.org/config.json"])
def test_names_that_cannot_be_paths_raise_nothing(read, name):
    assert read({"model": {"model_name_or_path": name}}).shape is None


def test_every_model_of_the_table_counts_to_its_published_total():
    rows = list(csv.DictReader(TABLE.read_text("utf-8").splitlines()))
    assert len(rows) == 22
    for row in rows:
        shape = read_config(json.loads(row["config"])).shape
        assert totals(ledger(shape, Workload(sequence_length=64))).total_params == int(row["total_params"]), row["names"]
        assert row["source"]
    names = [name for row in rows for name in row["names"].split()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("options", [{"monarch_mixer_sequence_mixing": True}, {"use_glu_mlp": True}])
def test_option_written_over_a_config_that_may_change_the_model_is_refused(read, options):
    model = {"name": "bert", "pretrained_model_name": "bert-base-uncased", "model_config": options}
    reading = read({"model": model})
    assert reading.shape is None
    assert any(next(iter(options)) in unknown.reason for unknown in reading.unknowns)


def test_sizes_written_over_a_config_as_model_config_count(read):
    model = {"name": "hf_bert", "pretrained_model_name": "bert-base-uncased", "model_config": {"num_hidden_layers": 24, "dropout": 0.1}}
    assert read({"model": model}).shape.num_layers == 24
