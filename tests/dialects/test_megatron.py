"""NeMo's model nodes: which they are, what is refused, and how many tokens their tokenizers have."""

from __future__ import annotations

import pytest

from scalecheck.architectures import megatron_gpt, nemo_bert, nemo_t5
from scalecheck.dialects.models import megatron
from scalecheck.survey import survey
from scalecheck.vocabulary import Tokenizer

GPT = {name: value for name, value in megatron_gpt.EXAMPLE["model"].items() if name != "vocab_size"}
BERT = {name: value for name, value in nemo_bert.EXAMPLE["model"].items() if name != "vocab_size"}
T5 = {name: value for name, value in nemo_t5.EXAMPLE["model"].items() if name != "vocab_size"}
MEGATRON_BPE = {"library": "megatron", "type": "GPT2BPETokenizer", "vocab_file": "/data/bpe/vocab.json"}


def rows(view_of, model, tokenizer=None):
    found = megatron.vocabulary(survey(view_of({"model": model})), "model", tokenizer)
    return None if found is None else (found.rows, found.assumed)


@pytest.mark.parametrize(("model", "family"), [(GPT, "megatron_gpt"), (BERT, "nemo_bert"), (T5, "nemo_t5")])
@pytest.mark.parametrize("place", ["model", "training", ""], ids=["at model", "under training", "at the root"])
def test_each_kind_of_model_is_known_at_any_node(read, model, family, place):
    config = {"training": {"model": model}} if place == "training" else {"model": model} if place else model
    reading = read(config)
    assert (reading.model_dialect, reading.shape.family) == ("megatron", family)


def test_stacks_of_an_encoder_decoder_are_no_models_of_their_own(read):
    reading = read({"model": {**T5, "megatron_amp_O2": True, "sync_batch_comm": False}})
    assert [unknown.field for unknown in reading.unknowns if unknown.field == "model"] == []


def test_sizes_with_one_or_two_of_the_keys_are_not_enough(read):
    weak = {"num_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "make_vocab_size_divisible_by": 128, "encoder_seq_length": 8}
    assert read({"model": weak}).model_dialect is None


def test_defaults_of_the_code_are_not_marked_assumed(read):
    reading = read({"model": {**GPT, "vocab_size": 50257}, "exp_manager": {"name": "megatron_gpt"}})
    assert reading.shape.tie_word_embeddings
    assert "MegatronGPTModel" in reading.origins["tie_word_embeddings"].because
    assert [name for name, origin in reading.origins.items() if origin.assumed] == []


def test_gpt_that_nothing_names_is_assumed_to_be_one(read):
    old = {name: value for name, value in GPT.items() if name != "mcore_gpt"} | {"sync_batch_comm": False}
    assert read({"model": old}).origins["family"].assumed
    assert not read({"model": old, "name": "megatron_gpt"}).origins["family"].assumed


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (GPT, {"patch_dim": 16}),
        (GPT, {"mm_cfg": {"llm": {}}}),
        (GPT, {"hyena": {"order": 2}}),
        (GPT, {"headscale": True}),
        (GPT, {"transformer_block_type": "normformer"}),
        (GPT, {"qk_layernorm": True}),
        (GPT, {"name": "megatron_falcon_gpt"}),
        (GPT, {"mcore_customization_config": {"parallel_attention": False, "final_logit_softcapping": 30.0}}),
        (GPT, {"swiglu": True}),
        (GPT, {"untie_embeddings_and_output_weights": False}),
        (GPT, {"mcore_gpt": False, "num_query_groups": 4}),
        (GPT, {"mcore_gpt": False, "num_moe_experts": 8}),
        (GPT, {"mcore_gpt": "???"}),
        (GPT, {"kv_lora_rank": 512}),
        (BERT, {"activation": "geglu"}),
        (BERT, {"bias": False}),
        (BERT, {"add_lm_head": False}),
        (BERT, {"share_embeddings_and_output_weights": False}),
        (BERT, {"bert_binary_head": None}),
        (T5, {"num_layers": 12}),
        (T5, {"hiddens": {"enc_output_name": "z"}}),
        (T5, {"decoder": {**T5["decoder"], "arch": "perceiver"}}),
        (T5, {"encoder": {**T5["encoder"], "num_moe_experts": 4}}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_key_that_makes_it_another_model_is_refused_by_name(read, model, change):
    reading = read({"model": {**model, **change}})
    assert reading.shape is None
    assert next(iter(change)) in f"{reading.unknowns[0].key} {reading.unknowns[0].reason}"


@pytest.mark.parametrize("name", ["megatron_griffin", "megatron_mamba", "megatron_retro", "nemo_vit_classification", "esm2nv"])
def test_run_that_is_named_after_another_model_is_refused(read, name):
    reading = read({"model": GPT, "name": name})
    assert reading.shape is None
    assert reading.unknowns[0].key == "name"


def test_what_is_written_out_and_off_changes_nothing(read):
    off = {
        "headscale": False, "transformer_block_type": "pre_ln", "attention_type": "multihead", "hyena": None, "num_moe_experts": None,
        "mcore_customization_config": {"new_decoder_architecture": False, "parallel_attention": True}, "normalization": "layernorm",
    }  # fmt: skip
    assert read({"model": {**GPT, **off}}).shape == read({"model": GPT}).shape
    once = {**T5, "encoder": {**T5["encoder"], "num_moe_experts": 1, "moe_frequency": 1}}
    assert read({"model": once}).shape == read({"model": T5}).shape


def test_shared_config_of_old_encoder_decoders_is_not_taken_for_a_gpt(read):
    old = {name: value for name, value in GPT.items() if name != "mcore_gpt"} | {"share_token_embeddings": True}
    assert read({"model": old}).shape is None


def test_pooler_that_depends_on_nemos_release_is_assumed_and_said(read):
    reading = read({"model": {**BERT, "vocab_size": 30522}})
    assert reading.origins["family"].assumed
    assert "pooler" in reading.origins["family"].because
    told = read({"model": {**BERT, "vocab_size": 30522, "add_pooler": False}})
    assert not told.origins["family"].assumed
    assert not told.shape.pooler


def test_type_with_a_file_that_is_not_here_is_assumed_to_have_the_published_one(read):
    reading = read({"model": {**GPT, "tokenizer": MEGATRON_BPE}})
    assert reading.shape.vocab_size == 50257
    assert reading.origins["vocab_size"].assumed
    assert "model.tokenizer.vocab_file" in reading.origins["vocab_size"].because


def test_type_without_a_file_of_its_own_is_downloaded_and_known(view_of):
    assert rows(view_of, {**GPT, "tokenizer": {"library": "megatron", "type": "megatron-gpt-345m"}}) == (50257, False)
    assert rows(view_of, {**GPT, "tokenizer": {"library": "sentencepiece", "type": None, "model": "/data/m.model"}}) is None


def test_file_that_was_read_tells_the_tokens_whatever_the_type(view_of):
    file = Tokenizer(name="vocab.json", size=49152, has_mask_token=False, key="model.tokenizer.vocab_file", because="49,152 entries")
    assert rows(view_of, {**GPT, "tokenizer": MEGATRON_BPE}, file) == (49152, False)


def test_published_tokenizer_is_taken_by_its_name(view_of):
    published = Tokenizer(name="m", size=32000, has_mask_token=False, key="model.tokenizer.type", because="m has 32,000 tokens")
    assert rows(view_of, {**GPT, "tokenizer": {"library": "huggingface", "type": "m"}}, published) == (32000, False)


def test_rows_that_override_the_tokenizer_leave_nothing_unknown(read):
    reading = read({"model": {**GPT, "override_vocab_size": 151936}})
    assert (reading.shape.table_rows, reading.shape.vocab_size) == (151936, 151936)
    assert "vocab_size" not in {unknown.field for unknown in reading.unknowns}


def test_t5_adds_a_token_for_each_span_and_three_for_ul2(view_of):
    tokenizer = {"library": "megatron", "type": "BertWordPieceCase", "vocab_file": "/data/vocab.txt", "num_sentinel_tokens": 100}
    assert rows(view_of, {**T5, "tokenizer": tokenizer}) == (29096, True)
    assert rows(view_of, {**T5, "tokenizer": tokenizer, "data": {"dataset_type": "ul2"}}) == (29099, True)
    assert rows(view_of, {**GPT, "tokenizer": tokenizer}) == (28996, True)


@pytest.mark.parametrize("value", [0, -1, "many", True, 2.5, "???"], ids=str)
@pytest.mark.parametrize("name", ["num_layers", "hidden_size", "ffn_hidden_size", "tensor_model_parallel_size"])
def test_impossible_or_unreadable_sizes_are_one_sentence(read, name, value):
    reading = read({"model": {**GPT, name: value}})
    assert reading.shape is None
    told = [*reading.impossible, *[unknown for unknown in reading.unknowns if unknown.key == f"model.{name}"]]
    assert f"model.{name}" in told[0].reason
