"""Gemma 2 (Gemma Team 2024, arXiv 2408.00118), as in transformers' ``Gemma2ForCausalLM``.

Gemma with norms on both sides of attention and MLP, and with a sliding window in every second layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import projections
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, derive_listed_windows, heads_of, windowed_scores
from scalecheck.errors import ConfigError
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, size, switch, texts
from scalecheck.parts import gated_mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("gemma2",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Gemma 2's own sizes; ``windowed_layers`` of the layers see ``sliding_window`` positions, the others all."""

    family: str = "gemma2"
    attention_bias: bool = False
    tie_word_embeddings: bool = True
    sliding_window: int | None = None
    windowed_layers: int = 0


KEYS = DECODER_KEYS | {
    "attention_bias": switch("attention_bias"),
    "bidirectional": switch("use_bidirectional_attention"),
    "sliding_window": size("sliding_window"),
    "layer_types": texts("layer_types"),
}

# transformers 5.23.0, Gemma2Config: Gemma 2 2B.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 26,
    "hidden_size": 2304,
    "vocab_size": 256000,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "intermediate_size": 9216,
    "attention_bias": False,
    "tie_word_embeddings": True,
    "sliding_window": 4096,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing key-value heads and the layers with a window; the width of a head does not follow and must be given.

    Raises:
        ConfigError: heads that cannot be grouped, layer types that do not fit, or attention that looks both ways.
    """
    if values.get("bidirectional"):
        # transformers 5.23.0 drops the causal mask in its flash backend, and keeps it in the eager one.
        message = "use_bidirectional_attention is true: which pairs of positions Gemma 2 then scores depends on the attention backend"
        raise ConfigError(message)
    derived = derive_heads({name: value for name, value in values.items() if name != "hidden_size"})
    num_layers, listed = values.get("num_layers"), derive_listed_windows(values)
    if listed:
        return derived | listed
    if num_layers is not None:
        derived["windowed_layers"] = ((num_layers + 1) // 2, f"every second of {num_layers} layers, beginning with the first")
    return derived


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload.sequence_length), shape.num_layers)
    scored = windowed_scores(shape, workload, shape.sliding_window, shape.windowed_layers)
    yield from decoder(shape, workload, (*layers, *scored, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape, qkv_bias=shape.attention_bias, output_bias=shape.attention_bias), tokens)
    yield rmsnorm("attention_output_norm", shape.hidden_size)
    yield rmsnorm("mlp_norm", shape.hidden_size)
    yield from gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=tokens)
    yield rmsnorm("mlp_output_norm", shape.hidden_size)
