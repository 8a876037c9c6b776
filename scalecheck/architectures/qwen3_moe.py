"""Qwen3-MoE (Qwen Team 2025, arXiv 2505.09388), as in transformers' ``Qwen3MoeForCausalLM``.

Experts without a shared one; queries and keys are normalized per head; some layers may be dense.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import projections
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of, windowed_scores
from scalecheck.errors import ConfigError
from scalecheck.experts import Mixture, mixture
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, check_experts, count, counts, size, switch
from scalecheck.parts import gated_mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("qwen3_moe",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Qwen3-MoE's own sizes; ``intermediate_size`` is that of the layers without experts."""

    family: str = "qwen3_moe"
    num_experts: int
    num_active_experts: int
    moe_intermediate_size: int
    dense_layers: int = 0
    attention_bias: bool = False
    sliding_window: int | None = None
    use_sliding_window: bool = False


# Qwen3MoeConfig maps num_experts to num_local_experts; where a file has both, the latter is set last.
KEYS = DECODER_KEYS | {
    "num_experts": count("num_local_experts", "num_experts"),
    "num_active_experts": size("num_experts_per_tok"),
    "moe_intermediate_size": size("moe_intermediate_size"),
    "decoder_sparse_step": size("decoder_sparse_step"),
    "mlp_only_layers": counts("mlp_only_layers"),
    "attention_bias": switch("attention_bias"),
    "use_sliding_window": switch("use_sliding_window"),
    "sliding_window": size("sliding_window"),
}

# transformers 5.23.0, Qwen3MoeConfig: half of the layers of Qwen3-30B-A3B.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 24,
    "hidden_size": 2048,
    "vocab_size": 151936,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "intermediate_size": 6144,
    "num_experts": 128,
    "num_active_experts": 8,
    "moe_intermediate_size": 768,
    "decoder_sparse_step": 1,
    "attention_bias": False,
    "use_sliding_window": False,
    "sliding_window": 4096,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``: see ``derive_heads``, and which layers have no experts.

    Raises:
        ConfigError: heads that cannot be grouped, more active experts than there are, or a window that is on and has no width.
    """
    derived = derive_heads(values)
    num_layers, num_experts = values.get("num_layers"), values.get("num_experts")
    if num_experts:
        check_experts(values)
    if values.get("use_sliding_window") and values.get("sliding_window") is None:
        message = "use_sliding_window is true, and sliding_window is not set: give its width, or turn it off"
        raise ConfigError(message)
    if num_layers is None:
        return derived
    step, only = values.get("decoder_sparse_step", 1), values.get("mlp_only_layers", ())
    sparse = sum((layer + 1) % step == 0 and layer not in only for layer in range(num_layers)) if num_experts != 0 else 0
    because = f"num_layers {num_layers} without every {step}. one (decoder_sparse_step), but for mlp_only_layers {list(only)}"
    derived["dense_layers"] = (num_layers - sparse, because if num_experts != 0 else f"num_layers {num_layers}, as num_experts is 0")
    return derived


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, attention of all layers, dense and sparse layers, the last norm, the head."""
    tokens = workload.sequence_length
    body = [*repeat(_attention(shape, tokens), shape.num_layers), *_scores(shape, workload)]
    if shape.dense_layers:
        body += repeat(gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=tokens), shape.dense_layers)
    if shape.dense_layers < shape.num_layers:
        experts = Mixture(
            num_experts=shape.num_experts, num_active_experts=shape.num_active_experts, intermediate_size=shape.moe_intermediate_size
        )
        body += repeat(mixture(shape.hidden_size, experts, tokens=tokens), shape.num_layers - shape.dense_layers)
    yield from decoder(shape, workload, (*body, rmsnorm("final_norm", shape.hidden_size)))


def _attention(shape: Shape, tokens: int) -> Iterator[Part]:
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape, qkv_bias=shape.attention_bias, output_bias=shape.attention_bias), tokens)
    yield rmsnorm("attention.query_norm", shape.head_dim)
    yield rmsnorm("attention.key_norm", shape.head_dim)
    yield rmsnorm("mlp_norm", shape.hidden_size)


def _scores(shape: Shape, workload: Workload) -> Iterator[Part]:
    # Qwen's own configs name a max_window_layers, of which transformers takes no notice here: the window is on all layers or on none.
    width = shape.sliding_window if shape.use_sliding_window else None
    yield from windowed_scores(shape, workload, width, shape.num_layers)
