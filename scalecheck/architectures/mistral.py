"""Mistral (Jiang et al. 2023, arXiv 2310.06825), as in transformers' ``MistralForCausalLM``.

Llama's decoder without biases; every layer sees a sliding window, if there is one (the first 7B model has one, later models have none).
"""

from __future__ import annotations

from collections.abc import Iterator

from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, llama_layer, windowed_scores
from scalecheck.facts import Part, Workload
from scalecheck.keys import size
from scalecheck.parts import repeat, rmsnorm
from scalecheck.values import dataclass

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
    layers = repeat(llama_layer(shape, workload.sequence_length), shape.num_layers)
    scored = windowed_scores(shape, workload, shape.sliding_window, shape.num_layers)
    yield from decoder(shape, workload, (*layers, *scored, rmsnorm("final_norm", shape.hidden_size)))
