"""MDLM's diffusion transformer (Sahoo et al. 2024, arXiv 2406.07524): the class ``DIT`` in models/dit.py of kuleshov-group/mdlm.

An encoder with rotary positions, whose norms are shifted, scaled and gated by the noise level (adaLN of Peebles and Xie 2022). SEDD (Lou
et al. 2023), UDLM, ReMDM, BD3-LM and Duo have the same class. The feed-forward layer is four times as wide as the model, the head is
never tied, whatever ``tie_word_embeddings`` says, and the noise level is embedded once for a sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import Heads, attention
from scalecheck.facts import Head, ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, even_head_dim, size
from scalecheck.parts import embedding, layernorm, linear, lm_head, mlp, repeat, without_input_gradient
from scalecheck.values import dataclass

MODEL_TYPES: tuple[str, ...] = ()
HEADS = ("diffusion_lm",)

# configs/model/small.yaml and what configs/config.yaml adds to it in kuleshov-group/mdlm.
EXAMPLE: dict[str, Any] = {
    "diffusion": "absorbing_state",
    "backbone": "dit",
    "parameterization": "subs",
    "data": {"tokenizer_name_or_path": "gpt2"},
    "model": {
        "type": "ddit",
        "hidden_size": 768,
        "cond_dim": 128,
        "length": 1024,
        "n_blocks": 12,
        "n_heads": 12,
        "scale_by_sigma": True,
        "dropout": 0.1,
        "tie_word_embeddings": False,
    },
}

_FREQUENCIES = 256  # TimestepEmbedder's frequency_embedding_size
_MLP_RATIO = 4
_PER_BLOCK, _BEFORE_HEAD = 6, 2  # shift, scale and gate of both branches; shift and scale of the last norm


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """``conditioning_size`` is the width of the embedded noise level; ``vocab_size`` counts the mask token."""

    family: str = "mdlm_dit"
    num_attention_heads: int
    conditioning_size: int
    head: Head = "diffusion_lm"


KEYS: dict[str, Key] = {
    "num_layers": size("n_blocks"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("n_heads"),
    "conditioning_size": size("cond_dim"),
}

CLASS_DEFAULTS: dict[str, int] = {}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return nothing: all sizes are told.

    Raises:
        ConfigError: the heads do not divide the width.
    """
    if values.get("hidden_size") is not None and values.get("num_attention_heads") is not None:
        even_head_dim(values["hidden_size"], values["num_attention_heads"])
    return {}


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the embedded noise level, the blocks, the last norm and the head."""
    hidden_size, condition = shape.hidden_size, shape.conditioning_size
    yield embedding("token_embedding", shape.vocab_size, hidden_size)
    # One vector for the whole sequence; the sines that it is made of need no gradient.
    yield from without_input_gradient(linear("noise_level.up", _FREQUENCIES, condition, tokens=1, bias=True))
    yield from linear("noise_level.out", condition, condition, tokens=1, bias=True)
    yield from repeat(_block(shape, workload), shape.num_layers)
    yield layernorm("final_norm", hidden_size, bias=False)
    yield from linear("final_modulation", condition, _BEFORE_HEAD * hidden_size, tokens=1, bias=True)
    yield lm_head(hidden_size, shape.vocab_size, tokens=workload.sequence_length, tied=False)
    yield Part(name="lm_head.bias", kind="bias", params=shape.vocab_size)


def _block(shape: Shape, workload: Workload) -> Iterator[Part]:
    hidden_size = shape.hidden_size
    heads = Heads(
        hidden_size=hidden_size,
        num_heads=shape.num_attention_heads,
        num_key_value_heads=shape.num_attention_heads,
        head_dim=hidden_size // shape.num_attention_heads,
    )
    yield layernorm("attention_norm", hidden_size, bias=False)
    yield from attention(heads, workload, causal=False)
    yield layernorm("mlp_norm", hidden_size, bias=False)
    yield from mlp(hidden_size, _MLP_RATIO * hidden_size, tokens=workload.sequence_length, bias=True)
    yield from linear("modulation", shape.conditioning_size, _PER_BLOCK * hidden_size, tokens=1, bias=True)
