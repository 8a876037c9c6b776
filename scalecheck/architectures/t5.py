"""T5 (Raffel et al. 2020, arXiv 1910.10683), as in transformers' ``T5ForConditionalGeneration``. Also T5 v1.1 and Flan-T5.

Encoder and decoder without biases, RMSNorm before every block, heads that need not add up to the width, and relative positions: one
table of distances x heads per stack, which its first layer holds and the others reuse. ``tie_word_embeddings=false`` is counted as the
published checkpoints of T5 v1.1 and Flan-T5 are, with a head of its own; transformers >= 5 ignores that key and builds the head tied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from scalecheck.attention import Heads, attention, cross_attention
from scalecheck.decoders import decoder
from scalecheck.errors import ConfigError
from scalecheck.facts import Head, ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, size, switch, text
from scalecheck.parts import embedding, gated_mlp, mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("t5",)
HEADS = ("seq2seq_lm",)
WITHOUT_EFFECT = ("add_cross_attention",)  # a decoder next to an encoder has it anyway


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """T5's own sizes; ``num_layers`` are the encoder's, ``relative_buckets`` the rows of a table of distances."""

    family: str = "t5"
    num_decoder_layers: int
    num_attention_heads: int
    head_dim: int
    intermediate_size: int
    relative_buckets: int = 32
    gated_mlp: bool = False
    tie_word_embeddings: bool = True
    head: Head = "seq2seq_lm"


# The general names come first: T5Config's attribute_map sets them last, so they win. ``num_layers_as_named`` is what the decoder's
# depth follows, because T5Config derives that before it looks at num_hidden_layers.
KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers", "num_layers"),
    "num_layers_as_named": size("num_layers"),
    "num_decoder_layers": size("num_decoder_layers"),
    "hidden_size": size("hidden_size", "d_model"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads", "num_heads"),
    "head_dim": size("head_dim", "d_kv"),
    "intermediate_size": size("d_ff"),
    "relative_buckets": size("relative_attention_num_buckets"),
    "feed_forward_proj": text("feed_forward_proj"),
    "gated_mlp": switch("is_gated_act"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, T5Config: the small model.
CLASS_DEFAULTS: dict[str, int | bool | str] = {
    "num_layers": 6,
    "num_layers_as_named": 6,
    "hidden_size": 512,
    "vocab_size": 32128,
    "num_attention_heads": 8,
    "head_dim": 64,
    "intermediate_size": 2048,
    "relative_buckets": 32,
    "feed_forward_proj": "relu",
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the decoder's depth and whether the MLP is gated, where they follow from ``values``.

    Raises:
        ConfigError: a feed_forward_proj that is neither an activation nor ``gated-`` and one.
    """
    derived: Derived = {}
    num_layers, projection = values.get("num_layers_as_named", values.get("num_layers")), values.get("feed_forward_proj")
    if values.get("num_decoder_layers") is None and num_layers is not None:
        derived["num_decoder_layers"] = (num_layers, f"as many as num_layers {num_layers}")
    if projection is not None:
        gate, dash, activation = projection.rpartition("-")
        if dash and (gate != "gated" or not activation):
            message = f"feed_forward_proj={projection!r} is neither an activation, such as relu, nor a gated one, such as gated-gelu"
            raise ConfigError(message)
        if values.get("gated_mlp") is None:
            derived["gated_mlp"] = (bool(dash), f"feed_forward_proj is {projection}")
    return derived


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: the token table that both stacks share, encoder, decoder, the head."""
    source = workload.sequence_length if workload.source_length is None else workload.source_length
    stacks = (*_encoder(shape, replace(workload, sequence_length=source)), *_decoder(shape, workload, source))
    yield from decoder(shape, workload, stacks)


def _encoder(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield _relative_positions(shape, "encoder")
    layer = (
        rmsnorm("encoder.attention_norm", shape.hidden_size),
        *attention(_heads(shape), workload, "encoder.attention", causal=False),
        *_mlp(shape, "encoder", workload.sequence_length),
    )
    yield from repeat(layer, shape.num_layers)
    yield rmsnorm("encoder.final_norm", shape.hidden_size)


def _decoder(shape: Shape, workload: Workload, source: int) -> Iterator[Part]:
    yield _relative_positions(shape, "decoder")
    layer = (
        rmsnorm("decoder.attention_norm", shape.hidden_size),
        *attention(_heads(shape), workload, "decoder.attention"),
        rmsnorm("decoder.cross_attention_norm", shape.hidden_size),
        *cross_attention(_heads(shape), workload.sequence_length, source, "decoder.cross_attention"),
        *_mlp(shape, "decoder", workload.sequence_length),
    )
    yield from repeat(layer, shape.num_decoder_layers)
    yield rmsnorm("decoder.final_norm", shape.hidden_size)


def _relative_positions(shape: Shape, stack: str) -> Part:
    return embedding(f"{stack}.relative_positions", shape.relative_buckets, shape.num_attention_heads, kind="position_embedding")


def _mlp(shape: Shape, stack: str, tokens: int) -> Iterator[Part]:
    block = gated_mlp if shape.gated_mlp else mlp
    yield rmsnorm(f"{stack}.mlp_norm", shape.hidden_size)
    yield from block(shape.hidden_size, shape.intermediate_size, tokens=tokens, name=f"{stack}.mlp")


def _heads(shape: Shape) -> Heads:
    return Heads(
        hidden_size=shape.hidden_size,
        num_heads=shape.num_attention_heads,
        num_key_value_heads=shape.num_attention_heads,
        head_dim=shape.head_dim,
    )
