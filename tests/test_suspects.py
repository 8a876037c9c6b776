"""Keys that make another architecture of what names of sizes alone would tell."""

from __future__ import annotations

import pytest

NANO = {"n_layer": 2, "n_embd": 64, "n_head": 2, "block_size": 16, "vocab_size": 100}
LLAMA = {
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "hidden_act": "silu",
    "vocab_size": 100,
}


@pytest.mark.parametrize(
    "key",
    [
        {"mlp_type": "swiglu"}, {"mlp_class_name": "LLaMAMLP"}, {"gated_mlp": True}, {"norm": "rmsnorm"}, {"norm_class_name": "RMSNorm"},
        {"rms_norm": True}, {"pos_emb": "rope"}, {"position_embedding_type": "rotary"}, {"rotary_percentage": 0.25}, {"rope": True},
        {"n_kv_head": 4}, {"n_query_groups": 2}, {"tie_weights": False}, {"weight_tying": False}, {"mlp_ratio": 2}, {"n_expert": 8},
        {"qk_norm": True}, {"pad_vocab_size_multiple": 64}, {"n-kv-head": 1}, {"share_layers": True}, {"gated_mlp": "???"}, {"rope_theta": 10000}, {"name": "llama"}, {"d_ff": 2048},
        {"intermediate_size": 2048}, {"act": "swiglu"}, {"mlp": {"type": "swiglu"}}, {"head_dim": 128}, {"attention": "gqa"}, {"n_groups": 4},
        {"num_memory_tokens": 4}, {"multiple_of": 256}, {"use_rmsnorm": True}, {"_target_": "my.RWKV"}, {"n_decoder_layer": 2},
    ],
    ids=str,
)  # fmt: skip
def test_gpt2s_names_with_a_key_of_another_model_are_not_gpt2(read, key):
    reading = read({"model": {**NANO, **key}})
    assert reading.shape is None
    (unknown,) = [unknown for unknown in reading.unknowns if unknown.field == "family"]
    assert f"model.{next(iter(key))}" in unknown.reason
    assert "+hydra.callbacks.scalecheck.read.family=gpt2" in unknown.remedies


@pytest.mark.parametrize(
    "key",
    [
        {"mlp_ratio": 4}, {"tie_weights": True}, {"norm": "LayerNorm"}, {"pos_emb": "learned"}, {"rope": False}, {"gated_mlp": None},
        {"n_expert": 0}, {"max_grad_norm": 1.0}, {"dropout": 0.1}, {"flash": True}, {"_target_": "model.GPT"},
        {"moe": False}, {"name": "gpt2-small"}, {"lr": 3e-4}, {"optimizer": {"name": "adamw"}}, {"activation": "gelu"}, {"weight_decay": 0.1}, {"init_std": 0.02},
    ],
    ids=str,
)  # fmt: skip
def test_keys_that_gpt2_has_anyway_or_that_are_off_change_nothing(read, key):
    assert read({"model": {**NANO, **key}}).shape.family == "gpt2"


@pytest.mark.parametrize(
    "key",
    [{"n_kv_heads": 2}, {"num_query_groups": 2}, {"tie_embeddings": True}, {"share_embeddings": True}, {"attention_type": "linear"},
     {"num_hidden_groups": 1}, {"qk_norm": True}, {"embedding_size": 128}, {"norm_type": "layernorm"}, {"layer_norm": True}, {"mamba_d_state": 16}, {"attn_layer_period": 8}, {"qkv_bias": True}, {"name": "xlstm"}],
    ids=str,
)  # fmt: skip
def test_llamas_names_with_a_key_of_another_model_are_not_llama(read, key):
    assert read({"model": {**LLAMA, **key}}).shape is None


@pytest.mark.parametrize(
    "key",
    [
        {"norm_type": "rmsnorm"},
        {"rms_norm": True},
        {"tie_embeddings": False},
        {"pos_emb": "rope"},
        {"use_swiglu": True},
        {"rope_theta": 10000.0},
        {"name": "my-run"},
        {"attention_dropout": 0.1},
    ],
    ids=str,
)
def test_keys_that_llama_has_anyway_change_nothing(read, key):
    assert read({"model": {**LLAMA, **key}}).shape.family == "llama"


def test_a_named_type_is_believed_about_positions_and_norms_but_not_about_heads_and_ties(read):
    typed = {**LLAMA, "model_type": "llama"}
    assert read({"model": {**typed, "rope": True, "norm": "x", "attention_type": "sdpa"}}).shape is not None
    for key in ({"n_kv_heads": 2}, {"qk_norm": True}, {"num_mtp_layers": 2, "mtp_layers": 2}, {"pad_vocab_size_multiple_of": 64}):
        assert read({"model": {**typed, **key}}).shape is None, key


def test_family_that_the_policy_names_is_taken_as_it_is(read):
    reading = read({"model": {**NANO, "rope": True}}, family="gpt2", model="model")
    assert reading.shape.family == "gpt2"


@pytest.mark.parametrize("path", ["my.pkg.LlamaConfig", "based.models.mamba.MambaConfig", "src.GPT2Config"])
def test_class_of_the_same_name_in_another_package_is_not_transformers(read, path):
    reading = read({"model": {"_target_": path, "num_hidden_layers": 4, "hidden_size": 256, "n_layer": 4, "n_embd": 256}}, model="model")
    assert reading.shape is None
    (unknown,) = [unknown for unknown in reading.unknowns if unknown.field == "family"]
    assert f"{path} is no class of transformers" in unknown.reason


def test_a_type_is_believed_less_where_the_class_is_the_repos_own(read):
    model = {**LLAMA, "model_type": "llama", "num_key_value_heads": 4, "head_dim": 16, "tie_word_embeddings": False}
    assert not read({"model": model}).origins["family"].assumed
    assert read({"model": {**model, "_target_": "my.models.Thing"}}).origins["family"].assumed


def test_names_of_sizes_alone_are_a_guess_at_the_family(read):
    assert read({"model": NANO}).origins["family"].assumed
    assert not read({"model": {**NANO, "model_type": "gpt2"}}).origins["family"].assumed


def test_vocabulary_beside_the_tokenizer_goes_before_the_default_of_a_class(read):
    model = {
        "num_hidden_layers": 2,
        "hidden_size": 64,
        "num_attention_heads": 4,
        "intermediate_size": 128,
        "architectures": ["BertForMaskedLM"],
    }
    assert read({"arch": model}).shape.vocab_size == 30522
    reading = read({"arch": model, "data": {"vocab_size": 32768}})
    assert (reading.shape.vocab_size, reading.origins["vocab_size"].assumed) == (32768, True)
