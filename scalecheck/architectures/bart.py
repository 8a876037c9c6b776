"""BART (Lewis et al. 2020, arXiv 1910.13461), as in transformers' ``BartForConditionalGeneration``.

Encoder and decoder with biases everywhere, a LayerNorm behind every block and one behind the embeddings, none at the end, and learned
positions. The bias of the logits is a buffer there, not a parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scalecheck.attention import attention, cross_attention, even_heads
from scalecheck.encoder_decoders import ENCODER_DECODER_KEYS, EncoderDecoderShape, derive_stacks
from scalecheck.facts import Head, Part, Workload
from scalecheck.keys import size
from scalecheck.parts import embedding, layernorm, lm_head, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("bart",)
HEADS = ("seq2seq_lm",)
WITHOUT_EFFECT = ("add_cross_attention",)  # a decoder next to an encoder has it anyway
POSITION_OFFSET = 2  # rows in front of position 0, left from fairseq's padding index: BartLearnedPositionalEmbedding


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(EncoderDecoderShape):
    """BART's own sizes: both stacks have a table of ``max_positions`` + 2 rows."""

    family: str = "bart"
    max_positions: int
    head: Head = "seq2seq_lm"


KEYS = ENCODER_DECODER_KEYS | {"max_positions": size("max_position_embeddings")}

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


derive = derive_stacks


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
