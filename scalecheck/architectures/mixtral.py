"""Mixtral (Jiang et al. 2024, arXiv 2401.04088), as in transformers' ``MixtralForCausalLM``.

Llama's decoder with a mixture of gated experts in every layer, of which a token meets the best few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import projections
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of, windowed_scores
from scalecheck.experts import Mixture, mixture
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, check_experts, size
from scalecheck.parts import repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("mixtral",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Mixtral's own sizes; ``intermediate_size`` is that of one branch of one expert."""

    family: str = "mixtral"
    num_experts: int
    num_active_experts: int
    sliding_window: int | None = None


# MixtralConfig maps num_experts to num_local_experts; where a file has both, the former is set last.
KEYS = DECODER_KEYS | {
    "num_experts": size("num_experts", "num_local_experts"),
    "num_active_experts": size("num_experts_per_tok"),
    "sliding_window": size("sliding_window"),
}

# transformers 5.23.0, MixtralConfig: 8x7B.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 32,
    "hidden_size": 4096,
    "vocab_size": 32000,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "num_experts": 8,
    "num_active_experts": 2,
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
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload.sequence_length), shape.num_layers)
    scored = windowed_scores(shape, workload, shape.sliding_window, shape.num_layers)
    yield from decoder(shape, workload, (*layers, *scored, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    experts = Mixture(num_experts=shape.num_experts, num_active_experts=shape.num_active_experts, intermediate_size=shape.intermediate_size)
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape), tokens)
    yield rmsnorm("mlp_norm", shape.hidden_size)
    yield from mixture(shape.hidden_size, experts, tokens=tokens)
