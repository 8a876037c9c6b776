"""RoBERTa as fairseq builds it: ``RobertaModel`` of fairseq/models/roberta/model.py in facebookresearch/fairseq (Liu et al. 2019).

The stack is fairseq's ``TransformerEncoder``. Unlike transformers' RoBERTa it has no token types, and options of its own: norms before the
blocks, no norm behind the tables, fixed positions, a head that is not tied. Counted on fairseq's own classes at commit 3d262bb.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention, even_heads
from scalecheck.encoders import MaskedHead, masked_lm_head
from scalecheck.facts import Head, ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, even_head_dim, size, switch
from scalecheck.parts import embedding, layernorm, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES: tuple[str, ...] = ()
HEADS = ("masked_lm",)

# examples/roberta/config/pretraining/base.yaml of the repository, with its width and the size of RoBERTa's own dictionary written out.
EXAMPLE: dict[str, Any] = {
    "task": {"_name": "masked_lm", "data": "/data", "sample_break_mode": "complete", "tokens_per_sample": 512},
    "criterion": "masked_lm",
    "dataset": {"batch_size": 16},
    "optimization": {"max_update": 125000, "update_freq": [16]},
    "model": {"_name": "roberta", "max_positions": 512, "encoder_embed_dim": 768, "vocab_size": 50265},
}

_OFFSET = 2
"""fairseq/modules/positional_embedding.py: positions are counted from behind the padding index, which is 1 in its dictionaries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """``max_positions`` is the longest sequence; a learned table of positions has two rows more, fixed positions have no parameters."""

    family: str = "fairseq_roberta"
    num_attention_heads: int
    intermediate_size: int
    max_positions: int
    learned_positions: bool
    norm_before: bool
    embedding_norm: bool
    tie_word_embeddings: bool = True
    head: Head = "masked_lm"


# vocab_size is no key of fairseq's: its dictionary has the size.
KEYS: dict[str, Key] = {
    "num_layers": size("encoder_layers"),
    "hidden_size": size("encoder_embed_dim"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("encoder_attention_heads"),
    "intermediate_size": size("encoder_ffn_embed_dim"),
    "max_positions": size("max_positions", "tokens_per_sample"),
    "learned_as_named": switch("encoder_learned_pos"),
    "without_positions": switch("no_token_positional_embeddings"),
    "norm_before": switch("encoder_normalize_before"),
    "embedding_norm": switch("layernorm_embedding"),
    "untied": switch("untie_weights_roberta"),
}

# fairseq/models/roberta/model.py, base_architecture: what its code sets where neither the config nor a named architecture does.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 12,
    "hidden_size": 768,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_positions": 512,
    "learned_as_named": True,
    "without_positions": False,
    "norm_before": False,
    "embedding_norm": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return whether positions are learned and whether the head is tied.

    Raises:
        ConfigError: heads that do not divide the width.
    """
    hidden_size, num_heads = values.get("hidden_size"), values.get("num_attention_heads")
    if hidden_size is not None and num_heads is not None:
        even_head_dim(hidden_size, num_heads)
    learned, without = values.get("learned_as_named"), values.get("without_positions")
    because = f"encoder_learned_pos is {learned}, no_token_positional_embeddings is {without}"
    derived: Derived = {"learned_positions": (bool(learned) and not without, because)}
    return derived | {"tie_word_embeddings": (False, "untie_weights_roberta is true")} if values.get("untied") else derived


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: tables, layers, the masked-LM head.

    The head projects every position, as in the other families; in training fairseq projects the masked ones alone.
    """
    width = shape.hidden_size
    yield embedding("token_embedding", shape.vocab_size, width)
    if shape.learned_positions:
        yield embedding("position_embedding", shape.max_positions + _OFFSET, width, kind="position_embedding")
    if shape.embedding_norm:
        yield layernorm("embedding_norm", width)
    yield from repeat(_layer(shape, workload), shape.num_layers)
    if shape.norm_before:
        yield layernorm("final_norm", width)
    head = MaskedHead(hidden_size=width, table_width=width, vocab_size=shape.vocab_size, tied=shape.tie_word_embeddings)
    yield from masked_lm_head(head, workload.sequence_length)


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield from attention(even_heads(shape.hidden_size, shape.num_attention_heads), workload, causal=False)
    yield layernorm("attention_norm", shape.hidden_size)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=True)
    yield layernorm("mlp_norm", shape.hidden_size)
