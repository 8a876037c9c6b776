"""Phi-3 and Phi-4 (Abdin et al. 2024, arXiv 2404.14219 and 2412.08905), as in transformers' ``Phi3ForCausalLM``.

Llama's decoder without biases. Query, key and value are one matrix there, and so are gate and up: the sums are the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, llama_layer, windowed_scores
from scalecheck.facts import Part, Workload
from scalecheck.keys import size
from scalecheck.parts import repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("phi3",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Phi-3's own size: the window of all layers, ``None`` for none."""

    family: str = "phi3"
    sliding_window: int | None = None


KEYS = DECODER_KEYS | {"sliding_window": size("sliding_window")}

# transformers 5.23.0, Phi3Config: Phi-3-mini, but without its window of 2047.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 32,
    "hidden_size": 3072,
    "vocab_size": 32064,
    "num_attention_heads": 32,
    "intermediate_size": 8192,
    "tie_word_embeddings": False,
}

derive = derive_heads


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(llama_layer(shape, workload.sequence_length), shape.num_layers)
    scored = windowed_scores(shape, workload, shape.sliding_window, shape.num_layers)
    yield from decoder(shape, workload, (*layers, *scored, rmsnorm("final_norm", shape.hidden_size)))
