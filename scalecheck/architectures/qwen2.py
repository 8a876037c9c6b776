"""Qwen2 and Qwen2.5 (Yang et al. 2024, arXiv 2407.10671 and 2412.15115), as in transformers' ``Qwen2ForCausalLM``.

Llama's decoder with biases on query, key and value, always. The last layers can have a sliding window; it is off by default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, derive_last_windows, llama_layer, windowed_scores
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, count, size, switch, texts
from scalecheck.parts import repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("qwen2",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Qwen2's own sizes; ``windowed_layers`` of the layers see ``sliding_window`` positions, the others all."""

    family: str = "qwen2"
    sliding_window: int | None = None
    windowed_layers: int = 0


KEYS = DECODER_KEYS | {
    "sliding_window": size("sliding_window"),
    "use_sliding_window": switch("use_sliding_window"),
    "max_window_layers": count("max_window_layers"),
    "layer_types": texts("layer_types"),
}

# transformers 5.23.0, Qwen2Config: no released model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 32,
    "hidden_size": 4096,
    "vocab_size": 151936,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "intermediate_size": 22016,
    "tie_word_embeddings": False,
    "sliding_window": 4096,
    "use_sliding_window": False,
    "max_window_layers": 28,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``: those of ``derive_heads``, and the layers with a window.

    Raises:
        ConfigError: heads that cannot be grouped, or layer types that do not fit.
    """
    return derive_heads(values) | derive_last_windows(values)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(llama_layer(shape, workload.sequence_length, qkv_bias=True), shape.num_layers)
    scored = windowed_scores(shape, workload, shape.sliding_window, shape.windowed_layers)
    yield from decoder(shape, workload, (*layers, *scored, rmsnorm("final_norm", shape.hidden_size)))
