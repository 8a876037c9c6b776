"""Phi-3.5-MoE (Abdin et al. 2024, arXiv 2404.14219), as in transformers' ``PhimoeForCausalLM``.

Mixtral's plan with LayerNorm instead of RMSNorm, and with biases on request, the head's included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import projections
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of, windowed_scores
from scalecheck.errors import ConfigError
from scalecheck.experts import Mixture, mixture
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, check_experts, size, switch
from scalecheck.parts import layernorm, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("phimoe",)
HEADS = ("causal_lm",)

_ROUTED = 2  # SparseMixer (Liu et al. 2024, arXiv 2409.12136) as in transformers: a first and a second expert, with no loop over more


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Phi-MoE's own sizes; ``intermediate_size`` is that of one branch of one expert."""

    family: str = "phimoe"
    num_experts: int
    num_active_experts: int
    attention_bias: bool = False
    lm_head_bias: bool = False
    sliding_window: int | None = None


KEYS = DECODER_KEYS | {
    "num_experts": size("num_local_experts"),
    "num_active_experts": size("num_experts_per_tok"),
    "attention_bias": switch("attention_bias"),
    "lm_head_bias": switch("lm_head_bias"),
    "sliding_window": size("sliding_window"),
}

# transformers 5.23.0, PhimoeConfig: Phi-3.5-MoE, but for its biases.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 32,
    "hidden_size": 4096,
    "vocab_size": 32064,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 6400,
    "num_experts": 16,
    "num_active_experts": 2,
    "attention_bias": False,
    "lm_head_bias": False,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``; see ``derive_heads``.

    Raises:
        ConfigError: heads that cannot be grouped, more active experts than there are, or other than two active ones.
    """
    check_experts(values)
    if values.get("num_active_experts", _ROUTED) != _ROUTED:
        message = f"num_active_experts={values['num_active_experts']}: PhiMoE's router sends a token to {_ROUTED} experts, whatever is set"
        raise ConfigError(message)
    return derive_heads(values)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload.sequence_length), shape.num_layers)
    scored = windowed_scores(shape, workload, shape.sliding_window, shape.num_layers)
    body = (*layers, *scored, layernorm("final_norm", shape.hidden_size))
    yield from decoder(shape, workload, body, head_bias=shape.lm_head_bias)


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    experts = Mixture(num_experts=shape.num_experts, num_active_experts=shape.num_active_experts, intermediate_size=shape.intermediate_size)
    yield layernorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape, qkv_bias=shape.attention_bias, output_bias=shape.attention_bias), tokens)
    yield layernorm("mlp_norm", shape.hidden_size)
    yield from mixture(shape.hidden_size, experts, tokens=tokens)
