"""BERT (Devlin et al. 2019, arXiv 1810.04805), as in transformers' ``BertForMaskedLM``.

A post-norm encoder with learned positions and token types. ``BertLMHeadModel`` stores the same parameters.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalecheck.encoders import ENCODER_KEYS, EncoderShape, derive_encoder, encoder
from scalecheck.facts import Part, Workload
from scalecheck.values import dataclass

MODEL_TYPES = ("bert",)
HEADS = ("masked_lm", "causal_lm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(EncoderShape):
    """BERT is the encoder that the others vary."""

    family: str = "bert"
    type_vocab_size: int = 2


KEYS = ENCODER_KEYS

# transformers 5.23.0, BertConfig: the base model, uncased.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 12,
    "hidden_size": 768,
    "vocab_size": 30522,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_positions": 512,
    "type_vocab_size": 2,
    "is_decoder": False,
    "tie_word_embeddings": True,
}

derive = derive_encoder


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger; see ``encoder``.

    transformers holds the head's bias under two names and ties them with the table, so an untied head stores it twice.
    """
    yield from encoder(shape, workload, decoder_biases=1 if shape.tie_word_embeddings else 2)
