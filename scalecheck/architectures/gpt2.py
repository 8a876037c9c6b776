"""GPT-2 (Radford et al. 2019), as in transformers' ``GPT2LMHeadModel``; with ``bias=False`` it is nanoGPT's variant.

A pre-norm decoder with learned positions, plain MLP, LayerNorm and a head tied to the input embedding. Also Cerebras-GPT.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention, even_heads
from scalecheck.decoders import decoder, derive_mlp
from scalecheck.facts import ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, even_head_dim, size, switch
from scalecheck.parts import embedding, layernorm, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("gpt2",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """GPT-2's own sizes. ``max_positions`` is the rows of the position table, not the sequence length of a run.

    ``bias=False`` drops the biases of every linear layer and LayerNorm, as nanoGPT's option of that name does.
    """

    family: str = "gpt2"
    num_attention_heads: int
    intermediate_size: int
    max_positions: int | None
    bias: bool = True
    tie_word_embeddings: bool = True


# transformers' GPT2Config takes the first name of each row, or the general one that its attribute_map renames.
# n_ctx is what early releases wrote beside n_positions.
KEYS: dict[str, Key] = {
    "num_layers": size("n_layer", "num_hidden_layers"),
    "hidden_size": size("n_embd", "hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("n_head", "num_attention_heads"),
    "intermediate_size": size("n_inner"),
    "max_positions": size("n_positions", "n_ctx", "max_position_embeddings"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, GPT2Config: the 124M model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 12,
    "hidden_size": 768,
    "vocab_size": 50257,
    "num_attention_heads": 12,
    "max_positions": 1024,
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``, each with its arithmetic.

    Raises:
        ConfigError: the heads do not divide the width.
    """
    hidden_size, num_heads = values.get("hidden_size"), values.get("num_attention_heads")
    if hidden_size is not None and num_heads is not None:
        even_head_dim(hidden_size, num_heads)
    return derive_mlp(values)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token and position tables, the layers, the last norm, the head."""
    positions = embedding("position_embedding", shape.max_positions, shape.hidden_size, kind="position_embedding")
    layers = repeat(_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (positions, *layers, layernorm("final_norm", shape.hidden_size, bias=shape.bias)))


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    heads = even_heads(shape.hidden_size, shape.num_attention_heads, bias=shape.bias)
    yield layernorm("attention_norm", shape.hidden_size, bias=shape.bias)
    yield from attention(heads, workload)
    yield layernorm("mlp_norm", shape.hidden_size, bias=shape.bias)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=shape.bias)
