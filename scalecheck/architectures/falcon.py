"""Falcon (Almazrouei et al. 2023, arXiv 2311.16867), as in transformers' ``FalconForCausalLM``.

Attention and MLP stand side by side, behind one norm (7B) or one each (40B and 180B: ``new_decoder_architecture``), or follow each
other (``parallel_attn`` off: falcon-rw). One key-value head for all (Shazeer 2019, arXiv 1911.02150), a few in the new architecture, or
as many as heads. Rotary positions or ALiBi: neither has params.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention
from scalecheck.decoders import DecoderShape, decoder, derive_heads, derive_mlp, heads_of
from scalecheck.errors import ConfigError
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, Key, check_groups, size, switch
from scalecheck.parts import layernorm, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("falcon",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Falcon's own switches: the norms of a layer, and whether its projections carry biases."""

    family: str = "falcon"
    norms_per_layer: int
    bias: bool = False
    tie_word_embeddings: bool = True


# n_embed wins over hidden_size in FalconConfig. n_layer, n_head and n_head_kv are what the code wrote that the checkpoints were first
# published with; FalconConfig ignores them, so they are read only where its own names are not there.
KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers", "n_layer"),
    "hidden_size": size("n_embed", "hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads", "n_head"),
    "num_kv_heads": size("num_kv_heads", "n_head_kv"),
    "intermediate_size": size("ffn_hidden_size"),
    "new_decoder_architecture": switch("new_decoder_architecture"),
    "multi_query": switch("multi_query"),
    "parallel_attn": switch("parallel_attn"),
    "num_ln_in_parallel_attn": size("num_ln_in_parallel_attn"),
    "bias": switch("bias"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, FalconConfig: the 7B model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 32,
    "hidden_size": 4544,
    "vocab_size": 65024,
    "num_attention_heads": 71,
    "new_decoder_architecture": False,
    "multi_query": True,
    "parallel_attn": True,
    "bias": False,
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``, each with its arithmetic.

    Raises:
        ConfigError: heads that cannot be grouped, or norms that transformers' layer cannot run with.
    """
    derived = derive_heads(values) | derive_mlp(values)
    if "num_key_value_heads" in derived:
        derived["num_key_value_heads"] = _key_value_heads(values)
    return derived | {"norms_per_layer": _norms_per_layer(values)}


def _key_value_heads(values: Mapping[str, Any]) -> tuple[int, str]:
    num_heads, num_kv_heads = values["num_attention_heads"], values.get("num_kv_heads")
    if values.get("new_decoder_architecture"):
        check_groups(num_heads, num_kv_heads)
        return (
            (num_kv_heads, f"num_kv_heads {num_kv_heads}") if num_kv_heads else (num_heads, f"as many as num_attention_heads {num_heads}")
        )
    if values.get("multi_query", True):
        return 1, "multi_query: one for all heads"
    if num_kv_heads and num_kv_heads != num_heads:
        message = (
            f"num_kv_heads={num_kv_heads} of num_attention_heads={num_heads} needs new_decoder_architecture; without it there are 1 or all"
        )
        raise ConfigError(message)
    return num_heads, f"as many as num_attention_heads {num_heads}"


def _norms_per_layer(values: Mapping[str, Any]) -> tuple[int, str]:
    is_new, is_parallel, norms = (values.get(name) for name in ("new_decoder_architecture", "parallel_attn", "num_ln_in_parallel_attn"))
    if is_new:
        if is_parallel is False:
            message = "new_decoder_architecture is parallel, so transformers' layer cannot run with parallel_attn=false"
            raise ConfigError(message)
        if norms not in (None, 1, 2):
            message = f"num_ln_in_parallel_attn={norms}: there is one norm for attention and MLP, or one for each"
            raise ConfigError(message)
        return norms or 2, "num_ln_in_parallel_attn of the new architecture (2 unless set)"
    if is_parallel is False:
        return 2, "one before attention, one before the MLP"
    if norms == 2:
        message = "num_ln_in_parallel_attn=2 needs new_decoder_architecture: without it transformers' layer cannot run"
        raise ConfigError(message)
    return 1, "one for attention and MLP side by side"


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (*layers, layernorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield layernorm("attention_norm" if shape.norms_per_layer > 1 else "norm", shape.hidden_size)
    yield from attention(heads_of(shape, qkv_bias=shape.bias, output_bias=shape.bias), workload)
    if shape.norms_per_layer > 1:
        yield layernorm("mlp_norm", shape.hidden_size)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=shape.bias)
