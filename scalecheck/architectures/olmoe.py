"""OLMoE (Muennighoff et al. 2024, arXiv 2409.02060), as in transformers' ``OlmoeForCausalLM``.

Many small experts in every layer; queries and keys are normalized over their full width, not per head.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of
from scalecheck.errors import ConfigError
from scalecheck.experts import Mixture, mixture
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, check_experts, size, switch
from scalecheck.parts import repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("olmoe",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """OLMoE's own sizes; ``intermediate_size`` is that of one branch of one expert."""

    family: str = "olmoe"
    num_experts: int
    num_active_experts: int
    attention_bias: bool = False


# OlmoeConfig maps num_local_experts to num_experts; where a file has both, the former is set last.
KEYS = DECODER_KEYS | {
    "num_experts": size("num_local_experts", "num_experts"),
    "num_active_experts": size("num_experts_per_tok"),
    "attention_bias": switch("attention_bias"),
}

# transformers 5.23.0, OlmoeConfig: OLMoE-1B-7B, but for its intermediate_size of 1024.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 16,
    "hidden_size": 2048,
    "vocab_size": 50304,
    "num_attention_heads": 16,
    "intermediate_size": 2048,
    "num_experts": 64,
    "num_active_experts": 8,
    "attention_bias": False,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``; see ``derive_heads``.

    Raises:
        ConfigError: heads that cannot be grouped or do not fill the width, or more active experts than there are.
    """
    check_experts(values)
    hidden_size, num_heads, head_dim = (values.get(name) for name in ("hidden_size", "num_attention_heads", "head_dim"))
    if hidden_size and num_heads and head_dim and num_heads * head_dim != hidden_size:
        message = (
            f"num_attention_heads={num_heads} x head_dim={head_dim} is not hidden_size={hidden_size}, and the queries' norm is that wide"
        )
        raise ConfigError(message)
    return derive_heads(values)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (*layers, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    experts = Mixture(num_experts=shape.num_experts, num_active_experts=shape.num_active_experts, intermediate_size=shape.intermediate_size)
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from attention(heads_of(shape, qkv_bias=shape.attention_bias, output_bias=shape.attention_bias), workload)
    yield rmsnorm("attention.query_norm", shape.num_attention_heads * shape.head_dim)
    yield rmsnorm("attention.key_norm", shape.num_key_value_heads * shape.head_dim)
    yield rmsnorm("mlp_norm", shape.hidden_size)
    yield from mixture(shape.hidden_size, experts, tokens=workload.sequence_length)
