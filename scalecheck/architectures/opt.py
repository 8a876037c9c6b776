"""OPT (Zhang et al. 2022, arXiv 2205.01068), as in transformers' ``OPTForCausalLM``.

A decoder with learned positions. The 350M model alone has narrower token embeddings, projected in and out, and no last norm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention
from scalecheck.decoders import DecoderShape, derive_heads, heads_of
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, Key, size, switch
from scalecheck.parts import embedding, layernorm, lm_head, matmul, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("opt",)
HEADS = ("causal_lm",)

# transformers 5.23.0, OPTLearnedPositionalEmbedding: positions start at row 2 of the table, as in fairseq, behind its padding index.
_POSITION_OFFSET = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """OPT's own sizes and switches. ``max_positions`` is the longest sequence; the table has two rows more.

    ``embedding_size`` is the width of token table and head. Where layers have their norms before attention and MLP there is
    a norm behind the last one, unless ``remove_final_norm`` (checkpoints fine-tuned before transformers 4.20.1).
    """

    family: str = "opt"
    max_positions: int | None
    embedding_size: int
    norm_before: bool = True
    remove_final_norm: bool = False
    bias: bool = True
    norm_affine: bool = True
    tie_word_embeddings: bool = True


KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads"),
    "intermediate_size": size("ffn_dim"),
    "max_positions": size("max_position_embeddings"),
    "embedding_size": size("word_embed_proj_dim"),
    "norm_before": switch("do_layer_norm_before"),
    "remove_final_norm": switch("_remove_final_layer_norm"),
    "bias": switch("enable_bias"),
    "norm_affine": switch("layer_norm_elementwise_affine"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, OPTConfig: the 125M model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 12,
    "hidden_size": 768,
    "vocab_size": 50272,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_positions": 2048,
    "norm_before": True,
    "remove_final_norm": False,
    "bias": True,
    "norm_affine": True,
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``, each with its arithmetic.

    Raises:
        ConfigError: the heads do not divide the width.
    """
    derived, hidden_size = derive_heads(values), values.get("hidden_size")
    if values.get("embedding_size") is None and hidden_size is not None:
        derived["embedding_size"] = (hidden_size, f"as wide as hidden_size {hidden_size}")
    return derived


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token and position tables, the layers, the last norm, the head; projections where the widths differ."""
    tokens, is_projected = workload.sequence_length, shape.embedding_size != shape.hidden_size
    rows = None if shape.max_positions is None else shape.max_positions + _POSITION_OFFSET
    yield embedding("token_embedding", shape.vocab_size, shape.embedding_size)
    yield embedding("position_embedding", rows, shape.hidden_size, kind="position_embedding")
    if is_projected:
        yield matmul("project_in", shape.embedding_size, shape.hidden_size, tokens=tokens)
    yield from repeat(_layer(shape, workload), shape.num_layers)
    if shape.norm_before and not shape.remove_final_norm:
        yield from _norm("final_norm", shape)
    if is_projected:
        yield matmul("project_out", shape.hidden_size, shape.embedding_size, tokens=tokens)
    yield lm_head(shape.embedding_size, shape.vocab_size, tokens=tokens, tied=shape.tie_word_embeddings)


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield from _norm("attention_norm", shape)
    yield from attention(heads_of(shape, qkv_bias=shape.bias, output_bias=shape.bias), workload)
    yield from _norm("mlp_norm", shape)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=shape.bias)


def _norm(name: str, shape: Shape) -> Iterator[Part]:
    if shape.norm_affine:
        yield layernorm(name, shape.hidden_size)
