"""BLOOM (BigScience Workshop 2022, arXiv 2211.05100), as in transformers' ``BloomForCausalLM``.

A decoder with a norm behind the token table, biases throughout and ALiBi (Press et al. 2021, arXiv 2108.12409), which has no params.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.decoders import DecoderShape, decoder, derive_heads, derive_mlp, gpt_layer
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, Key, size, switch
from scalecheck.parts import layernorm, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("bloom",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """A decoder's sizes; BLOOM has no switches that change a count but the tie."""

    family: str = "bloom"
    tie_word_embeddings: bool = True


# n_embed, which BLOOM's first config.json files write, wins over hidden_size in BloomConfig. The MLP's width is no key: n_inner, which
# some of those files hold, is not read.
KEYS: dict[str, Key] = {
    "num_layers": size("n_layer", "num_hidden_layers"),
    "hidden_size": size("n_embed", "hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("n_head", "num_attention_heads"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, BloomConfig: a toy, none of the published models.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 2,
    "hidden_size": 64,
    "vocab_size": 250880,
    "num_attention_heads": 8,
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``, each with its arithmetic.

    Raises:
        ConfigError: the heads do not divide the width.
    """
    return derive_heads(values) | derive_mlp(values)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table and its norm, the layers, the last norm, the head."""
    embedding_norm, final_norm = (layernorm(name, shape.hidden_size) for name in ("embedding_norm", "final_norm"))
    layers = repeat(gpt_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (embedding_norm, *layers, final_norm))
