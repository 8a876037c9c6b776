"""DistilBERT (Sanh et al. 2019, arXiv 1910.01108), as in transformers' ``DistilBertForMaskedLM``.

BERT with half the layers and without token types. Sinusoidal positions fill the same trainable table.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalecheck.encoders import EncoderShape, derive_encoder, encoder
from scalecheck.facts import Part, Workload
from scalecheck.keys import Key, size, switch
from scalecheck.values import dataclass

MODEL_TYPES = ("distilbert",)
HEADS = ("masked_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(EncoderShape):
    """BERT's sizes; there are no token types, and nothing is causal."""

    family: str = "distilbert"


# transformers' DistilBertConfig takes the first name of each row, or the general one that its attribute_map renames.
KEYS: dict[str, Key] = {
    "num_layers": size("n_layers", "num_hidden_layers"),
    "hidden_size": size("dim", "hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("n_heads", "num_attention_heads"),
    "intermediate_size": size("hidden_dim"),
    "max_positions": size("max_position_embeddings"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, DistilBertConfig: the base model, uncased.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 6,
    "hidden_size": 768,
    "vocab_size": 30522,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_positions": 512,
    "tie_word_embeddings": True,
}

derive = derive_encoder


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger; see ``encoder``."""
    yield from encoder(shape, workload)
