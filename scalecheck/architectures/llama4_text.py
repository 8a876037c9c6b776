"""Llama 4's language model (Meta AI 2025, ai.meta.com/blog/llama-4-multimodal-intelligence), as in transformers' ``Llama4ForCausalLM``.

Sparse layers have a routed and a shared expert and may alternate with dense ones; most layers attend within chunks. Transformers runs
every routed expert on every token and discards most of it; what is counted is the experts that a token is routed to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import Window, layered_scores, projections
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of
from scalecheck.errors import ConfigError
from scalecheck.experts import Mixture, mixture
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, check_experts, check_length, count_layers, counts, size, switch, texts
from scalecheck.parts import gated_mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("llama4_text",)
HEADS = ("causal_lm",)
WITHOUT_EFFECT = ("use_qk_norm",)  # queries and keys are scaled to unit length, which has no weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Llama 4's own sizes; ``intermediate_size`` is that of the routed and of the shared expert."""

    family: str = "llama4_text"
    num_experts: int
    num_active_experts: int
    dense_intermediate_size: int
    dense_layers: int = 0
    attention_bias: bool = False
    attention_chunk_size: int | None = None
    chunked_layers: int = 0


KEYS = DECODER_KEYS | {
    "num_experts": size("num_local_experts"),
    "num_active_experts": size("num_experts_per_tok"),
    "dense_intermediate_size": size("intermediate_size_mlp"),
    "moe_layers": counts("moe_layers"),
    "interleave_moe_layer_step": size("interleave_moe_layer_step"),
    "attention_bias": switch("attention_bias"),
    "attention_chunk_size": size("attention_chunk_size"),
    "layer_types": texts("layer_types"),
    "no_rope_layers": counts("no_rope_layers"),
    "no_rope_layer_interval": size("no_rope_layer_interval"),
}

# transformers 5.23.0, Llama4TextConfig: Scout.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 48,
    "hidden_size": 5120,
    "vocab_size": 202048,
    "num_attention_heads": 40,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 8192,
    "num_experts": 16,
    "num_active_experts": 1,
    "dense_intermediate_size": 16384,
    "interleave_moe_layer_step": 1,
    "attention_bias": False,
    "attention_chunk_size": 8192,
    "no_rope_layer_interval": 4,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``: see ``derive_heads``, and which layers are dense or attend in chunks.

    Raises:
        ConfigError: heads that cannot be grouped, more active experts than there are, or layer types that Llama 4 has not.
    """
    check_experts(values)
    derived, num_layers = derive_heads(values), values.get("num_layers")
    if num_layers is None:
        return derived
    listed, step = values.get("moe_layers"), values.get("interleave_moe_layer_step", 1)
    sparse = num_layers // step if listed is None else len({layer for layer in listed if layer < num_layers})
    because = f"every {step}. (interleave_moe_layer_step)" if listed is None else f"{sparse} (moe_layers)"
    derived["dense_layers"] = (num_layers - sparse, f"num_layers {num_layers}, of which {because} has experts")
    number, because = _chunked(values, num_layers)
    if number and values.get("attention_chunk_size") is None:
        message = f"attention_chunk_size is not set, and {number} layers ({because}) attend in chunks: give it, or make them full_attention"
        raise ConfigError(message)
    derived["chunked_layers"] = (number, because)
    return derived


def _chunked(values: Mapping[str, Any], num_layers: int) -> tuple[int, str]:
    """Return how many layers attend in chunks: those of that type, else those with rotary positions, a 1 in ``no_rope_layers``."""
    listed = count_layers(values, "chunked_attention")
    if listed is not None:
        return listed, "those of layer_types that are chunked_attention"
    if rotary := values.get("no_rope_layers"):
        check_length("no_rope_layers", rotary, num_layers)
        return sum(map(bool, rotary)), "those that are 1 in no_rope_layers"
    interval = values.get("no_rope_layer_interval", 4)
    return num_layers - num_layers // interval, f"num_layers {num_layers} without every {interval}. (no_rope_layer_interval)"


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, attention of all layers, dense and sparse layers, the last norm, the head."""
    tokens = workload.sequence_length
    chunk = None if shape.attention_chunk_size is None else Window(width=shape.attention_chunk_size, kind="chunk")
    body = [*repeat(_attention(shape, tokens), shape.num_layers)]
    body += layered_scores(heads_of(shape), workload, shape.num_layers, shape.chunked_layers, chunk)
    if shape.dense_layers:
        body += repeat(gated_mlp(shape.hidden_size, shape.dense_intermediate_size, tokens=tokens), shape.dense_layers)
    if shape.dense_layers < shape.num_layers:
        experts = Mixture(
            num_experts=shape.num_experts,
            num_active_experts=shape.num_active_experts,
            intermediate_size=shape.intermediate_size,
            shared_intermediate_size=shape.intermediate_size,
        )
        body += repeat(mixture(shape.hidden_size, experts, tokens=tokens), shape.num_layers - shape.dense_layers)
    yield from decoder(shape, workload, (*body, rmsnorm("final_norm", shape.hidden_size)))


def _attention(shape: Shape, tokens: int) -> Iterator[Part]:
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape, qkv_bias=shape.attention_bias, output_bias=shape.attention_bias), tokens)
    yield rmsnorm("mlp_norm", shape.hidden_size)
