"""fairseq's decoder: ``TransformerLanguageModel`` of fairseq/models/transformer_lm.py in facebookresearch/fairseq (Ott et al. 2019).

Norms before or after the blocks, positions that are fixed unless ``decoder_learned_pos``, and a token table that may be narrower than the
stack, with a projection in and out. Counted on fairseq's own classes at commit 3d262bb.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention, even_heads
from scalecheck.errors import ConfigError
from scalecheck.facts import ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, even_head_dim, size, switch
from scalecheck.parts import embedding, layernorm, lm_head, matmul, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES: tuple[str, ...] = ()
HEADS = ("causal_lm",)

# fairseq/config/model/transformer_lm/transformer_lm_gpt.yaml of the repository, as model=transformer_lm/transformer_lm_gpt composes it,
# with the size of a dictionary written out.
EXAMPLE: dict[str, Any] = {
    "task": {"_name": "language_modeling", "data": "/data", "tokens_per_sample": 512},
    "criterion": "cross_entropy",
    "dataset": {"batch_size": 8},
    "optimization": {"max_update": 50000},
    "model": {
        "transformer_lm": {
            "vocab_size": 50264,
            "activation_fn": "gelu",
            "decoder_embed_dim": 768,
            "decoder_output_dim": 768,
            "decoder_input_dim": 768,
            "decoder_ffn_embed_dim": 3072,
            "decoder_layers": 12,
            "decoder_attention_heads": 12,
            "decoder_normalize_before": True,
            "no_decoder_final_norm": False,
            "share_decoder_input_output_embed": False,
            "decoder_learned_pos": False,
        }
    },
}

_OFFSET = 2
"""fairseq/modules/positional_embedding.py: positions are counted from behind the padding index, which is 1 in its dictionaries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """``input_size`` and ``output_size`` are the widths of the token table and of the head's input.

    ``max_positions`` is the longest sequence; a learned table of positions has two rows more, fixed positions have no parameters.
    """

    family: str = "fairseq_lm"
    num_attention_heads: int
    intermediate_size: int
    input_size: int
    output_size: int
    max_positions: int
    learned_positions: bool
    final_norm: bool
    embedding_norm: bool


# vocab_size is no key of fairseq's: its dictionary has the size.
KEYS: dict[str, Key] = {
    "num_layers": size("decoder_layers"),
    "hidden_size": size("decoder_embed_dim"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("decoder_attention_heads"),
    "intermediate_size": size("decoder_ffn_embed_dim"),
    "input_size": size("decoder_input_dim"),
    "output_size": size("decoder_output_dim"),
    "max_positions": size("max_target_positions"),
    "learned_as_named": switch("decoder_learned_pos"),
    "without_positions": switch("no_token_positional_embeddings"),
    "norm_before": switch("decoder_normalize_before"),
    "without_final_norm": switch("no_decoder_final_norm"),
    "embedding_norm": switch("layernorm_embedding"),
    "tie_word_embeddings": switch("share_decoder_input_output_embed"),
}

# fairseq/models/transformer_lm.py, TransformerLanguageModelConfig; max_positions stands in the task (LanguageModelingConfig).
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 6,
    "hidden_size": 512,
    "num_attention_heads": 8,
    "intermediate_size": 2048,
    "input_size": 512,
    "output_size": 512,
    "max_positions": 1024,
    "learned_as_named": False,
    "without_positions": False,
    "norm_before": False,
    "without_final_norm": False,
    "embedding_norm": False,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return whether positions are learned, and whether a norm stands behind the last layer: if norms are before blocks and it is not off.

    Raises:
        ConfigError: heads that do not divide the width, or a tied head of another width than the token table.
    """
    hidden_size, num_heads = values.get("hidden_size"), values.get("num_attention_heads")
    if hidden_size is not None and num_heads is not None:
        even_head_dim(hidden_size, num_heads)
    into, out_of = values.get("input_size"), values.get("output_size")
    if values.get("tie_word_embeddings") and into != out_of:
        message = f"input_size={into} is the width of the token table and output_size={out_of} of the tied head's input: they must agree"
        raise ConfigError(message)
    has_norm = bool(values.get("norm_before")) and not values.get("without_final_norm")
    because = f"decoder_normalize_before is {values.get('norm_before')}, no_decoder_final_norm is {values.get('without_final_norm')}"
    learned, without = values.get("learned_as_named"), values.get("without_positions")
    positions = f"decoder_learned_pos is {learned}, no_token_positional_embeddings is {without}"
    return {"final_norm": (has_norm, because), "learned_positions": (bool(learned) and not without, positions)}


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: tables, the layers, the head, and the projections between the widths where they differ."""
    tokens, width = workload.sequence_length, shape.hidden_size
    yield embedding("token_embedding", shape.vocab_size, shape.input_size)
    if shape.input_size != width:
        yield matmul("projection_in", shape.input_size, width, tokens=tokens)
    if shape.learned_positions:
        yield embedding("position_embedding", shape.max_positions + _OFFSET, width, kind="position_embedding")
    if shape.embedding_norm:
        yield layernorm("embedding_norm", width)
    yield from repeat(_layer(shape, workload), shape.num_layers)
    if shape.final_norm:
        yield layernorm("final_norm", width)
    if shape.output_size != width:
        yield matmul("projection_out", width, shape.output_size, tokens=tokens)
    yield lm_head(shape.output_size, shape.vocab_size, tokens=tokens, tied=shape.tie_word_embeddings)


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield layernorm("attention_norm", shape.hidden_size)
    yield from attention(even_heads(shape.hidden_size, shape.num_attention_heads), workload)
    yield layernorm("mlp_norm", shape.hidden_size)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=True)
