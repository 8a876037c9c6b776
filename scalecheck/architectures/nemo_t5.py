"""NeMo's T5 (Raffel et al. 2020, arXiv 1910.10683): ``MegatronT5Model`` of NVIDIA/NeMo, 1.x and 2.x; its BART is built by the same class.

The class is ``MegatronLMEncoderDecoderModel`` (nemo/collections/nlp/models/language_modeling/megatron_lm_encoder_decoder_model.py). It
builds Megatron core's ``T5Model`` (megatron/core/models/T5) where ``mcore_t5`` is true, else ``MegatronTokenLevelEncoderDecoderModule`` of
its own; with shared token tables both hold one table of tokens and one of positions for both stacks, and a bias per row on a tied head.
Unlike the published T5 it has by default biases, LayerNorms with an offset, and positions in a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from scalecheck.attention import Heads, attention, cross_attention
from scalecheck.errors import ConfigError
from scalecheck.facts import Head, ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, even_head_dim, size, switch, text
from scalecheck.parts import embedding, gated_mlp, layernorm, lm_head, mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES: tuple[str, ...] = ()
HEADS = ("seq2seq_lm",)

_STACK: dict[str, Any] = {
    "hidden_size": 768,
    "ffn_hidden_size": 2048,
    "num_layers": 12,
    "num_attention_heads": 12,
    "kv_channels": 64,
    "activation": "geglu",
}
# launcher_scripts/conf/training/t5/220m.yaml of NVIDIA/NeMo-Framework-Launcher, with the vocabulary of its tokenizer written out.
EXAMPLE: dict[str, Any] = {
    "model": {
        "mcore_t5": True,
        "megatron_amp_O2": True,
        "tensor_model_parallel_size": 1,
        "make_vocab_size_divisible_by": 128,
        "seq_length": 512,
        "max_position_embeddings": 512,
        "encoder": _STACK | {"activation": "geglu"},
        "decoder": _STACK | {"activation": "geglu"},
        "share_token_embeddings": True,
        "share_decoder_tokens_head_embeddings": True,
        "vocab_size": 29096,
    }
}

GATED = ("swiglu", "geglu", "reglu", "fast-swiglu", "fast-geglu", "fast-reglu")
PLAIN = ("gelu", "approx-gelu", "squared-relu")
_NORM_BIAS = {"layernorm": True, "layernorm1p": True, "rmsnorm": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """The sizes of both stacks; those without ``decoder`` in the name are the encoder's. ``vocab_size`` is the tokenizer's, unpadded.

    ``max_positions`` is the rows of the position table, ``None`` where positions are relative: then each stack has a table of
    ``relative_buckets`` distances. ``token_tables`` is 2 where the decoder has one of its own, with its positions.
    """

    family: str = "nemo_t5"
    num_decoder_layers: int
    num_attention_heads: int
    num_decoder_attention_heads: int
    head_dim: int
    decoder_head_dim: int
    intermediate_size: int
    decoder_intermediate_size: int
    max_positions: int | None = None
    relative_buckets: int | None = None
    vocab_multiple: int = 128
    token_tables: int = 1
    gated_mlp: bool = False
    decoder_gated_mlp: bool = False
    bias: bool = True
    norm_bias: bool = True
    head_bias: bool = True
    tie_word_embeddings: bool = True
    head: Head = "seq2seq_lm"


# The bare names are those of configs from before the stacks had nodes of their own.
KEYS: dict[str, Key] = {
    "num_layers": size("num_layers", "encoder.num_layers"),
    "num_decoder_layers": size("decoder.num_layers"),
    "hidden_size": size("hidden_size", "encoder.hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("encoder.num_attention_heads"),
    "num_decoder_attention_heads": size("decoder.num_attention_heads"),
    "head_dim": size("encoder.kv_channels"),
    "decoder_head_dim": size("decoder.kv_channels"),
    "intermediate_size": size("encoder.ffn_hidden_size"),
    "decoder_intermediate_size": size("decoder.ffn_hidden_size"),
    "decoder_hidden_size": size("decoder.hidden_size"),
    "activation": text("encoder.activation"),
    "decoder_activation": text("decoder.activation"),
    "bias": switch("encoder.bias"),
    "decoder_bias": switch("decoder.bias"),
    "normalization": text("encoder.normalization"),
    "decoder_normalization": text("decoder.normalization"),
    "position_embedding_type": text("encoder.position_embedding_type"),
    "decoder_position_embedding_type": text("decoder.position_embedding_type"),
    "buckets": size("encoder.relative_attention_num_buckets"),
    "decoder_buckets": size("decoder.relative_attention_num_buckets"),
    "max_position_embeddings": size("max_position_embeddings"),
    "vocab_divisor": size("make_vocab_size_divisible_by"),
    "tensor_parallel": size("tensor_model_parallel_size"),
    "mcore_t5": switch("mcore_t5"),
    "shared_tables": switch("share_token_embeddings"),
    "tokens_head_bias": switch("tokens_head_bias"),
    "tie_word_embeddings": switch("share_decoder_tokens_head_embeddings"),
}

# MegatronLMEncoderDecoderModel of NeMo 2.0, where it asks the config with a default of its own.
CLASS_DEFAULTS: dict[str, int | bool | str] = {
    "activation": "gelu",
    "decoder_activation": "gelu",
    "bias": True,
    "decoder_bias": True,
    "normalization": "layernorm",
    "decoder_normalization": "layernorm",
    "position_embedding_type": "learned_absolute",
    "decoder_position_embedding_type": "learned_absolute",
    "vocab_divisor": 128,
    "tensor_parallel": 1,
    "mcore_t5": False,
    "shared_tables": True,
    "tokens_head_bias": True,
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return what the options make of both stacks, each with its reason.

    Raises:
        ConfigError: sizes of which no model can be built, stacks that differ where they are counted alike, and options not counted.
    """
    _check_alike(values)
    derived = _stack(values, "") | _stack(values, "decoder_") | _positions(values)
    norm = values.get("normalization", "layernorm")
    if norm.lower() not in _NORM_BIAS:
        message = f"normalization is {norm!r}; counted are layernorm, layernorm1p and rmsnorm"
        raise ConfigError(message)
    derived["norm_bias"] = (_NORM_BIAS[norm.lower()], f"normalization is {norm}")
    divisor, parallel = values.get("vocab_divisor", 128), values.get("tensor_parallel", 1)
    multiple = f"make_vocab_size_divisible_by {divisor} x tensor_model_parallel_size {parallel}"
    derived["vocab_multiple"] = (divisor * parallel, multiple)
    is_shared, is_tied = values.get("shared_tables", True), values.get("tie_word_embeddings", True)
    derived["token_tables"] = (1 if is_shared else 2, f"share_token_embeddings is {is_shared}")
    # Core gives a bias to a tied head alone; NeMo's own model asks for it in tokens_head_bias.
    has_bias = is_tied if values.get("mcore_t5") else values.get("tokens_head_bias", True)
    return derived | {"head_bias": (has_bias, "a tied head of Megatron core" if values.get("mcore_t5") else "tokens_head_bias")}


def _check_alike(values: Mapping[str, Any]) -> None:
    is_core, message = values.get("mcore_t5"), ""
    names = ["hidden_size", "bias", "normalization", "position_embedding_type"]
    if is_core:  # core builds the decoder with the encoder's options
        names += ["activation", "num_attention_heads", "head_dim", "intermediate_size"]
    for name in names:
        other = "num_decoder_attention_heads" if name == "num_attention_heads" else f"decoder_{name}"
        mine, theirs = values.get(name), values.get(other)
        if mine is not None and theirs is not None and mine != theirs:
            message = f"{name} is {mine!r} in the encoder and {theirs!r} in the decoder: only stacks that agree are counted"
    if is_core and not values.get("shared_tables", True):
        message = "share_token_embeddings is false, and Megatron core's T5 shares them always: set mcore_t5=false"
    if message:
        raise ConfigError(message)


def _stack(values: Mapping[str, Any], prefix: str) -> Derived:
    derived: Derived = {}
    activation = values.get(f"{prefix}activation", "gelu")
    if activation not in (*GATED, *PLAIN):
        message = f"{prefix}activation is {activation!r}; Megatron's are {', '.join((*PLAIN, *GATED))}"
        raise ConfigError(message)
    derived[f"{prefix}gated_mlp"] = (activation in GATED, f"activation is {activation}")
    heads = values.get("num_decoder_attention_heads" if prefix else "num_attention_heads")
    hidden_size = values.get("hidden_size")
    if hidden_size is not None and heads is not None and values.get(f"{prefix}head_dim") is None:
        derived[f"{prefix}head_dim"] = (even_head_dim(hidden_size, heads), f"hidden_size {hidden_size} / num_attention_heads {heads}")
    return derived


def _positions(values: Mapping[str, Any]) -> Derived:
    kind, rows = values.get("position_embedding_type", "learned_absolute"), values.get("max_position_embeddings")
    buckets, others = values.get("buckets"), values.get("decoder_buckets")
    message = ""
    if kind == "learned_absolute" and rows is not None:
        return {"max_positions": (rows, f"max_position_embeddings {rows}, one table for both stacks")}
    if kind == "relative" and not values.get("mcore_t5") and buckets is not None and buckets == others:
        return {"relative_buckets": (buckets, f"relative_attention_num_buckets {buckets}")}
    if kind in ("alibi", "none", "rope") and not (kind == "rope" and not values.get("mcore_t5")):
        return {}
    if kind == "learned_absolute":
        message = "max_position_embeddings, the rows of the position table, is not set"
    elif kind == "relative":
        message = (
            "position_embedding_type is 'relative': counted with mcore_t5=false and as many relative_attention_num_buckets in both stacks"
        )
    else:
        message = f"position_embedding_type is {kind!r}, which is not counted"
    raise ConfigError(message)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: the tables, encoder, decoder, the head; an encoder whose length is not told is as long as the decoder."""
    source = workload.sequence_length if workload.source_length is None else workload.source_length
    rows = None if shape.vocab_size is None else -(-shape.vocab_size // shape.vocab_multiple) * shape.vocab_multiple
    yield from repeat([embedding("token_embedding", rows, shape.hidden_size)], shape.token_tables)
    if shape.max_positions is not None:
        table = embedding("position_embedding", shape.max_positions, shape.hidden_size, kind="position_embedding")
        yield from repeat([table], shape.token_tables)
    yield from _encoder(shape, replace(workload, sequence_length=source))
    yield from _decoder(shape, workload, source)
    yield lm_head(shape.hidden_size, rows, tokens=workload.sequence_length, tied=shape.tie_word_embeddings)
    if shape.head_bias:
        yield Part(
            name="lm_head.bias", kind="output_embedding", params=rows
        )  # as many as rows: unknown with them, and no more of the stacks


def _encoder(shape: Shape, workload: Workload) -> Iterator[Part]:
    heads = _heads(shape, shape.num_attention_heads, shape.head_dim)
    block = gated_mlp if shape.gated_mlp else mlp
    yield from _relative(shape, "encoder", shape.num_attention_heads)
    layer = (
        _norm("encoder.attention_norm", shape),
        *attention(heads, workload, "encoder.attention", causal=False),
        _norm("encoder.mlp_norm", shape),
        *block(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=shape.bias, name="encoder.mlp"),
    )
    yield from repeat(layer, shape.num_layers)
    yield _norm("encoder.final_norm", shape)


def _decoder(shape: Shape, workload: Workload, source: int) -> Iterator[Part]:
    heads, tokens = _heads(shape, shape.num_decoder_attention_heads, shape.decoder_head_dim), workload.sequence_length
    block = gated_mlp if shape.decoder_gated_mlp else mlp
    yield from _relative(shape, "decoder", shape.num_decoder_attention_heads)
    layer = (
        _norm("decoder.attention_norm", shape),
        *attention(heads, workload, "decoder.attention"),
        _norm("decoder.cross_attention_norm", shape),
        *cross_attention(heads, tokens, source, "decoder.cross_attention"),
        _norm("decoder.mlp_norm", shape),
        *block(shape.hidden_size, shape.decoder_intermediate_size, tokens=tokens, bias=shape.bias, name="decoder.mlp"),
    )
    yield from repeat(layer, shape.num_decoder_layers)
    yield _norm("decoder.final_norm", shape)


def _relative(shape: Shape, stack: str, num_heads: int) -> Iterator[Part]:
    if shape.relative_buckets is not None:
        yield embedding(f"{stack}.relative_positions", shape.relative_buckets, num_heads, kind="position_embedding")


def _heads(shape: Shape, num_heads: int, head_dim: int) -> Heads:
    return Heads(
        hidden_size=shape.hidden_size,
        num_heads=num_heads,
        num_key_value_heads=num_heads,
        head_dim=head_dim,
        qkv_bias=shape.bias,
        output_bias=shape.bias,
    )


def _norm(name: str, shape: Shape) -> Part:
    return layernorm(name, shape.hidden_size) if shape.norm_bias else rmsnorm(name, shape.hidden_size)
