"""Mistral (Jiang et al. 2023, arXiv 2310.06825), as in transformers' ``MistralForCausalLM``.

Llama's decoder without biases; every layer sees a sliding window, if there is one (the first 7B model has one, later models have none).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scalecheck.attention import Window, layered_scores, projections
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of
from scalecheck.facts import Part, Workload
from scalecheck.keys import size
from scalecheck.parts import gated_mlp, repeat, rmsnorm

MODEL_TYPES = ("mistral",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Mistral's own size: the window of all layers, ``None`` for none."""

    family: str = "mistral"
    sliding_window: int | None = None


KEYS = DECODER_KEYS | {"sliding_window": size("sliding_window")}

# transformers 5.23.0, MistralConfig: Mistral-7B-v0.1.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 32,
    "hidden_size": 4096,
    "vocab_size": 32000,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "tie_word_embeddings": False,
    "sliding_window": 4096,
}

derive = derive_heads


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload.sequence_length), shape.num_layers)
    window = None if shape.sliding_window is None else Window(width=shape.sliding_window)
    scored = layered_scores(heads_of(shape), workload, shape.num_layers, shape.num_layers if window else 0, window)
    yield from decoder(shape, workload, (*layers, *scored, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape), tokens)
    yield rmsnorm("mlp_norm", shape.hidden_size)
    yield from gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=tokens)
