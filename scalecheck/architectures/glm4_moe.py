"""GLM-4.5 (GLM-4.5 Team 2025, arXiv 2508.06471), as in transformers' ``Glm4MoeForCausalLM``.

Grouped-query attention; the first layers are dense, the others have routed and shared experts. The router's balancing bias is a buffer,
and the layers that predict further tokens (``num_nextn_predict_layers``) are not part of transformers' model: neither is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of
from scalecheck.experts import Mixture, mixture
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, check_experts, count, size, switch
from scalecheck.parts import gated_mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("glm4_moe",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """GLM-4.5's own sizes; ``intermediate_size`` is that of the dense layers, of which there may be named more than there are layers."""

    family: str = "glm4_moe"
    num_experts: int
    num_active_experts: int
    num_shared_experts: int
    moe_intermediate_size: int
    dense_layers: int
    attention_bias: bool = False
    use_qk_norm: bool = False


# Glm4MoeConfig maps num_local_experts to n_routed_experts; where a file has both, the former is set last.
KEYS = DECODER_KEYS | {
    "num_experts": size("num_local_experts", "n_routed_experts"),
    "num_active_experts": size("num_experts_per_tok"),
    "num_shared_experts": count("n_shared_experts"),
    "moe_intermediate_size": size("moe_intermediate_size"),
    "dense_layers": count("first_k_dense_replace"),
    "attention_bias": switch("attention_bias"),
    "use_qk_norm": switch("use_qk_norm"),
}

# transformers 5.23.0, Glm4MoeConfig: GLM-4.5-Air, but for its biases and head_dim of 128.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 46,
    "hidden_size": 4096,
    "vocab_size": 151552,
    "num_attention_heads": 96,
    "num_key_value_heads": 8,
    "intermediate_size": 10944,
    "num_experts": 128,
    "num_active_experts": 8,
    "num_shared_experts": 1,
    "moe_intermediate_size": 1408,
    "dense_layers": 1,
    "attention_bias": False,
    "use_qk_norm": False,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``; see ``derive_heads``.

    Raises:
        ConfigError: heads that cannot be grouped, or more active experts than there are.
    """
    check_experts(values)
    return derive_heads(values)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, attention of all layers, dense and sparse layers, the last norm, the head."""
    tokens, dense = workload.sequence_length, min(shape.dense_layers, shape.num_layers)
    body = [*repeat(_attention(shape, workload), shape.num_layers)]
    if dense:
        body += repeat(gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=tokens), dense)
    if dense < shape.num_layers:
        body += repeat(mixture(shape.hidden_size, _experts(shape), tokens=tokens), shape.num_layers - dense)
    yield from decoder(shape, workload, (*body, rmsnorm("final_norm", shape.hidden_size)))


def _attention(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from attention(heads_of(shape, qkv_bias=shape.attention_bias), workload)
    if shape.use_qk_norm:
        yield rmsnorm("attention.query_norm", shape.head_dim)
        yield rmsnorm("attention.key_norm", shape.head_dim)
    yield rmsnorm("mlp_norm", shape.hidden_size)


def _experts(shape: Shape) -> Mixture:
    return Mixture(
        num_experts=shape.num_experts,
        num_active_experts=shape.num_active_experts,
        intermediate_size=shape.moe_intermediate_size,
        shared_intermediate_size=shape.num_shared_experts * shape.moe_intermediate_size,
    )
