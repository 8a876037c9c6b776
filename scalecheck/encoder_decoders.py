"""What BART and Whisper have in common: two stacks of one width, each with its own depth, heads and MLP; how their configs name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scalecheck.facts import ModelShape
from scalecheck.keys import Derived, Key, check_heads_divide, size, switch
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderDecoderShape(ModelShape):
    """The sizes of both stacks; those without ``decoder`` in the name are the encoder's."""

    num_decoder_layers: int
    num_attention_heads: int
    num_decoder_attention_heads: int
    intermediate_size: int
    decoder_intermediate_size: int
    tie_word_embeddings: bool = True


# The general names come first: the config classes' attribute_map sets them last, so they win.
ENCODER_DECODER_KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers", "encoder_layers"),
    "num_decoder_layers": size("decoder_layers"),
    "hidden_size": size("hidden_size", "d_model"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads", "encoder_attention_heads"),
    "num_decoder_attention_heads": size("decoder_attention_heads"),
    "intermediate_size": size("encoder_ffn_dim"),
    "decoder_intermediate_size": size("decoder_ffn_dim"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}


def derive_stacks(values: Mapping[str, Any]) -> Derived:
    """Return nothing: every size is told.

    Raises:
        ConfigError: the heads of a stack do not divide the width.
    """
    check_heads_divide(values, "num_attention_heads", "num_decoder_attention_heads")
    return {}
