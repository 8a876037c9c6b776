"""GPT-J (Wang and Komatsuzaki 2021, github.com/kingoflolz/mesh-transformer-jax), as in transformers' ``GPTJForCausalLM``.

Attention and MLP stand side by side behind one shared norm; attention has no biases, the head has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention
from scalecheck.decoders import DecoderShape, decoder, derive_heads, derive_mlp, heads_of
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, Key, size, switch
from scalecheck.parts import layernorm, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("gptj",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """A decoder's sizes; GPT-J has no switches that change a count."""

    family: str = "gptj"


KEYS: dict[str, Key] = {
    "num_layers": size("n_layer", "num_hidden_layers"),
    "hidden_size": size("n_embd", "hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("n_head", "num_attention_heads"),
    "intermediate_size": size("n_inner"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, GPTJConfig: the 6B model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 28,
    "hidden_size": 4096,
    "vocab_size": 50400,
    "num_attention_heads": 16,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``, each with its arithmetic.

    Raises:
        ConfigError: the heads do not divide the width.
    """
    return derive_heads(values) | derive_mlp(values)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head and its bias."""
    layers = repeat(_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (*layers, layernorm("final_norm", shape.hidden_size)), head_bias=True)


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield layernorm("norm", shape.hidden_size)
    yield from attention(heads_of(shape), workload)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=True)
