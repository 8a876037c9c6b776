"""gpt-oss (OpenAI 2025, arXiv 2508.10925), as in transformers' ``GptOssForCausalLM``.

Biases on attention, router and experts; each head has a sink, a learned score that no key belongs to; every other layer has a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import projections
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of, windowed_scores
from scalecheck.errors import ConfigError
from scalecheck.experts import Mixture, mixture
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, check_experts, count_layers, size, switch, texts
from scalecheck.parts import repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("gpt_oss",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """gpt-oss' own sizes; ``intermediate_size`` is that of one branch of one expert."""

    family: str = "gpt_oss"
    num_experts: int
    num_active_experts: int
    attention_bias: bool = True
    sliding_window: int | None = None
    windowed_layers: int = 0


# GptOssConfig maps num_experts to num_local_experts; where a file has both, the former is set last.
KEYS = DECODER_KEYS | {
    "num_experts": size("num_experts", "num_local_experts"),
    "num_active_experts": size("num_experts_per_tok"),
    "attention_bias": switch("attention_bias"),
    "sliding_window": size("sliding_window"),
    "layer_types": texts("layer_types"),
}

# transformers 5.23.0, GptOssConfig: gpt-oss-120b.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 36,
    "hidden_size": 2880,
    "vocab_size": 201088,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "intermediate_size": 2880,
    "num_experts": 128,
    "num_active_experts": 4,
    "attention_bias": True,
    "sliding_window": 128,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``: see ``derive_heads``, and how many layers have a window.

    Raises:
        ConfigError: heads that cannot be grouped, more active experts than there are, or layer types that gpt-oss has not.
    """
    check_experts(values)
    derived, num_layers, listed = derive_heads(values), values.get("num_layers"), count_layers(values, "sliding_attention")
    if num_layers is None:
        return derived
    # What the config class fills in: the first, the third, and so on.
    number = (num_layers + 1) // 2 if listed is None else listed
    because = f"every other of num_layers {num_layers}" if listed is None else "those of layer_types that are sliding_attention"
    if number and values.get("sliding_window") is None:
        message = f"sliding_window is not set, and {number} layers ({because}) have one: give its width, or make them full_attention"
        raise ConfigError(message)
    derived["windowed_layers"] = (number, because)
    return derived


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload.sequence_length), shape.num_layers)
    scored = windowed_scores(shape, workload, shape.sliding_window, shape.windowed_layers)
    yield from decoder(shape, workload, (*layers, *scored, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    experts = Mixture(
        num_experts=shape.num_experts,
        num_active_experts=shape.num_active_experts,
        intermediate_size=shape.intermediate_size,
        bias=True,
        router_bias=True,
    )
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape, qkv_bias=shape.attention_bias, output_bias=shape.attention_bias), tokens)
    # A sink only joins the softmax, so it multiplies nothing.
    yield Part(name="attention.sinks", kind="other", params=shape.num_attention_heads)
    yield rmsnorm("mlp_norm", shape.hidden_size)
    yield from mixture(shape.hidden_size, experts, tokens=tokens)
