"""StableLM 3B-4E1T and StableLM 2 (Bellagente et al. 2024, arXiv 2402.17834), as in transformers' ``StableLmForCausalLM``.

Llama's decoder with LayerNorm. The 1.6B model has biases on query, key and value; the 12B model has a norm for each head's queries and
keys, and one norm per layer that attention and MLP share, because they stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of
from scalecheck.errors import ConfigError
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, even_head_dim, switch
from scalecheck.parts import gated_mlp, layernorm, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("stablelm",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """StableLM's own switches: biases, norms of queries and keys, attention beside the MLP."""

    family: str = "stablelm"
    qkv_bias: bool = False
    qk_layernorm: bool = False
    parallel_residual: bool = False


KEYS = DECODER_KEYS | {
    "qkv_bias": switch("use_qkv_bias"),
    "qk_layernorm": switch("qk_layernorm"),
    "parallel_residual": switch("use_parallel_residual"),
}

# transformers 5.23.0, StableLmConfig: StableLM-3B-4E1T.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 32,
    "hidden_size": 2560,
    "vocab_size": 50304,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "intermediate_size": 6912,
    "qkv_bias": False,
    "qk_layernorm": False,
    "parallel_residual": False,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``; see ``derive_heads``.

    Raises:
        ConfigError: heads that cannot be grouped or do not divide the width, or a head_dim other than their quotient.
    """
    hidden_size, num_heads, head_dim = (values.get(name) for name in ("hidden_size", "num_attention_heads", "head_dim"))
    if hidden_size is not None and num_heads is not None and head_dim not in (None, even_head_dim(hidden_size, num_heads)):
        message = f"head_dim={head_dim} is not hidden_size {hidden_size} / num_attention_heads {num_heads}, and StableLM has no other"
        raise ConfigError(message)
    return derive_heads(values)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (*layers, layernorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield layernorm("attention_norm", shape.hidden_size)
    yield from attention(heads_of(shape, qkv_bias=shape.qkv_bias), workload)
    if shape.qk_layernorm:
        yield from repeat([layernorm("attention.query_norm", shape.head_dim, bias=False)], shape.num_attention_heads)
        yield from repeat([layernorm("attention.key_norm", shape.head_dim, bias=False)], shape.num_key_value_heads)
    if not shape.parallel_residual:
        yield layernorm("mlp_norm", shape.hidden_size)
    yield from gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length)
