"""Megatron-LM's arguments in a config, as FlagScale spreads them over ``system``, ``model`` and ``data``."""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.dialects.models import megatron_args
from scalecheck.facts import Workload
from scalecheck.survey import survey

# examples/llama3/conf/train/8b.yaml of FlagOpen/FlagScale, without what changes neither N nor D.
LLAMA3 = {
    "system": {"tensor_model_parallel_size": 4, "pipeline_model_parallel_size": 2, "disable_bias_linear": True},
    "model": {
        "use_mcore_models": True, "transformer_impl": "transformer_engine", "num_layers": 32, "hidden_size": 4096,
        "ffn_hidden_size": 14336, "num_attention_heads": 32, "seq_length": 4096, "group_query_attention": True, "num_query_groups": 8,
        "max_position_embeddings": 8192, "use_rotary_position_embeddings": True, "no_position_embedding": True, "swiglu": True,
        "normalization": "RMSNorm", "untie_embeddings_and_output_weights": True, "train_samples": 200000, "micro_batch_size": 1,
        "global_batch_size": 2048,
    },
    "data": {"tokenizer": {"tokenizer_type": "Llama3TokenizerFS", "vocab_size": 128256, "make_vocab_size_divisible_by": 64}},
}  # fmt: skip
FLAT = {
    "num_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "seq_length": 32, "max_position_embeddings": 32, "train_iters": 10,
    "micro_batch_size": 1, "global_batch_size": 2, "use_mcore_models": True, "transformer_impl": "local", "swiglu": False,
    "vocab_size": 100,
}  # fmt: skip


def changed(where="model", **changes):
    return {"train": {**LLAMA3, where: {**LLAMA3[where], **changes}}}


def params(reading):
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=16))).total_params


def test_llama3_8b_is_as_large_as_the_published_one(read):
    reading = read(changed())
    assert reading.model_dialect == "megatron_args"
    assert params(reading) == 8_030_261_248
    assert reading.shape.vocab_multiple == 256


def test_vocabulary_beside_the_tokenizer_is_marked_since_the_tokenizer_tells_it(read):
    origin = read(changed()).origins["vocab_size"]
    assert (origin.key, origin.assumed) == ("train.data.tokenizer.vocab_size", True)


def test_flat_arguments_have_megatrons_defaults(read):
    """Tied, biases, LayerNorm, a position table, 4h."""
    reading = read(FLAT)
    layer = 12 * 64 * 64 + 13 * 64
    assert params(reading) == 128 * 64 + 32 * 64 + 2 * layer + 2 * 64


def test_groups_count_only_where_they_are_asked_for(read):
    grouped = params(read({**FLAT, "num_query_groups": 2, "group_query_attention": True}))
    assert grouped == params(read(FLAT)) - 2 * 2 * (64 * 32 + 32)
    refused = read({**FLAT, "num_query_groups": 2})
    assert refused.shape is None
    assert "group_query_attention" in refused.unknowns[0].reason


def test_gated_layer_without_a_width_is_eight_thirds_in_multiples_of_64(read):
    assert read({**FLAT, "swiglu": True}).shape.intermediate_size == 128
    assert read({**FLAT, "swiglu": True, "multiple_of": 48}).shape.intermediate_size == 192


def test_norms_of_queries_and_keys_are_counted(read):
    assert params(read({**FLAT, "qk_layernorm": True})) == params(read(FLAT)) + 2 * 2 * 2 * 16
    assert params(read({**FLAT, "qk_layernorm": True, "normalization": "RMSNorm"})) == params(read(FLAT)) - 5 * 64 + 2 * 2 * 16


@pytest.mark.parametrize(
    ("frequency", "layers"), [(1, 2), (2, 1), ("[0,1]", 1), ("[0]*1+[1]*1", 1), ("([1]*2)*1", 2), ([0, 1], 1), ("([0]+[1])", 1)]
)
def test_layers_with_experts_are_those_that_the_frequency_marks(read, frequency, layers):
    shape = read({**FLAT, "num_experts": 4, "moe_layer_freq": frequency}).shape
    assert (shape.expert_layers, shape.num_experts, shape.num_active_experts) == (layers, 4, 2)


def test_every_second_layer_has_experts_from_the_first_on(read):
    assert read({**FLAT, "num_layers": 3, "num_experts": 4, "moe_layer_freq": 2}).shape.expert_layers == 2


@pytest.mark.parametrize("frequency", ["[0]*3", "2", "__import__('os')", "[2,1]", "[0]*9**9", "[" * 150, [0], 0], ids=str)
def test_pattern_that_does_not_fit_is_refused(read, frequency):
    reading = read({**FLAT, "num_experts": 4, "moe_layer_freq": frequency})
    assert reading.shape is None
    assert "moe_layer_freq" in reading.unknowns[0].reason


def test_null_tokenizer_has_one_token_more(read):
    full = {**FLAT, "vocab_size": 128}
    assert params(read({**full, "tokenizer_type": "NullTokenizer"})) == params(read(full)) + 128 * 64


def test_padded_vocabulary_is_taken_as_it_is(read):
    told = {name: value for name, value in FLAT.items() if name != "vocab_size"} | {"padded_vocab_size": 101}
    reading = read(told)
    assert not reading.unknowns
    assert params(reading) == params(read(FLAT)) - 27 * 64


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("model", {"multi_latent_attention": True}),
        ("model", {"mtp_num_layers": 1}),
        ("model", {"img_h": 336}),
        ("model", {"num_experts": 1}),
        ("model", {"position_embedding_type": "learned_absolute"}),
        ("system", {"peft_type": "lora"}),
        ("system", {"mcore_gpt": True}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_argument_that_makes_it_another_model_is_refused_by_name(read, where, change):
    reading = read(changed(where, **change))
    assert reading.shape is None
    assert next(iter(change)) in reading.unknowns[0].reason


def test_script_that_trains_another_model_is_refused(read):
    task = {"task": {"type": "train", "backend": "megatron", "entrypoint": "./flagscale/train/train_rwkv.py"}}
    assert read({"experiment": task, **changed()}).shape is None
    task["task"]["entrypoint"] = "./flagscale/train/train_gpt.py"
    assert read({"experiment": task, **changed()}).shape is not None


def test_defaults_are_assumed_where_nothing_names_megatron(read):
    unnamed = {name: value for name, value in FLAT.items() if name != "use_mcore_models"} | {"no_masked_softmax_fusion": True}
    assert read(unnamed).origins["tie_word_embeddings"].assumed
    assert not read(FLAT).origins["tie_word_embeddings"].assumed


@pytest.mark.parametrize(
    "foreign",
    [{"pos_emb": "rotary"}, {"no_weight_tying": True}, {"num_hidden_layers": 2}, {"mcore_gpt": True}],
    ids=lambda value: next(iter(value)),
)
def test_names_of_other_codes_are_left_to_them(view_of, foreign):
    assert megatron_args.roots(survey(view_of(FLAT))) == ("",)
    assert megatron_args.roots(survey(view_of({**FLAT, **foreign}))) == ()


def test_sizes_and_a_schedule_alone_are_no_evidence(view_of):
    weak = {name: value for name, value in FLAT.items() if name not in ("use_mcore_models", "transformer_impl", "swiglu")}
    assert megatron_args.roots(survey(view_of(weak))) == ()
