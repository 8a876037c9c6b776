"""The tokenizer that a config names, and how many tokens it has."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from scalecheck.facts import Unknown
from scalecheck.survey import survey
from scalecheck.vocabulary import Tokenizer, find_tokenizer, generic

TABLE = Path(__file__).parents[1] / "scalecheck" / "data" / "tokenizers.csv"


@pytest.fixture
def find(view_of):
    return lambda config: find_tokenizer(survey(view_of(config)), "model")


@pytest.mark.parametrize(
    ("config", "size"),
    [
        ({"data": {"tokenizer_name_or_path": "gpt2"}}, 50257),
        ({"datamodule": {"tokenizer_name": "bert-base-uncased"}}, 30522),
        ({"tokenizer": "EleutherAI/gpt-neox-20b"}, 50277),
        ({"tokenizer": {"name": "cl100k_base"}}, 100277),
        ({"tokenizer": {"library": "huggingface", "type": "mistralai/Mixtral-8x7B-v0.1"}}, 32000),
        ({"tokenizer": {"pretrained_model_name_or_path": "GPT2"}}, 50257),
        ({"tokenizer": {"identifier": "tokenizers/allenai_dolma2.json"}}, 100278),
        ({"model": {"tokenizer_path": "Qwen/Qwen3-8B"}}, 151669),
    ],
)
def test_tokenizers_are_known_by_name(find, config, size):
    found = find(config)
    assert isinstance(found, Tokenizer)
    assert found.size == size
    assert f"{size:,} tokens" in found.because


def test_masks_are_known_too(find):
    assert find({"tokenizer": "bert-base-uncased"}).has_mask_token
    assert not find({"tokenizer": "gpt2"}).has_mask_token


@pytest.mark.parametrize("node", ["tokenizer", "data", "datamodule"])
def test_size_that_stands_beside_goes_before_the_name(find, node):
    found = find({"tokenizer_name": "gpt2", node: {"vocab_size": 27}})
    assert (found.size, found.key, found.is_stated) == (27, f"{node}.vocab_size", True)


@pytest.mark.parametrize("value", ["my/tokenizer", "/no/such/tokenizer.json", "???", "x" * 5000, "a\x00b"], ids=lambda text: text[:8])
def test_one_that_is_not_known_is_unknown_and_names_the_lines(find, value):
    found = find({"data": {"tokenizer_name": value}})
    assert isinstance(found, Unknown)
    assert "data.tokenizer_name" in found.reason
    assert found.remedies == ("+model.vocab_size=50257", "+hydra.callbacks.scalecheck.read.vocab_size=50257")


def test_names_that_differ_are_not_chosen_from(find):
    found = find({"data": {"tokenizer_name": "gpt2"}, "model": {"tokenizer_name": "bert-base-cased"}})
    assert isinstance(found, Unknown)
    assert "data.tokenizer_name" in found.reason
    assert "model.tokenizer_name" in found.reason


@pytest.mark.parametrize(
    "config",
    [
        {"tokenizer_name": "gpt2", "data": {"tokenizer_path": "/no/such/folder"}},
        {"tokenizer_name": "gpt2", "data": {"tokenizer_path": "???"}},
        {"tokenizer": {"name": "gpt2", "vocab_file": "/no/such/vocab.json"}},
        {"tokenizer": {"type": "gpt2", "model": "/no/such/tokenizer.model"}},
        {"tokenizer_name": "gpt2", "tokenizer_dir": ["gpt2"]},
    ],
)
def test_known_name_beside_one_that_is_not_known_does_not_tell(find, config):
    """Which of the two the code takes is its own affair: the known one is not chosen for being known."""
    assert isinstance(find(config), Unknown)


def test_label_beside_a_known_name_is_passed_over(find):
    config = {"tokenizer": {"name": "hf", "type": "bpe", "pretrained_model_name_or_path": "gpt2"}}
    assert find(config).key == "tokenizer.pretrained_model_name_or_path"


def test_label_alone_is_unknown(find):
    assert isinstance(find({"tokenizer": {"type": "bpe"}}), Unknown)


@pytest.mark.parametrize("value", [True, False, ""])
def test_switch_names_no_tokenizer(find, value):
    assert find({"tokenizer": value}) is None


def test_arguments_of_a_tokenizer_are_looked_into(find):
    assert find({"data": {"tokenizer": {"init_args": {"pretrained_model_name_or_path": "gpt2"}}}}).size == 50257


def test_each_of_several_runs_in_one_tree_has_its_own(view_of):
    run = {"model": {"hidden_size": 8, "tokenizer": {"library": "huggingface", "type": "gpt2"}}}
    config = {"training": run, "rag": {"model": {"tokenizer": {"type": "bert-base-cased"}}}, "tokenizer_type": "bert-base-uncased"}
    assert find_tokenizer(survey(view_of(config)), "training.model").size == 50257
    assert isinstance(find_tokenizer(survey(view_of(config)), "model"), Unknown)


@pytest.mark.parametrize("other", ["teacher", "reward_model", "eval_metrics", "callbacks"])
def test_tokenizer_of_another_model_is_not_the_runs(find, other):
    assert find({other: {"tokenizer_name": "gpt2"}}) is None


def test_tokenizer_inside_a_teacher_is_that_of_the_teacher(view_of):
    config = {"teacher": {"model": {}, "tokenizer_name": "gpt2"}}
    assert find_tokenizer(survey(view_of(config)), "teacher.model").size == 50257


@pytest.mark.parametrize(
    "fields",
    [
        {"additional_special_tokens": ["<a>"]},
        {"special_tokens": {"pad_token": "<pad>"}},
        {"pad_token": "[PAD]"},
        {"add_pad_token": True},
        {"extra_ids": 100},
        {"kwargs": {"mask_token": "<mask>"}},
        {"pad_token": "???"},
        {"_target_": "src.tokenizers.WithMyTokens"},
        {"_component_": "torchtune.models.llama3.llama3_tokenizer"},
        {"_target_": "???"},
    ],
)
def test_tokenizer_to_which_tokens_may_be_added_is_unknown(find, fields):
    found = find({"tokenizer": {"name_or_path": "gpt2", **fields}})
    assert isinstance(found, Unknown)
    assert "gpt2 has 50,257 tokens" in found.reason
    assert found.remedies


@pytest.mark.parametrize(
    "fields",
    [
        {"additional_special_tokens": [], "extra_ids": 0, "add_pad_token": False, "pad_token": None},
        {"pad_token": "<|endoftext|>", "special_tokens": {"eos_token": "<|endoftext|>"}},
        {"use_fast": True, "model_max_length": 1024, "kwargs": {"padding_side": "left"}},
        {"_target_": "transformers.AutoTokenizer.from_pretrained"},
    ],
)
def test_settings_that_add_no_tokens_leave_it_known(find, fields):
    assert find({"tokenizer": {"name_or_path": "gpt2", **fields}}).size == 50257


def test_special_tokens_of_bert_are_in_its_vocabulary(find):
    assert find({"tokenizer": {"name": "bert-base-uncased", "mask_token": "[MASK]", "pad_token": "[PAD]"}}).size == 30522


def test_sizes_that_differ_are_not_chosen_from(find):
    assert isinstance(find({"tokenizer": {"vocab_size": 512}, "data": {"vocab_size": 513}}), Unknown)


@pytest.mark.parametrize("size", [0, -1, None, "512", 512.0, True, "???", 10**30])
def test_size_that_is_none_leaves_the_name_to_tell(find, size):
    assert find({"tokenizer": {"name": "gpt2", "vocab_size": size}}).size == 50257


def test_size_goes_before_a_file_that_is_not_there(find):
    assert find({"tokenizer": {"vocab_path": "conf/no_such_vocab.txt", "vocab_size": 27}}).size == 27


@pytest.mark.parametrize(("library", "key"), [("megatron", "vocab_file"), ("sentencepiece", "model")])
def test_files_of_nemos_libraries_are_read(find, tmp_path, library, key):
    path = tmp_path / "vocab.txt"
    path.write_text("a\nb\n")
    assert find({"tokenizer": {"library": library, "type": "gpt2", key: str(path)}}).size == 2
    assert isinstance(find({"tokenizer": {"library": library, key: "/no/such/file"}}), Unknown)


def test_file_that_does_not_tell_is_unknown_with_its_reason(find, tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("a\na\n")
    assert "has a line twice" in find({"tokenizer_path": str(path)}).reason


@pytest.mark.parametrize(("value", "said"), [("/data/tokenizer.model", "not on this machine"), ("my/own", "size is not known here")])
def test_path_that_is_not_there_is_told_from_a_name_that_is_not_known(find, value, said):
    assert said in find({"tokenizer_path": value}).reason


def test_home_of_nobody_is_no_crash(find):
    assert isinstance(find({"tokenizer_path": "~nobody_of_that_name/tokenizer.json"}), Unknown)


def test_folder_of_that_name_without_a_tokenizer_leaves_the_table_to_tell(find, tmp_path, monkeypatch):
    (tmp_path / "gpt2").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find({"tokenizer": "gpt2"}).size == 50257


def test_line_to_type_replaces_a_size_that_is_there(view_of):
    config = {"model": {"vocab_size": -1}, "tokenizer": "my/own"}
    assert find_tokenizer(survey(view_of(config)), "model").remedies[0] == "model.vocab_size=50257"
    assert find_tokenizer(survey(view_of({"tokenizer": "my/own"})), "").remedies[0] == "+vocab_size=50257"


def test_names_of_one_size_are_one(find):
    assert find({"a": {"tokenizer_name": "gpt2"}, "b": {"tokenizer_name": "gpt2-large"}}).size == 50257


@pytest.mark.parametrize("config", [{"eval": {"tokenizer_name": "gpt2"}}, {"tokenizer_name": None}, {"model": {"name": "gpt2"}}, {}])
def test_what_is_no_tokenizer_of_the_run_is_none(find, config):
    assert find(config) is None


def test_type_of_megatrons_library_is_an_algorithm_not_a_vocabulary(find):
    assert find({"tokenizer": {"library": "megatron", "type": "gpt2"}}) is None


def test_files_on_disk_go_before_the_table(find, tmp_path):
    path = tmp_path / "gpt2"
    path.mkdir()
    (path / "vocab.json").write_text(json.dumps({"a": 0, "b": 1, "<mask>": 2}))
    found = find({"data": {"tokenizer_path": str(path)}})
    assert (found.size, found.has_mask_token) == (3, True)
    assert str(path / "vocab.json") in found.because


def test_without_a_dialect_rows_are_assumed_to_be_tokens(find):
    told = generic(find({"tokenizer": "gpt2"}))
    assert (told.rows, told.assumed, told.key) == (50257, True, "tokenizer")


def test_model_without_a_vocabulary_takes_that_of_its_tokenizer_marked_assumed(read):
    model = {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 128}
    reading = read({"model": model, "data": {"tokenizer_name": "gpt2"}})
    assert reading.shape.vocab_size == 50257
    assert reading.origins["vocab_size"].assumed
    assert not [unknown for unknown in reading.unknowns if unknown.field == "vocab_size"]


@pytest.mark.parametrize("rows", [-1, "???", None])
def test_vocabulary_that_the_run_fills_in_is_that_of_the_tokenizer(read, rows):
    model = {"n_layer": 2, "n_embd": 64, "n_head": 2, "block_size": 16, "vocab_size": rows}
    assert read({"model": model, "tokenizer": "bert-base-cased"}).shape.vocab_size == 28996


def test_table_is_sorted_unique_and_sourced():
    rows = list(csv.DictReader(TABLE.read_text().splitlines()))
    names = [row["name"] for row in rows]
    assert len(rows) > 100
    assert names == sorted(set(names))
    assert all(name == name.lower() for name in names)
    assert all(int(row["tokens"]) > 0 and row["mask"] in ("yes", "no") and len(row["source"]) > 10 for row in rows)
