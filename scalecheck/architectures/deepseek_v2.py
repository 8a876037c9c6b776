"""DeepSeek-V2 (DeepSeek-AI 2024, arXiv 2405.04434), as in transformers' ``DeepseekV2ForCausalLM``.

Latent attention; the first layers are dense, the others have routed and shared experts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.experts import Mixture, mixture
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, check_heads_divide, size, switch
from scalecheck.latent_decoders import LATENT_KEYS, LatentShape, check_sparse_layers, latent_decoder
from scalecheck.parts import gated_mlp
from scalecheck.values import dataclass

MODEL_TYPES = ("deepseek_v2",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(LatentShape):
    """A latent decoder's sizes, and whether the dense layers and the shared experts carry biases."""

    family: str = "deepseek_v2"
    mlp_bias: bool = False


# DeepseekV2Config maps num_experts to n_routed_experts; where a file has both, the former is set last.
KEYS = LATENT_KEYS | {"num_experts": size("num_experts", "n_routed_experts"), "mlp_bias": switch("mlp_bias")}

# transformers 5.23.0, DeepseekV2Config: no published model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 32,
    "hidden_size": 4096,
    "vocab_size": 102400,
    "num_attention_heads": 32,
    "query_rank": 1536,
    "key_value_rank": 512,
    "plain_head_dim": 128,
    "rotary_head_dim": 64,
    "value_head_dim": 128,
    "intermediate_size": 11008,
    "moe_intermediate_size": 1407,
    "num_experts": 64,
    "num_shared_experts": 2,
    "dense_layers": 0,
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return nothing: no field follows from others.

    Raises:
        ConfigError: heads that do not divide the width, which the config class refuses, or experts that no such model has.
    """
    check_sparse_layers(values)
    check_heads_divide(values, "num_attention_heads")
    return {}


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, attention of all layers, dense and sparse layers, the last norm, the head."""
    yield from latent_decoder(shape, workload, _experts(shape, workload.sequence_length), mlp_bias=shape.mlp_bias)


def _experts(shape: Shape, tokens: int) -> Iterator[Part]:
    """The routed experts never have biases; the shared ones have them with ``mlp_bias``, so they are counted apart."""
    routed = Mixture(
        num_experts=shape.num_experts, num_active_experts=shape.num_active_experts, intermediate_size=shape.moe_intermediate_size
    )
    yield from mixture(shape.hidden_size, routed, tokens=tokens)
    width = shape.num_shared_experts * shape.moe_intermediate_size
    yield from gated_mlp(shape.hidden_size, width, tokens=tokens, bias=shape.mlp_bias, name="shared_experts")
