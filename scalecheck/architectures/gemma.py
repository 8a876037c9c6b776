"""Gemma (Gemma Team 2024, arXiv 2403.08295), as in transformers' ``GemmaForCausalLM``.

Llama's decoder with wide heads (``head_dim`` is free of the model's width) and a large vocabulary, whose head is tied to the embedding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of
from scalecheck.errors import ConfigError
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, switch
from scalecheck.parts import gated_mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("gemma",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Gemma's own switch: whether the four projections of attention carry biases."""

    family: str = "gemma"
    attention_bias: bool = False
    tie_word_embeddings: bool = True


KEYS = DECODER_KEYS | {"attention_bias": switch("attention_bias"), "bidirectional": switch("use_bidirectional_attention")}

# transformers 5.23.0, GemmaConfig: Gemma 7B.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 28,
    "hidden_size": 3072,
    "vocab_size": 256000,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "head_dim": 256,
    "intermediate_size": 24576,
    "attention_bias": False,
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing key-value heads; the width of a head does not follow from the model's and must be given.

    Raises:
        ConfigError: heads that cannot be grouped, or attention that looks both ways.
    """
    if values.get("bidirectional"):
        # transformers 5.23.0 drops the causal mask in its sdpa and flash backends, and keeps it in the eager one.
        message = "use_bidirectional_attention is true: which pairs of positions Gemma then scores depends on the attention backend"
        raise ConfigError(message)
    return derive_heads({name: value for name, value in values.items() if name != "hidden_size"})


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (*layers, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from attention(heads_of(shape, qkv_bias=shape.attention_bias, output_bias=shape.attention_bias), workload)
    yield rmsnorm("mlp_norm", shape.hidden_size)
    yield from gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length)
