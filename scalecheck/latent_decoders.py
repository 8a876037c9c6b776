"""What DeepSeek's decoders have in common: multi-head latent attention, and layers of which the first are dense and the others sparse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scalecheck.attention import Latent, latent_attention
from scalecheck.decoders import decoder
from scalecheck.errors import ConfigError
from scalecheck.facts import ModelShape, Part, Workload
from scalecheck.keys import Key, check_experts, count, size, switch
from scalecheck.parts import gated_mlp, repeat, rmsnorm
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentShape(ModelShape):
    """The sizes; ``intermediate_size`` is that of the dense layers, of which there may be named more than there are layers.

    ``query_rank`` is 0 where queries are not compressed; keys and values always are, so there are no key-value heads.
    """

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


LATENT_KEYS: dict[str, Key] = {
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
    "num_active_experts": size("num_experts_per_tok"),
    "num_shared_experts": count("n_shared_experts"),
    "dense_layers": count("first_k_dense_replace"),
    "moe_layer_freq": size("moe_layer_freq"),
    "attention_bias": switch("attention_bias"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}


def check_sparse_layers(values: Mapping[str, Any]) -> None:
    """Refuse experts that no such model has.

    Raises:
        ConfigError: more active experts than there are, or experts in some of the later layers only.
    """
    check_experts(values)
    # DeepSeek's own code puts experts into every n-th layer; transformers takes no notice of the key, so the two disagree unless n is 1.
    if values.get("moe_layer_freq", 1) != 1:
        message = f"moe_layer_freq={values['moe_layer_freq']} is not counted: only 1, experts in every layer after the dense ones, is"
        raise ConfigError(message)


def latent_decoder(shape: LatentShape, workload: Workload, experts: Iterable[Part], *, mlp_bias: bool = False) -> Iterator[Part]:
    """Put the stack together: attention of all layers, dense and sparse layers (of ``experts``), the last norm, the frame."""
    dense = min(shape.dense_layers, shape.num_layers)
    body = [*repeat(_attention(shape, workload), shape.num_layers)]
    if dense:
        body += repeat(gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=mlp_bias), dense)
    if dense < shape.num_layers:
        body += repeat(experts, shape.num_layers - dense)
    yield from decoder(shape, workload, (*body, rmsnorm("final_norm", shape.hidden_size)))


def _attention(shape: LatentShape, workload: Workload) -> Iterator[Part]:
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
