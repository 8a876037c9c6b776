"""AMPLIFY (Fournier et al. 2024, bioRxiv 2024.09.23.614603): the class of that name in src/amplify/model/amplify.py of chandar-lab/AMPLIFY.

A pre-norm encoder of proteins with rotary positions. With SwiGLU its code shrinks ``intermediate_size`` to two thirds, rounded up to a
multiple of 8; the decoder is never tied to the token table and always has a bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention, even_heads
from scalecheck.errors import ConfigError
from scalecheck.facts import Head, ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, even_head_dim, size, switch, text
from scalecheck.parts import embedding, gated_mlp, layernorm, lm_head, mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES: tuple[str, ...] = ()
HEADS = ("masked_lm",)

# conf/model/amplify.yaml and conf/model/350M.yaml of the repository.
EXAMPLE: dict[str, Any] = {
    "tokenizer": {"vocab_size": 27},
    "model": {
        "_name_": "AMPLIFY",
        "hidden_act": "SwiGLU",
        "layer_norm_after_embedding": False,
        "layer_norm_before_last_layer": True,
        "rms_norm": True,
        "ffn_bias": False,
        "att_bias": False,
        "hidden_size": 960,
        "num_hidden_layers": 32,
        "num_attention_heads": 15,
        "intermediate_size": 3840,
    },
}

_MULTIPLE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """``intermediate_size`` is what is built: one of the two branches of SwiGLU, two thirds of what the config says."""

    family: str = "amplify"
    num_attention_heads: int
    intermediate_size: int
    gated: bool
    rms_norm: bool
    norm_after_embedding: bool
    norm_before_head: bool
    mlp_bias: bool
    attention_bias: bool
    head: Head = "masked_lm"


KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads"),
    "unshrunk_size": size("intermediate_size"),
    "activation": text("hidden_act"),
    "rms_norm": switch("rms_norm"),
    "norm_after_embedding": switch("layer_norm_after_embedding"),
    "norm_before_head": switch("layer_norm_before_last_layer"),
    "mlp_bias": switch("ffn_bias"),
    "attention_bias": switch("att_bias"),
}

# AMPLIFYConfig's own: the 350M model.
CLASS_DEFAULTS: dict[str, int | bool | str] = {
    "num_layers": 32,
    "hidden_size": 960,
    "num_attention_heads": 15,
    "unshrunk_size": 3840,
    "activation": "SwiGLU",
    "vocab_size": 27,
    "rms_norm": True,
    "norm_after_embedding": False,
    "norm_before_head": True,
    "mlp_bias": False,
    "attention_bias": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the feed-forward width that the code builds, with its arithmetic.

    Raises:
        ConfigError: heads that do not divide the width, or an activation that the code does not have.
    """
    hidden_size, num_heads = values.get("hidden_size"), values.get("num_attention_heads")
    if hidden_size is not None and num_heads is not None:
        even_head_dim(hidden_size, num_heads)
    activation, told = values.get("activation"), values.get("unshrunk_size")
    if activation is None or told is None:
        return {}
    if activation.lower() not in ("swiglu", "relu", "gelu"):
        message = f"hidden_act={activation!r} is none of the activations that AMPLIFY has: SwiGLU, ReLU, GELU"
        raise ConfigError(message)
    if activation.lower() != "swiglu":
        return {"intermediate_size": (told, f"intermediate_size {told}"), "gated": (False, f"hidden_act is {activation}")}
    shrunk = -(-int(2 * told / 3) // _MULTIPLE) * _MULTIPLE
    because = f"two thirds of intermediate_size {told}, rounded up to a multiple of {_MULTIPLE}"
    return {"intermediate_size": (shrunk, because), "gated": (True, f"hidden_act is {activation}")}


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the norms around them, the decoder and its bias."""
    yield embedding("token_embedding", shape.vocab_size, shape.hidden_size)
    if shape.norm_after_embedding:
        yield _norm("embedding_norm", shape)
    yield from repeat(_layer(shape, workload), shape.num_layers)
    if shape.norm_before_head:
        yield _norm("final_norm", shape)
    yield lm_head(shape.hidden_size, shape.vocab_size, tokens=workload.sequence_length, tied=False)
    yield Part(name="lm_head.bias", kind="bias", params=shape.vocab_size)


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield _norm("attention_norm", shape)
    yield from attention(even_heads(shape.hidden_size, shape.num_attention_heads, bias=shape.attention_bias), workload, causal=False)
    yield _norm("mlp_norm", shape)
    feed_forward = gated_mlp if shape.gated else mlp
    yield from feed_forward(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=shape.mlp_bias)


def _norm(name: str, shape: Shape) -> Part:
    return rmsnorm(name, shape.hidden_size) if shape.rms_norm else layernorm(name, shape.hidden_size)
