"""Qwen1.5-MoE and Qwen2-MoE (Qwen Team 2024, arXiv 2407.10671), as in transformers' ``Qwen2MoeForCausalLM``.

Beside the experts that a router picks, every token passes a shared one, weighed by a gate of its own; some layers may be dense.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import projections
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of, windowed_scores
from scalecheck.errors import ConfigError
from scalecheck.experts import Mixture, mixture
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, check_experts, count, count_layers, counts, size, switch, texts
from scalecheck.parts import gated_mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("qwen2_moe",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Qwen2-MoE's own sizes; ``intermediate_size`` is that of the layers without experts."""

    family: str = "qwen2_moe"
    num_experts: int
    num_active_experts: int
    moe_intermediate_size: int
    shared_expert_intermediate_size: int
    dense_layers: int = 0
    qkv_bias: bool = True
    sliding_window: int | None = None
    windowed_layers: int = 0


KEYS = DECODER_KEYS | {
    "num_experts": count("num_experts"),
    "num_active_experts": size("num_experts_per_tok"),
    "moe_intermediate_size": size("moe_intermediate_size"),
    "shared_expert_intermediate_size": size("shared_expert_intermediate_size"),
    "decoder_sparse_step": size("decoder_sparse_step"),
    "mlp_only_layers": counts("mlp_only_layers"),
    "qkv_bias": switch("qkv_bias"),
    "use_sliding_window": switch("use_sliding_window"),
    "sliding_window": size("sliding_window"),
    "max_window_layers": count("max_window_layers"),
    "layer_types": texts("layer_types"),
}

# transformers 5.23.0, Qwen2MoeConfig: Qwen1.5-MoE-A2.7B.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 24,
    "hidden_size": 2048,
    "vocab_size": 151936,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "intermediate_size": 5632,
    "num_experts": 60,
    "num_active_experts": 4,
    "moe_intermediate_size": 1408,
    "shared_expert_intermediate_size": 5632,
    "decoder_sparse_step": 1,
    "qkv_bias": True,
    "use_sliding_window": False,
    "sliding_window": 4096,
    "max_window_layers": 28,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``: see ``derive_heads``, and which layers have experts or a window.

    Raises:
        ConfigError: heads that cannot be grouped, more active experts than there are, or layers with a window of no width.
    """
    derived = derive_heads(values)
    num_layers, num_experts = values.get("num_layers"), values.get("num_experts")
    if num_experts:
        check_experts(values)
    if num_layers is None:
        return derived
    step, only = values.get("decoder_sparse_step", 1), values.get("mlp_only_layers", ())
    sparse = sum((layer + 1) % step == 0 and layer not in only for layer in range(num_layers)) if num_experts != 0 else 0
    because = f"num_layers {num_layers} without every {step}. one (decoder_sparse_step), but for mlp_only_layers {list(only)}"
    derived["dense_layers"] = (num_layers - sparse, because if num_experts != 0 else f"num_layers {num_layers}, as num_experts is 0")
    derived["windowed_layers"] = _windowed(values, num_layers)
    return derived


def _windowed(values: Mapping[str, Any], num_layers: int) -> tuple[int, str]:
    listed, used = count_layers(values, "sliding_attention"), values.get("use_sliding_window", False)
    if listed is None:
        # Every other one of the first max_window_layers, beginning with the first: what the config class fills in.
        first: int | None = values.get("max_window_layers")
        if used and first is None:
            message = (
                "use_sliding_window is true, and max_window_layers is not set: it tells among how many layers every other has a window"
            )
            raise ConfigError(message)
        number = (min(first or 0, num_layers) + 1) // 2 if used else 0
        because = f"every other of the first {first} (max_window_layers)" if used else "use_sliding_window is not set"
    else:
        number, because = listed, "those of layer_types that are sliding_attention"
    if number and not (used and values.get("sliding_window")):
        unset = "sliding_window is not set" if used else "use_sliding_window is not true"
        message = f"{number} layers have a window, {because}, and {unset}: they would attend to nothing"
        raise ConfigError(message)
    return number, because


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, attention of all layers, dense and sparse layers, the last norm, the head."""
    tokens = workload.sequence_length
    body = [*repeat(_attention(shape, tokens), shape.num_layers)]
    body += windowed_scores(shape, workload, shape.sliding_window, shape.windowed_layers)
    if shape.dense_layers:
        body += repeat(gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=tokens), shape.dense_layers)
    if shape.dense_layers < shape.num_layers:
        body += repeat(mixture(shape.hidden_size, _experts(shape), tokens=tokens), shape.num_layers - shape.dense_layers)
    yield from decoder(shape, workload, (*body, rmsnorm("final_norm", shape.hidden_size)))


def _attention(shape: Shape, tokens: int) -> Iterator[Part]:
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape, qkv_bias=shape.qkv_bias), tokens)
    yield rmsnorm("mlp_norm", shape.hidden_size)


def _experts(shape: Shape) -> Mixture:
    return Mixture(
        num_experts=shape.num_experts,
        num_active_experts=shape.num_active_experts,
        intermediate_size=shape.moe_intermediate_size,
        shared_intermediate_size=shape.shared_expert_intermediate_size,
        shared_gate=True,
    )
