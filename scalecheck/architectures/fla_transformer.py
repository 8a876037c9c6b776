"""Transformer++ of flash-linear-attention (Yang and Zhang 2024): ``TransformerForCausalLM`` of fla, and of forgetting-transformer.

The files are fla/models/transformer/modeling_transformer.py in fla-org/flash-linear-attention, and the same name under
src/forgetting_transformer/model in zhixuan-lin/forgetting-transformer (2025), which has neither biases nor norms of queries and keys.
A Llama-like decoder. Its feed-forward layer is two thirds of ``hidden_ratio`` times the model's width, rounded up to a multiple of 256.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import projections
from scalecheck.decoders import DecoderShape, decoder, derive_heads, derive_shrunk_mlp, heads_of, windowed_scores
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, Key, number, size, switch
from scalecheck.parts import gated_mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES: tuple[str, ...] = ()
HEADS = ("causal_lm",)

# configs/experiment/longcrawl64/transformer/llama_125m_2b.yaml of zhixuan-lin/forgetting-transformer; its data module fills vocab_size in.
EXAMPLE: dict[str, Any] = {
    "model": {
        "_target_": "forgetting_transformer.model.transformer.modeling_transformer.TransformerForCausalLM",
        "config": {
            "_target_": "forgetting_transformer.model.transformer.configuration_transformer.TransformerConfig",
            "vocab_size": 50257,
            "hidden_size": 768,
            "hidden_ratio": 4,
            "intermediate_size": None,
            "num_hidden_layers": 12,
            "num_heads": 12,
            "num_kv_heads": None,
            "hidden_act": "swish",
            "window_size": None,
            "tie_word_embeddings": False,
        },
    }
}

_MULTIPLE, _RATIO = 256, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """``attention_window`` counts the token itself; ``qk_norm`` is one gain per dimension of a head, shared by all heads."""

    family: str = "fla_transformer"
    attention_window: int | None = None
    qkv_bias: bool = False
    qk_norm: bool = False


KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_heads"),
    "num_key_value_heads": size("num_kv_heads"),
    "hidden_ratio": number("hidden_ratio"),
    "intermediate_size": size("intermediate_size"),
    "attention_window": size("window_size"),
    "qkv_bias": switch("qkv_bias"),
    "qk_norm": switch("qk_norm"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# TransformerConfig's own, the same in both repositories.
CLASS_DEFAULTS: dict[str, int | bool | str] = {
    "num_layers": 24,
    "hidden_size": 2048,
    "vocab_size": 32000,
    "num_attention_heads": 32,
    "hidden_ratio": _RATIO,
    "qkv_bias": False,
    "qk_norm": False,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the heads' sizes and the feed-forward width, each with its arithmetic.

    Raises:
        ConfigError: heads that do not divide.
    """
    return derive_heads(values) | derive_shrunk_mlp(values, _RATIO, _MULTIPLE)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload.sequence_length), shape.num_layers)
    scored = windowed_scores(shape, workload, shape.attention_window, shape.num_layers)
    yield from decoder(shape, workload, (*layers, *scored, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape, qkv_bias=shape.qkv_bias), tokens)
    if shape.qk_norm:
        yield rmsnorm("attention.query_norm", shape.head_dim)
        yield rmsnorm("attention.key_norm", shape.head_dim)
    yield rmsnorm("mlp_norm", shape.hidden_size)
    yield from gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=tokens)
