"""DeepSeek-V3 and R1 (DeepSeek-AI 2024, arXiv 2412.19437), as in transformers' ``DeepseekV3ForCausalLM``. Also Moonlight.

DeepSeek-V2's plan. The router's balancing bias is a buffer, and the layers that predict further tokens (``num_nextn_predict_layers``)
are not part of transformers' model: neither is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.experts import Mixture, mixture
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, size
from scalecheck.latent_decoders import LATENT_KEYS, LatentShape, check_sparse_layers, latent_decoder
from scalecheck.values import dataclass

MODEL_TYPES = ("deepseek_v3",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(LatentShape):
    """A latent decoder's sizes; DeepSeek-V3 has no switches of its own that change a count."""

    family: str = "deepseek_v3"


# DeepseekV3Config maps num_local_experts to n_routed_experts; where a file has both, the former is set last.
KEYS = LATENT_KEYS | {"num_experts": size("num_local_experts", "n_routed_experts")}

# transformers 5.23.0, DeepseekV3Config: DeepSeek-V3.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 61,
    "hidden_size": 7168,
    "vocab_size": 129280,
    "num_attention_heads": 128,
    "query_rank": 1536,
    "key_value_rank": 512,
    "plain_head_dim": 128,
    "rotary_head_dim": 64,
    "value_head_dim": 128,
    "intermediate_size": 18432,
    "moe_intermediate_size": 2048,
    "num_experts": 256,
    "num_active_experts": 8,
    "num_shared_experts": 1,
    "dense_layers": 3,
    "attention_bias": False,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return nothing: no field follows from others.

    Raises:
        ConfigError: experts that no such model has.
    """
    check_sparse_layers(values)
    return {}


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, attention of all layers, dense and sparse layers, the last norm, the head."""
    experts = Mixture(
        num_experts=shape.num_experts,
        num_active_experts=shape.num_active_experts,
        intermediate_size=shape.moe_intermediate_size,
        shared_intermediate_size=shape.num_shared_experts * shape.moe_intermediate_size,
    )
    yield from latent_decoder(shape, workload, mixture(shape.hidden_size, experts, tokens=workload.sequence_length))
