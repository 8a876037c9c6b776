"""BART (Lewis et al. 2020, arXiv 1910.13461), as in transformers' ``BartForConditionalGeneration``.

Encoder and decoder with biases everywhere, a LayerNorm behind every block and one behind the embeddings, none at the end, and learned
positions. The bias of the logits is a buffer there, not a parameter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scalecheck.attention import attention, cross_attention, even_heads
from scalecheck.facts import Head, ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, check_heads_divide, size, switch
from scalecheck.parts import embedding, layernorm, lm_head, mlp, repeat

MODEL_TYPES = ("bart",)
HEADS = ("seq2seq_lm",)
WITHOUT_EFFECT = ("add_cross_attention",)  # a decoder next to an encoder has it anyway
POSITION_OFFSET = 2  # rows in front of position 0, left from fairseq's padding index: BartLearnedPositionalEmbedding


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """BART's own sizes; those without ``decoder`` in the name are the encoder's. Both stacks have a table of ``max_positions`` + 2 rows."""

    family: str = "bart"
    num_decoder_layers: int
    num_attention_heads: int
    num_decoder_attention_heads: int
    intermediate_size: int
    decoder_intermediate_size: int
    max_positions: int
    tie_word_embeddings: bool = True
    head: Head = "seq2seq_lm"


# The general names come first: BartConfig's attribute_map sets them last, so they win.
KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers", "encoder_layers"),
    "num_decoder_layers": size("decoder_layers"),
    "hidden_size": size("hidden_size", "d_model"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads", "encoder_attention_heads"),
    "num_decoder_attention_heads": size("decoder_attention_heads"),
    "intermediate_size": size("encoder_ffn_dim"),
    "decoder_intermediate_size": size("decoder_ffn_dim"),
    "max_positions": size("max_position_embeddings"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, BartConfig: the large model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 12,
    "num_decoder_layers": 12,
    "hidden_size": 1024,
    "vocab_size": 50265,
    "num_attention_heads": 16,
    "num_decoder_attention_heads": 16,
    "intermediate_size": 4096,
    "decoder_intermediate_size": 4096,
    "max_positions": 1024,
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return nothing: every size is told.

    Raises:
        ConfigError: the heads of a stack do not divide the width.
    """
    check_heads_divide(values, "num_attention_heads", "num_decoder_attention_heads")
    return {}


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: the token table, encoder, decoder, the head."""
    source = workload.sequence_length if workload.source_length is None else workload.source_length
    # transformers 5 unties all three together: each stack then has a table of its own, and the one that they shared is left over, unused.
    tables, used = (1, 1) if shape.tie_word_embeddings else (3, 2)
    yield from repeat([embedding("token_embedding", shape.vocab_size, shape.hidden_size)], tables, used)
    yield from _encoder(shape, replace(workload, sequence_length=source))
    yield from _decoder(shape, workload, source)
    yield lm_head(shape.hidden_size, shape.vocab_size, tokens=workload.sequence_length, tied=shape.tie_word_embeddings)


def _encoder(shape: Shape, workload: Workload) -> Iterator[Part]:
    heads = even_heads(shape.hidden_size, shape.num_attention_heads)
    yield from _embedded(shape, "encoder")
    layer = (
        *attention(heads, workload, "encoder.attention", causal=False),
        layernorm("encoder.attention_norm", shape.hidden_size),
        *mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=True, name="encoder.mlp"),
        layernorm("encoder.mlp_norm", shape.hidden_size),
    )
    yield from repeat(layer, shape.num_layers)


def _decoder(shape: Shape, workload: Workload, source: int) -> Iterator[Part]:
    heads, tokens = even_heads(shape.hidden_size, shape.num_decoder_attention_heads), workload.sequence_length
    yield from _embedded(shape, "decoder")
    layer = (
        *attention(heads, workload, "decoder.attention"),
        layernorm("decoder.attention_norm", shape.hidden_size),
        *cross_attention(heads, tokens, source, "decoder.cross_attention"),
        layernorm("decoder.cross_attention_norm", shape.hidden_size),
        *mlp(shape.hidden_size, shape.decoder_intermediate_size, tokens=tokens, bias=True, name="decoder.mlp"),
        layernorm("decoder.mlp_norm", shape.hidden_size),
    )
    yield from repeat(layer, shape.num_decoder_layers)


def _embedded(shape: Shape, stack: str) -> Iterator[Part]:
    rows = shape.max_positions + POSITION_OFFSET
    yield embedding(f"{stack}.position_embedding", rows, shape.hidden_size, kind="position_embedding")
    yield layernorm(f"{stack}.embedding_norm", shape.hidden_size)
