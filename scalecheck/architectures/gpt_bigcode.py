"""SantaCoder and StarCoder (Allal et al. 2023, arXiv 2301.03988; Li et al. 2023, arXiv 2305.06161).

GPT-2 with one key-value head for all heads (Shazeer 2019, arXiv 1911.02150) unless ``multi_query`` is off, as in transformers'
``GPTBigCodeForCausalLM``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.decoders import DecoderShape, decoder, derive_heads, derive_mlp, gpt_layer
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, Key, size, switch
from scalecheck.parts import embedding, layernorm, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("gpt_bigcode",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """A decoder's sizes. ``max_positions`` is the rows of the position table, not the sequence length of a run."""

    family: str = "gpt_bigcode"
    max_positions: int | None
    tie_word_embeddings: bool = True


KEYS: dict[str, Key] = {
    "num_layers": size("n_layer", "num_hidden_layers"),
    "hidden_size": size("n_embd", "hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("n_head", "num_attention_heads"),
    "intermediate_size": size("n_inner"),
    "max_positions": size("n_positions", "max_position_embeddings"),
    "multi_query": switch("multi_query"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, GPTBigCodeConfig: GPT-2's smallest sizes.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 12,
    "hidden_size": 768,
    "vocab_size": 50257,
    "num_attention_heads": 12,
    "max_positions": 1024,
    "multi_query": True,
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``, each with its arithmetic.

    Raises:
        ConfigError: the heads do not divide the width.
    """
    derived = derive_heads(values) | derive_mlp(values)
    if values.get("multi_query", True):
        derived["num_key_value_heads"] = (1, "multi_query: one for all heads")
    return derived


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token and position tables, the layers, the last norm, the head."""
    positions = embedding("position_embedding", shape.max_positions, shape.hidden_size, kind="position_embedding")
    layers = repeat(gpt_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (positions, *layers, layernorm("final_norm", shape.hidden_size)))
