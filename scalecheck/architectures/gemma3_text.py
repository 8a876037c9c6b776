"""Gemma 3's language model (Gemma Team 2025, arXiv 2503.19786), as in transformers' ``Gemma3ForCausalLM``.

Gemma 2 with RMSNorms on each head's queries and keys, and with a sliding window in five of six layers. The vision tower of the larger
models is another model type and not counted here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import projections
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, derive_listed_windows, heads_of, windowed_scores
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, size, switch, texts
from scalecheck.parts import gated_mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("gemma3_text",)
HEADS = ("causal_lm",)
WITHOUT_EFFECT = ("use_qk_norm",)  # the norms are always there
_PATTERN = 6  # arXiv 2503.19786, section 2: five local layers, then a global one


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Gemma 3's own sizes; ``windowed_layers`` of the layers see ``sliding_window`` positions, the others all.

    ``bidirectional`` is for embeddings (EmbeddingGemma): a window of w positions then reaches w // 2 to either side.
    """

    family: str = "gemma3_text"
    attention_bias: bool = False
    tie_word_embeddings: bool = True
    bidirectional: bool = False
    sliding_window: int | None = None
    windowed_layers: int = 0


# sliding_window_pattern is what early config.json files say in place of layer_types.
KEYS = DECODER_KEYS | {
    "attention_bias": switch("attention_bias"),
    "bidirectional": switch("use_bidirectional_attention"),
    "sliding_window": size("sliding_window"),
    "layer_types": texts("layer_types"),
    "sliding_window_pattern": size("sliding_window_pattern"),
}

# transformers 5.23.0, Gemma3TextConfig: Gemma 2 2B with Gemma 3's vocabulary; no released model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 26,
    "hidden_size": 2304,
    "vocab_size": 262208,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "intermediate_size": 9216,
    "attention_bias": False,
    "tie_word_embeddings": True,
    "bidirectional": False,
    "sliding_window": 4096,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing key-value heads and the layers with a window; the width of a head does not follow and must be given.

    Raises:
        ConfigError: heads that cannot be grouped, or layer types that do not fit.
    """
    derived = derive_heads({name: value for name, value in values.items() if name != "hidden_size"})
    num_layers, listed = values.get("num_layers"), derive_listed_windows(values)
    if listed:
        return derived | listed
    if num_layers is not None:
        pattern = values.get("sliding_window_pattern", _PATTERN)
        derived["windowed_layers"] = (
            num_layers - num_layers // pattern,
            f"{num_layers} - {num_layers} // sliding_window_pattern {pattern}",
        )
    return derived


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload.sequence_length), shape.num_layers)
    scored = windowed_scores(shape, workload, shape.sliding_window, shape.windowed_layers, causal=not shape.bidirectional)
    yield from decoder(shape, workload, (*layers, *scored, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape, qkv_bias=shape.attention_bias, output_bias=shape.attention_bias), tokens)
    yield rmsnorm("attention.query_norm", shape.head_dim)
    yield rmsnorm("attention.key_norm", shape.head_dim)
    yield rmsnorm("attention_output_norm", shape.hidden_size)
    yield rmsnorm("mlp_norm", shape.hidden_size)
    yield from gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=tokens)
    yield rmsnorm("mlp_output_norm", shape.hidden_size)
