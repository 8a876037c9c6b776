"""Qwen3 (Yang et al. 2025, arXiv 2505.09388), its dense models, as in transformers' ``Qwen3ForCausalLM``.

Qwen2 without its biases, but with RMSNorms on each head's queries and keys, and with a ``head_dim`` that is free of the model's width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import projections
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, derive_last_windows, heads_of, windowed_scores
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, count, size, switch, texts
from scalecheck.parts import gated_mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("qwen3",)
HEADS = ("causal_lm",)
WITHOUT_EFFECT = ("use_qk_norm",)  # the norms are always there


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Qwen3's own sizes; ``windowed_layers`` of the layers see ``sliding_window`` positions, the others all."""

    family: str = "qwen3"
    attention_bias: bool = False
    sliding_window: int | None = None
    windowed_layers: int = 0


KEYS = DECODER_KEYS | {
    "attention_bias": switch("attention_bias"),
    "sliding_window": size("sliding_window"),
    "use_sliding_window": switch("use_sliding_window"),
    "max_window_layers": count("max_window_layers"),
    "layer_types": texts("layer_types"),
}

# transformers 5.23.0, Qwen3Config: no released model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 32,
    "hidden_size": 4096,
    "vocab_size": 151936,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "head_dim": 128,
    "intermediate_size": 22016,
    "attention_bias": False,
    "tie_word_embeddings": False,
    "sliding_window": 4096,
    "use_sliding_window": False,
    "max_window_layers": 28,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing key-value heads and the layers with a window; the width of a head does not follow and must be given.

    Raises:
        ConfigError: heads that cannot be grouped, or layer types that do not fit.
    """
    return derive_heads({name: value for name, value in values.items() if name != "hidden_size"}) | derive_last_windows(values)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload.sequence_length), shape.num_layers)
    scored = windowed_scores(shape, workload, shape.sliding_window, shape.windowed_layers)
    yield from decoder(shape, workload, (*layers, *scored, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape, qkv_bias=shape.attention_bias, output_bias=shape.attention_bias), tokens)
    yield rmsnorm("attention.query_norm", shape.head_dim)
    yield rmsnorm("attention.key_norm", shape.head_dim)
    yield rmsnorm("mlp_norm", shape.hidden_size)
    yield from gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=tokens)
