"""DBRX (The Mosaic Research Team 2024, databricks.com/blog/introducing-dbrx-new-state-art-open-llm).

As in transformers' ``DbrxForCausalLM``: experts in every layer, LayerNorm without offset, one matrix for queries, keys and values, and a
nested config.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention
from scalecheck.decoders import DecoderShape, decoder, derive_heads, heads_of
from scalecheck.errors import ConfigError
from scalecheck.experts import Mixture, mixture
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, Key, check_experts, even_head_dim, size, switch
from scalecheck.parts import layernorm, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("dbrx",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """DBRX's own sizes; ``intermediate_size`` is that of one branch of one expert."""

    family: str = "dbrx"
    num_experts: int
    num_active_experts: int


# DbrxConfig maps the general names to its own. With hidden_size instead of d_model transformers builds experts of the default width,
# with which its model cannot run; what is counted is the model that was meant.
KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers", "n_layers"),
    "hidden_size": size("hidden_size", "d_model"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads", "n_heads"),
    "num_key_value_heads": size("attn_config.kv_n_heads"),
    "intermediate_size": size("ffn_config.ffn_hidden_size"),
    "num_experts": size("ffn_config.moe_num_experts"),
    "num_active_experts": size("ffn_config.moe_top_k"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, DbrxConfig with its DbrxAttentionConfig and DbrxFFNConfig: no published model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 24,
    "hidden_size": 2048,
    "vocab_size": 32000,
    "num_attention_heads": 16,
    "num_key_value_heads": 1,
    "intermediate_size": 3584,
    "num_experts": 4,
    "num_active_experts": 1,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``; see ``derive_heads``.

    Raises:
        ConfigError: heads that cannot be grouped or do not divide the width, more active experts than there are, or a tied head.
    """
    check_experts(values)
    if values.get("tie_word_embeddings"):
        message = "tie_word_embeddings is true, and DBRX's head has its own weights: its config class refuses a tied one"
        raise ConfigError(message)
    hidden_size, num_heads = values.get("hidden_size"), values.get("num_attention_heads")
    if hidden_size is not None and num_heads is not None:
        even_head_dim(hidden_size, num_heads)
    return derive_heads(values)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (*layers, layernorm("final_norm", shape.hidden_size, bias=False)))


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    experts = Mixture(num_experts=shape.num_experts, num_active_experts=shape.num_active_experts, intermediate_size=shape.intermediate_size)
    yield layernorm("attention_norm", shape.hidden_size, bias=False)
    yield from attention(heads_of(shape), workload)
    yield layernorm("mlp_norm", shape.hidden_size, bias=False)
    yield from mixture(shape.hidden_size, experts, tokens=workload.sequence_length)
