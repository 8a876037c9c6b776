"""Llama 1 to 3 (Touvron et al. 2023; Grattafiori et al. 2024), as in transformers' ``LlamaForCausalLM``. Also SmolLM2.

A pre-norm decoder with rotary positions (no params), grouped-query attention, a gated MLP and RMSNorm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scalecheck.errors import ConfigError
from scalecheck.facts import ModelShape, Part, Workload
from scalecheck.parts import Heads, attention, embedding, even_head_dim, gated_mlp, lm_head, repeat, rmsnorm

MODEL_TYPES = ("llama",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """Llama's own sizes. ``intermediate_size`` is the width of one of the two branches of the gated MLP."""

    family: str = "llama"
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    intermediate_size: int
    attention_bias: bool = False
    mlp_bias: bool = False


KEYS: dict[str, tuple[str, ...]] = {
    "num_layers": ("num_hidden_layers",),
    "hidden_size": ("hidden_size",),
    "vocab_size": ("vocab_size",),
    "num_attention_heads": ("num_attention_heads",),
    "num_key_value_heads": ("num_key_value_heads",),
    "head_dim": ("head_dim",),
    "intermediate_size": ("intermediate_size",),
    "attention_bias": ("attention_bias",),
    "mlp_bias": ("mlp_bias",),
    "tie_word_embeddings": ("tie_word_embeddings",),
}

# transformers 5.23.0, LlamaConfig: the first Llama's 7B model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 32,
    "hidden_size": 4096,
    "vocab_size": 32000,
    "num_attention_heads": 32,
    "intermediate_size": 11008,
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    """Return the missing fields that follow from ``values``, each with its arithmetic.

    Raises:
        ConfigError: no head_dim is given and the heads do not divide the width, or the key-value heads do not divide the heads.
    """
    derived: dict[str, tuple[Any, str]] = {}
    hidden_size, num_heads = values.get("hidden_size"), values.get("num_attention_heads")
    if num_heads is None:
        return derived
    num_kv_heads = values.get("num_key_value_heads")
    if num_kv_heads is not None and num_heads % num_kv_heads:
        message = f"num_key_value_heads={num_kv_heads} does not divide num_attention_heads={num_heads}"
        raise ConfigError(message)
    if num_kv_heads is None:
        derived["num_key_value_heads"] = (num_heads, f"as many as num_attention_heads {num_heads}")
    if values.get("head_dim") is None and hidden_size is not None:
        because = f"hidden_size {hidden_size} / num_attention_heads {num_heads}"
        derived["head_dim"] = (even_head_dim(hidden_size, num_heads), because)
    return derived


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    yield embedding("token_embedding", shape.vocab_size, shape.hidden_size)
    yield from repeat(_layer(shape, workload), shape.num_layers)
    yield rmsnorm("final_norm", shape.hidden_size)
    yield lm_head(shape.hidden_size, shape.vocab_size, tokens=workload.sequence_length, tied=shape.tie_word_embeddings)


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    heads = Heads(
        hidden_size=shape.hidden_size,
        num_heads=shape.num_attention_heads,
        num_key_value_heads=shape.num_key_value_heads,
        head_dim=shape.head_dim,
        qkv_bias=shape.attention_bias,
        output_bias=shape.attention_bias,
    )
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from attention(heads, workload)
    yield rmsnorm("mlp_norm", shape.hidden_size)
    yield from gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=shape.mlp_bias)
