"""What BERT and its relatives have in common: their sizes, the post-norm stack between table and head, and the masked-LM head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import Heads, attention, even_heads
from scalecheck.errors import ConfigError
from scalecheck.facts import Head, ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, even_head_dim, size, switch, text
from scalecheck.parts import embedding, layernorm, linear, lm_head, mlp, repeat
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderShape(ModelShape):
    """The sizes of an encoder. ``max_positions`` is the rows of the position table, not the sequence length of a run.

    ``is_decoder`` masks what comes later; it changes no parameter.
    """

    num_attention_heads: int
    intermediate_size: int
    max_positions: int | None
    type_vocab_size: int = 0
    is_decoder: bool = False
    tie_word_embeddings: bool = True
    head: Head = "masked_lm"


# The last two are read only to refuse what they stand for: see derive_encoder.
ENCODER_KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads"),
    "intermediate_size": size("intermediate_size"),
    "max_positions": size("max_position_embeddings"),
    "type_vocab_size": size("type_vocab_size"),
    "is_decoder": switch("is_decoder"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
    "position_embedding_type": text("position_embedding_type"),
    "add_cross_attention": switch("add_cross_attention"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedHead:
    """The head of Devlin et al. 2019, appendix A.1 in code: a dense layer and a norm, then the projection to the vocabulary.

    The dense layer leads from the width of the stack to that of the token table. ``decoder_biases`` counts the vectors of
    one bias per token that are stored.
    """

    hidden_size: int
    table_width: int
    vocab_size: int | None
    tied: bool
    dense_bias: bool = True
    norm_bias: bool = True
    decoder_biases: int = 1


def derive_encoder(values: Mapping[str, Any]) -> Derived:
    """Derive nothing: every size of these encoders has a default of its own. What cannot be counted is refused.

    Raises:
        ConfigError: heads that do not divide the width, cross attention, or positions that are not a plain table.
    """
    hidden_size, num_heads = values.get("hidden_size"), values.get("num_attention_heads")
    if hidden_size is not None and num_heads is not None:
        even_head_dim(hidden_size, num_heads)
    if values.get("add_cross_attention"):
        message = "add_cross_attention=True makes this one half of an encoder-decoder, which is not counted; only False is"
        raise ConfigError(message)
    positions = values.get("position_embedding_type", "absolute")
    if positions != "absolute":
        # transformers up to 4 stores a table of distances in every layer for the relative kinds, transformers 5 ignores the key.
        message = f"position_embedding_type is {positions!r}, whose parameters depend on transformers' release; only 'absolute' is counted"
        raise ConfigError(message)
    return {}


def heads_of(shape: EncoderShape) -> Heads:
    """Return the geometry of an encoder's attention: one key per head, biases everywhere."""
    return even_heads(shape.hidden_size, shape.num_attention_heads)


def encoder(shape: EncoderShape, workload: Workload, *, decoder_biases: int = 1) -> Iterator[Part]:
    """Yield the whole ledger of a BERT: tables and their norm, the layers, the masked-LM head."""
    width = shape.hidden_size
    yield embedding("token_embedding", shape.vocab_size, width)
    yield embedding("position_embedding", shape.max_positions, width, kind="position_embedding")
    if shape.type_vocab_size:
        yield embedding("token_type_embedding", shape.type_vocab_size, width, kind="token_type_embedding")
    yield layernorm("embedding_norm", width)
    yield from repeat(_layer(shape, workload), shape.num_layers)
    head = MaskedHead(
        hidden_size=width,
        table_width=width,
        vocab_size=shape.vocab_size,
        tied=shape.tie_word_embeddings,
        decoder_biases=decoder_biases,
    )
    yield from masked_lm_head(head, workload.sequence_length)


def _layer(shape: EncoderShape, workload: Workload) -> Iterator[Part]:
    yield from attention(heads_of(shape), workload, causal=shape.is_decoder)
    yield layernorm("attention_norm", shape.hidden_size)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=True)
    yield layernorm("mlp_norm", shape.hidden_size)


def masked_lm_head(head: MaskedHead, tokens: int) -> Iterator[Part]:
    """Yield a masked-LM head; every position is projected, as in transformers, though only the masked ones enter the loss."""
    yield from linear("lm_head.transform", head.hidden_size, head.table_width, tokens=tokens, bias=head.dense_bias)
    yield layernorm("lm_head.norm", head.table_width, bias=head.norm_bias)
    yield lm_head(head.table_width, head.vocab_size, tokens=tokens, tied=head.tied)
    if head.decoder_biases:
        yield Part(name="lm_head.bias", kind="bias", params=head.vocab_size, copies=head.decoder_biases)
