"""Whisper (Radford et al. 2022, arXiv 2212.04356), as in transformers' ``WhisperForConditionalGeneration``.

Two convolutions over a spectrogram, then an encoder and a decoder with LayerNorm before every block, biases on all but the keys, and a
frozen table of sines as the encoder's positions. The encoder always sees the whole table: its length is ``max_source_positions``, that of
the spectrogram twice as much (the second convolution halves it), and ``Workload.source_length`` has no say; ``sequence_length`` is the
decoder's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scalecheck.attention import attention, cross_attention, even_heads
from scalecheck.decoders import decoder
from scalecheck.encoder_decoders import ENCODER_DECODER_KEYS, EncoderDecoderShape, derive_stacks
from scalecheck.facts import Head, Part, Workload
from scalecheck.keys import size
from scalecheck.parts import convolution, embedding, layernorm, mlp, repeat, without_input_gradient
from scalecheck.values import dataclass

MODEL_TYPES = ("whisper",)
HEADS = ("speech_seq2seq",)
WITHOUT_EFFECT = ("add_cross_attention",)  # a decoder next to an encoder has it anyway
KERNEL = 3  # taps of both convolutions, fixed in WhisperEncoder
STRIDE = 2  # of the second one


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(EncoderDecoderShape):
    """Whisper's own sizes: the bins of its spectrogram, and the rows of the position tables of encoder and decoder."""

    family: str = "whisper"
    num_mel_bins: int
    max_source_positions: int
    max_target_positions: int
    head: Head = "speech_seq2seq"


KEYS = ENCODER_DECODER_KEYS | {
    "num_mel_bins": size("num_mel_bins"),
    "max_source_positions": size("max_source_positions"),
    "max_target_positions": size("max_target_positions"),
}

# transformers 5.23.0, WhisperConfig: the tiny model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 4,
    "num_decoder_layers": 4,
    "hidden_size": 384,
    "vocab_size": 51865,
    "num_attention_heads": 6,
    "num_decoder_attention_heads": 6,
    "intermediate_size": 1536,
    "decoder_intermediate_size": 1536,
    "num_mel_bins": 80,
    "max_source_positions": 1500,
    "max_target_positions": 448,
    "tie_word_embeddings": True,
}


derive = derive_stacks


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: the decoder's token table, the convolutions, encoder, decoder, the head."""
    encoded = replace(workload, sequence_length=shape.max_source_positions)
    yield from decoder(shape, workload, (*_stem(shape), *_encoder(shape, encoded), *_decoder(shape, workload)))


def _stem(shape: Shape) -> Iterator[Part]:
    width, positions = shape.hidden_size, shape.max_source_positions
    first = convolution("encoder.convolution_1", (shape.num_mel_bins, width), KERNEL, outputs=STRIDE * positions, bias=True)
    yield from without_input_gradient(first)
    yield from convolution("encoder.convolution_2", (width, width), KERNEL, outputs=positions, bias=True)
    yield embedding("encoder.position_embedding", positions, width, kind="position_embedding", frozen=True)


def _encoder(shape: Shape, workload: Workload) -> Iterator[Part]:
    heads = even_heads(shape.hidden_size, shape.num_attention_heads, key_bias=False)
    layer = (
        layernorm("encoder.attention_norm", shape.hidden_size),
        *attention(heads, workload, "encoder.attention", causal=False),
        layernorm("encoder.mlp_norm", shape.hidden_size),
        *mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=True, name="encoder.mlp"),
    )
    yield from repeat(layer, shape.num_layers)
    yield layernorm("encoder.final_norm", shape.hidden_size)


def _decoder(shape: Shape, workload: Workload) -> Iterator[Part]:
    heads, tokens = even_heads(shape.hidden_size, shape.num_decoder_attention_heads, key_bias=False), workload.sequence_length
    yield embedding("decoder.position_embedding", shape.max_target_positions, shape.hidden_size, kind="position_embedding")
    layer = (
        layernorm("decoder.attention_norm", shape.hidden_size),
        *attention(heads, workload, "decoder.attention"),
        layernorm("decoder.cross_attention_norm", shape.hidden_size),
        *cross_attention(heads, tokens, shape.max_source_positions, "decoder.cross_attention"),
        layernorm("decoder.mlp_norm", shape.hidden_size),
        *mlp(shape.hidden_size, shape.decoder_intermediate_size, tokens=tokens, bias=True, name="decoder.mlp"),
    )
    yield from repeat(layer, shape.num_decoder_layers)
    yield layernorm("decoder.final_norm", shape.hidden_size)
