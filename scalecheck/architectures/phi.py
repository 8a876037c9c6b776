"""Phi-1 to Phi-2 (Gunasekar et al. 2023, arXiv 2306.11644; Li et al. 2023, arXiv 2309.05463), as in transformers' ``PhiForCausalLM``.

Attention and MLP stand side by side behind one shared norm; biases throughout, the head's too; rotary positions on a part of each head.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of
from scalecheck.errors import ConfigError
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, switch
from scalecheck.parts import layernorm, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("phi",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Phi's own switch: a norm for queries and one for keys, each as wide as a head and shared by all of them."""

    family: str = "phi"
    qk_layernorm: bool = False


KEYS = DECODER_KEYS | {"qk_layernorm": switch("qk_layernorm")}

# transformers 5.23.0, PhiConfig: the 1.3B model of Phi-1 and Phi-1.5.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 24,
    "hidden_size": 2048,
    "vocab_size": 51200,
    "num_attention_heads": 32,
    "intermediate_size": 8192,
    "qk_layernorm": False,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``; see ``derive_heads``.

    Raises:
        ConfigError: heads that cannot be grouped, or norms of another width than the heads that they stand on.
    """
    hidden_size, num_heads, head_dim = (values.get(name) for name in ("hidden_size", "num_attention_heads", "head_dim"))
    # PhiAttention makes its norms hidden_size // num_attention_heads wide, even when head_dim says otherwise.
    if values.get("qk_layernorm") and hidden_size and num_heads and head_dim and head_dim != hidden_size // num_heads:
        message = f"qk_layernorm norms {hidden_size // num_heads} features of a head, and head_dim is {head_dim}: such a model cannot run"
        raise ConfigError(message)
    return derive_heads(values)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head and its bias."""
    layers = repeat(_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (*layers, layernorm("final_norm", shape.hidden_size)), head_bias=True)


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield layernorm("norm", shape.hidden_size)
    yield from attention(heads_of(shape, qkv_bias=True, output_bias=True), workload)
    if shape.qk_layernorm:
        yield layernorm("attention.query_norm", shape.head_dim)
        yield layernorm("attention.key_norm", shape.head_dim)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=True)
