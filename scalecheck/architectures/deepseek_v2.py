"""DeepSeek-V2 (DeepSeek-AI 2024, arXiv 2405.04434), as in transformers' ``DeepseekV2ForCausalLM``.

Latent attention; the first layers are dense, the others have routed and shared experts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scalecheck.attention import Latent, latent_attention
from scalecheck.decoders import decoder
from scalecheck.errors import ConfigError
from scalecheck.experts import Mixture, mixture
from scalecheck.facts import ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, check_experts, count, size, switch
from scalecheck.parts import gated_mlp, repeat, rmsnorm

MODEL_TYPES = ("deepseek_v2",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """DeepSeek-V2's own sizes; ``intermediate_size`` is that of the dense layers, of which there may be named more than there are layers.

    ``query_rank`` is 0 where queries are not compressed; keys and values always are, so there are no key-value heads.
    """

    family: str = "deepseek_v2"
    num_attention_heads: int
    query_rank: int = 0
    key_value_rank: int
    plain_head_dim: int
    rotary_head_dim: int
    value_head_dim: int
    intermediate_size: int
    moe_intermediate_size: int
    num_experts: int
    num_active_experts: int
    num_shared_experts: int
    dense_layers: int
    attention_bias: bool = False
    mlp_bias: bool = False


# DeepseekV2Config maps num_experts to n_routed_experts; where a file has both, the former is set last.
KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads"),
    "query_rank": size("q_lora_rank"),
    "key_value_rank": size("kv_lora_rank"),
    "plain_head_dim": size("qk_nope_head_dim"),
    "rotary_head_dim": size("qk_rope_head_dim"),
    "value_head_dim": size("v_head_dim"),
    "intermediate_size": size("intermediate_size"),
    "moe_intermediate_size": size("moe_intermediate_size"),
    "num_experts": size("num_experts", "n_routed_experts"),
    "num_active_experts": size("num_experts_per_tok"),
    "num_shared_experts": count("n_shared_experts"),
    "dense_layers": count("first_k_dense_replace"),
    "moe_layer_freq": size("moe_layer_freq"),
    "attention_bias": switch("attention_bias"),
    "mlp_bias": switch("mlp_bias"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

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
        ConfigError: more active experts than there are, heads that do not divide the width, or experts in some of the later layers only.
    """
    check_experts(values)
    hidden_size, num_heads = values.get("hidden_size"), values.get("num_attention_heads")
    if hidden_size is not None and num_heads is not None and hidden_size % num_heads:
        message = f"hidden_size {hidden_size} is not a multiple of num_attention_heads {num_heads}: DeepseekV2Config refuses it"
        raise ConfigError(message)
    # DeepSeek's own code puts experts into every n-th layer; transformers takes no notice of the key, so the two disagree unless n is 1.
    if values.get("moe_layer_freq", 1) != 1:
        message = f"moe_layer_freq={values['moe_layer_freq']} is not counted: only 1, experts in every layer after the dense ones, is"
        raise ConfigError(message)
    return {}


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, attention of all layers, dense and sparse layers, the last norm, the head."""
    tokens, dense = workload.sequence_length, min(shape.dense_layers, shape.num_layers)
    body = [*repeat(_attention(shape, workload), shape.num_layers)]
    if dense:
        body += repeat(gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=tokens, bias=shape.mlp_bias), dense)
    if dense < shape.num_layers:
        body += repeat(_experts(shape, tokens), shape.num_layers - dense)
    yield from decoder(shape, workload, (*body, rmsnorm("final_norm", shape.hidden_size)))


def _attention(shape: Shape, workload: Workload) -> Iterator[Part]:
    latent = Latent(
        hidden_size=shape.hidden_size,
        num_heads=shape.num_attention_heads,
        query_rank=shape.query_rank or None,
        key_value_rank=shape.key_value_rank,
        plain_dim=shape.plain_head_dim,
        rotary_dim=shape.rotary_head_dim,
        value_dim=shape.value_head_dim,
        bias=shape.attention_bias,
    )
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from latent_attention(latent, workload)
    yield rmsnorm("mlp_norm", shape.hidden_size)


def _experts(shape: Shape, tokens: int) -> Iterator[Part]:
    """The routed experts never have biases; the shared ones have them with ``mlp_bias``, so they are counted apart."""
    routed = Mixture(
        num_experts=shape.num_experts, num_active_experts=shape.num_active_experts, intermediate_size=shape.moe_intermediate_size
    )
    yield from mixture(shape.hidden_size, routed, tokens=tokens)
    width = shape.num_shared_experts * shape.moe_intermediate_size
    yield from gated_mlp(shape.hidden_size, width, tokens=tokens, bias=shape.mlp_bias, name="shared_experts")
