"""DeBERTa v2 and v3 (He et al. 2021, arXiv 2006.03654 and 2111.09543), as in transformers' ``DebertaV2ForMaskedLM``.

BERT whose scores have two more terms, content to position and position to content, over one table of relative distances.

That table is projected once for all sequences of a batch. FLOPs here are those of a batch of one, as the ledger counts one
sequence: of deberta-v3-base at 512 tokens 6.5 % are this projection, of which a large batch pays next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention, even_heads
from scalecheck.encoders import MaskedHead, masked_lm_head
from scalecheck.errors import ConfigError
from scalecheck.facts import Head, ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, count, even_head_dim, size, switch, text, texts
from scalecheck.parts import FLOPS_PER_MULTIPLY_ADD, convolution, embedding, layernorm, linear, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("deberta-v2",)
HEADS = ("masked_lm",)
_TERMS = (("c2p", "key"), ("p2c", "query"))  # a term multiplies content with this projection of the distances


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """DeBERTa's own sizes and switches.

    ``relative_span`` is how far a distance is told apart, to either side, and half the rows of the table of distances.
    ``share_att_key`` projects distances with the matrices of the content. ``embedding_size`` is the width of the token table.
    ``legacy=False`` is the head of the paper's own code, which multiplies with the token table in any case.
    """

    family: str = "deberta_v2"
    num_attention_heads: int
    intermediate_size: int
    embedding_size: int
    max_positions: int | None
    type_vocab_size: int = 0
    position_biased_input: bool = True
    relative_attention: bool = False
    relative_span: int | None = None
    share_att_key: bool = False
    pos_att_type: tuple[str, ...] = ()
    norm_rel_ebd: str = "none"
    conv_kernel_size: int = 0
    conv_groups: int = 1
    legacy: bool = True
    tie_word_embeddings: bool = True
    head: Head = "masked_lm"


# The last two are read to find the relative span, and to refuse what cannot be built.
KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads"),
    "intermediate_size": size("intermediate_size"),
    "embedding_size": size("embedding_size"),
    "max_positions": size("max_position_embeddings"),
    "type_vocab_size": count("type_vocab_size"),
    "position_biased_input": switch("position_biased_input"),
    "relative_attention": switch("relative_attention"),
    "share_att_key": switch("share_att_key"),
    "pos_att_type": texts("pos_att_type"),
    "norm_rel_ebd": text("norm_rel_ebd"),
    "conv_kernel_size": count("conv_kernel_size"),
    "conv_groups": size("conv_groups"),
    "legacy": switch("legacy"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
    "position_buckets": size("position_buckets"),
    "attention_head_size": size("attention_head_size"),
}

# transformers 5.23.0, DebertaV2Config: the sizes of v2 xlarge, but without relative attention.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 24,
    "hidden_size": 1536,
    "vocab_size": 128100,
    "num_attention_heads": 24,
    "intermediate_size": 6144,
    "max_positions": 512,
    "type_vocab_size": 0,
    "position_biased_input": True,
    "relative_attention": False,
    "legacy": True,
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the width of the token table and the relative span where they follow from ``values``.

    Raises:
        ConfigError: sizes of which no model can be built, or relative attention without buckets.
    """
    derived: Derived = {}
    hidden_size = values.get("hidden_size")
    _check_heads(hidden_size, values.get("num_attention_heads"), values.get("attention_head_size"))
    _check_convolution(hidden_size, values.get("conv_kernel_size", 0), values.get("conv_groups", 1))
    embedding_size = values.get("embedding_size")
    if embedding_size is None and hidden_size is not None:
        derived["embedding_size"] = (hidden_size, f"hidden_size {hidden_size}")
    elif embedding_size != hidden_size and not values.get("legacy", True):
        message = (
            f"legacy=False needs embedding_size={embedding_size} to be hidden_size={hidden_size}: its head multiplies with the token table"
        )
        raise ConfigError(message)
    if values.get("relative_attention"):
        buckets = values.get("position_buckets")
        if buckets is None:
            message = "relative_attention=True is counted with position_buckets above zero, as in every published model; they are not set"
            raise ConfigError(message)
        derived["relative_span"] = (buckets, f"position_buckets {buckets}")
    return derived


def _check_heads(hidden_size: int | None, num_heads: int | None, head_size: int | None) -> None:
    if hidden_size is None or num_heads is None:
        return
    even_head_dim(hidden_size, num_heads)
    if head_size is not None and head_size * num_heads != hidden_size:
        message = f"attention_head_size={head_size} x num_attention_heads={num_heads} is not hidden_size={hidden_size}"
        raise ConfigError(message)


def _check_convolution(hidden_size: int | None, kernel: int, groups: int) -> None:
    if kernel and kernel % 2 == 0:
        message = f"conv_kernel_size={kernel} is even: the convolution's output would be one token shorter than what it is added to"
        raise ConfigError(message)
    if kernel and hidden_size is not None and hidden_size % groups:
        message = f"conv_groups={groups} does not divide hidden_size={hidden_size}"
        raise ConfigError(message)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: the tables, the layers, the convolution beside the first of them, the head."""
    width, tokens = shape.hidden_size, workload.sequence_length
    yield from _tables(shape, tokens)
    yield from repeat(_layer(shape, workload), shape.num_layers)
    if shape.conv_kernel_size:
        channels = (width // shape.conv_groups, width)
        yield from convolution("convolution", channels, shape.conv_kernel_size, outputs=tokens, bias=True)
        yield layernorm("convolution_norm", width)
    tied = shape.tie_word_embeddings or not shape.legacy
    head = MaskedHead(
        hidden_size=width,
        table_width=shape.embedding_size,
        vocab_size=shape.vocab_size,
        tied=tied,
        decoder_biases=1 if tied else 2,  # held under two names, which are tied with the table
    )
    yield from masked_lm_head(head, tokens)


def _tables(shape: Shape, tokens: int) -> Iterator[Part]:
    yield embedding("token_embedding", shape.vocab_size, shape.embedding_size)
    if shape.position_biased_input:
        yield embedding("position_embedding", shape.max_positions, shape.embedding_size, kind="position_embedding")
    if shape.type_vocab_size:
        yield embedding("token_type_embedding", shape.type_vocab_size, shape.embedding_size, kind="token_type_embedding")
    if shape.embedding_size != shape.hidden_size:
        yield from linear("embedding_projection", shape.embedding_size, shape.hidden_size, tokens=tokens)
    yield layernorm("embedding_norm", shape.hidden_size)
    if shape.relative_attention:
        yield embedding("relative_embedding", _distances(shape), shape.hidden_size, kind="position_embedding")
    if "layer_norm" in _words(shape.norm_rel_ebd):  # stored, though idle, without relative attention too
        yield layernorm("relative_norm", shape.hidden_size)


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    heads = even_heads(shape.hidden_size, shape.num_attention_heads)
    yield from attention(heads, workload, causal=False)
    if shape.relative_attention:
        yield from _relative_attention(shape, workload.sequence_length)
    yield layernorm("attention_norm", shape.hidden_size)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=True)
    yield layernorm("mlp_norm", shape.hidden_size)


def _relative_attention(shape: Shape, tokens: int) -> Iterator[Part]:
    """Each term projects all distances and multiplies them with every token: 2 x R x d x d and 2 x T x R x d FLOPs.

    With shared matrices both projections are computed, whichever terms are used; one that is not used has no backward pass.
    Their kind is "other": they multiply, but have no weights of their own and are not the scores that every model has.
    """
    width, distances = shape.hidden_size, _distances(shape)
    used = [term for name in shape.pos_att_type for term in _words(name)]
    for term, projection in _TERMS:
        name = f"attention.position_{projection}"
        if shape.share_att_key:
            flops = FLOPS_PER_MULTIPLY_ADD * distances * width * width
            yield Part(name=name, kind="other", forward_flops=flops, backward_flops=None if term in used else 0)
        elif term in used:
            yield from linear(name, width, width, tokens=distances, bias=True)
        if term in used:
            yield Part(name=f"attention.{term}", kind="other", forward_flops=FLOPS_PER_MULTIPLY_ADD * tokens * distances * width)


def _distances(shape: Shape) -> int:
    return 2 * (shape.relative_span or 0)


def _words(joined: str) -> list[str]:
    return [word.strip() for word in joined.lower().split("|")]
