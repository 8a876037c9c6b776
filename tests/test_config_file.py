"""A config.json read as its config class would read it: names, defaults, nulls, the head."""

from __future__ import annotations

import json

import pytest

from scalecheck.config_file import MappingView, line_of, read_config, read_config_file

LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "vocab_size": 100,
}
MISTRAL = LLAMA | {"model_type": "mistral", "num_attention_heads": 16}


def test_defaults_of_the_config_class_are_marked_assumed():
    reading = read_config({"model_type": "llama", "hidden_size": 2048})
    assert (reading.shape.num_layers, reading.shape.intermediate_size) == (32, 11008)
    assert reading.origins["intermediate_size"].assumed
    assert not reading.origins["hidden_size"].assumed


def test_what_follows_from_the_rest_is_not_assumed():
    reading = read_config(LLAMA)
    assert (reading.shape.head_dim, reading.shape.num_key_value_heads) == (16, 4)
    assert not reading.origins["head_dim"].assumed


def test_null_is_no_default():
    """transformers' classes take a null as it stands: Mistral's class has a window of 4096, a null means none."""
    assert read_config(MISTRAL).shape.sliding_window == 4096
    assert read_config(MISTRAL | {"sliding_window": None}).shape.sliding_window is None
    assert read_config(MISTRAL).shape.num_key_value_heads == 8
    assert read_config(MISTRAL | {"num_key_value_heads": None}).shape.num_key_value_heads == 16


def test_null_where_a_size_is_needed_names_the_key():
    reading = read_config(LLAMA | {"hidden_size": None})
    assert reading.shape is None
    assert reading.unknowns[0].reason == "hidden_size is not set"


@pytest.mark.parametrize(
    ("architectures", "head", "assumed"),
    [
        (["BertForMaskedLM"], "masked_lm", False),
        (["BertForPreTraining", "BertForMaskedLM"], "masked_lm", False),
        (["BertModel"], "masked_lm", True),
        ("BertForMaskedLM", "masked_lm", False),
        (None, "masked_lm", True),
        ([], "masked_lm", True),
    ],
)
def test_architectures_pick_the_head(architectures, head, assumed):
    reading = read_config({"model_type": "bert", "architectures": architectures})
    assert reading.shape.head == head
    assert reading.origins["head"].assumed == assumed


def test_head_that_is_not_counted_is_refused_by_name():
    reading = read_config(LLAMA | {"architectures": ["LlamaForTokenClassification"]})
    assert reading.shape is None
    assert "LlamaForTokenClassification" in reading.unknowns[0].reason
    assert "...ForCausalLM" in reading.unknowns[0].reason


def test_old_names_of_t5_heads_are_known():
    assert read_config({"model_type": "t5", "architectures": ["T5WithLMHeadModel"]}).shape.head == "seq2seq_lm"


@pytest.mark.parametrize(
    "change", [{"num_local_experts": 8}, {"kv_lora_rank": 512}, {"ffn_config": {"moe_num_experts": 16}}, {"multi_query": True}]
)
def test_sizes_of_other_families_are_listed(change):
    (key,) = read_config(LLAMA | change).unused_keys
    assert key.startswith(next(iter(change)))


@pytest.mark.parametrize("change", [{"num_local_experts": None}, {"num_experts": 1}, {"n_routed_experts": 0}, {"multi_query": False}])
def test_sizes_that_change_nothing_are_not_listed(change):
    assert read_config(LLAMA | change).unused_keys == ()


def test_lines_are_those_of_the_file(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(LLAMA, indent=1))
    origin = read_config_file(path).origins["num_layers"]
    assert (origin.key, origin.file, origin.line) == ("num_hidden_layers", str(path), 4)


def test_a_byte_order_mark_is_no_error(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(LLAMA).encode())
    assert read_config_file(path).shape.hidden_size == 64


@pytest.mark.parametrize(("key", "line"), [("a.b", 3), ("b[2]", 3), ("c", None), (None, None)])
def test_line_of_a_key_is_where_its_last_name_stands(key, line):
    assert line_of('{\n"a": {\n"b": [1, 2, 3]}}', key) == line


def test_view_reads_nested_keys_and_records_them():
    view = MappingView({"a": {"b": 1}, "c": None})
    assert (view.get("a.b"), view.get("a.x"), view.get("c"), view.get("c.d"), view.keys("a"), view.keys("c")) == (
        1,
        None,
        None,
        None,
        ("b",),
        (),
    )
    assert "a.b" in view.read_keys
