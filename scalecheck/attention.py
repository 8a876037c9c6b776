"""Attention: its projections, its scores, and how many pairs of positions they are counted for.

FLOPs are of one whole sequence, 2 per multiply-add, in matrix products only; see ``parts``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from scalecheck.facts import AttentionConvention, Part, Workload
from scalecheck.keys import even_head_dim
from scalecheck.parts import FLOPS_PER_MULTIPLY_ADD, linear, repeat, rmsnorm
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """The geometry of one attention block.

    ``head_dim`` need not be ``hidden_size / num_heads``; fewer key-value heads than heads is grouped-query attention
    (Ainslie et al. 2023). ``key_bias`` is for models whose keys have no bias although queries and values do (Whisper).
    """

    hidden_size: int
    num_heads: int
    num_key_value_heads: int
    head_dim: int
    qkv_bias: bool = False
    key_bias: bool | None = None
    output_bias: bool = False


def even_heads(hidden_size: int, num_heads: int, *, bias: bool = True, key_bias: bool | None = None) -> Heads:
    """Return multi-head attention as first published (Vaswani et al. 2017): a key per query, the heads together as wide as the model.

    Raises:
        ConfigError: the heads do not divide the width.
    """
    return Heads(
        hidden_size=hidden_size,
        num_heads=num_heads,
        num_key_value_heads=num_heads,
        head_dim=even_head_dim(hidden_size, num_heads),
        qkv_bias=bias,
        key_bias=key_bias,
        output_bias=bias,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Latent:
    """Multi-head latent attention (DeepSeek-AI 2024, arXiv 2405.04434, section 2.1).

    ``query_rank`` is ``None`` where queries are not compressed. The part of a head that carries positions is
    ``rotary_dim`` wide, one for all heads on the key side; the rest is ``plain_dim``.
    """

    hidden_size: int
    num_heads: int
    query_rank: int | None
    key_value_rank: int
    plain_dim: int
    rotary_dim: int
    value_dim: int
    bias: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which positions a layer attends to: the last ``width`` ones (``sliding``), or those of its own ``chunk``."""

    width: int
    kind: Literal["sliding", "chunk"] = "sliding"


def attention_pairs(tokens: int, convention: AttentionConvention, *, window: Window | None = None, causal: bool = True) -> int:
    """Return how many query-key pairs one head scores in a sequence of ``tokens``.

    ``"full"`` is T x T: what is computed without a causal kernel, and what PaLM (Chowdhery et al. 2022, appendix B),
    nanoGPT, torchtitan and torch's counter count. ``"causal"`` is T(T+1)/2 in a causal model: what it needs, as Megatron-LM
    counts up to the diagonal. The choice moves a Llama-3-8B run by 3 % at T = 2048 and by 41 % at T = 131072.
    ``"windowed"`` is, besides, what a layer with a window needs; a window of a model that looks both ways reaches
    ``width // 2`` positions to either side.
    """
    if convention == "full" or (not causal and (convention == "causal" or window is None)):
        return tokens * tokens
    if convention == "causal" or window is None:
        return tokens * (tokens + 1) // 2
    if not causal:
        reach = min(window.width // 2, tokens - 1)
        return tokens * (2 * reach + 1) - reach * (reach + 1)
    if window.kind == "chunk":
        chunks, rest = divmod(tokens, window.width)
        return chunks * (window.width * (window.width + 1) // 2) + rest * (rest + 1) // 2
    width = min(window.width, tokens)
    return width * (width + 1) // 2 + (tokens - width) * width


def scores(name: str, pairs: int, num_heads: int, query_key_dim: int, value_dim: int) -> Part:
    """Both weightless products of attention, query x key and probabilities x value: 2 x pairs x heads x (d_qk + d_v) FLOPs.

    Every query head scores, so grouped-query attention saves nothing here.
    """
    flops = FLOPS_PER_MULTIPLY_ADD * pairs * num_heads * (query_key_dim + value_dim)
    return Part(name=name, kind="scores", forward_flops=flops)


def attention(heads: Heads, workload: Workload, name: str = "attention", *, causal: bool = True) -> Iterator[Part]:
    """Self-attention of one layer without a window: the projections and the scores."""
    yield from projections(heads, workload.sequence_length, name)
    pairs = attention_pairs(workload.sequence_length, workload.attention, causal=causal)
    yield scores(f"{name}.scores", pairs, heads.num_heads, heads.head_dim, heads.head_dim)


def projections(heads: Heads, tokens: int, name: str = "attention", *, source_tokens: int | None = None) -> Iterator[Part]:
    """The matrices q, k, v, o of one layer; a fused qkv has the same params and FLOPs.

    In cross attention keys and values are made of ``source_tokens`` positions of the encoder.
    """
    query_width = heads.num_heads * heads.head_dim
    key_value_width = heads.num_key_value_heads * heads.head_dim
    source = tokens if source_tokens is None else source_tokens
    key_bias = heads.qkv_bias if heads.key_bias is None else heads.key_bias
    yield from linear(f"{name}.query", heads.hidden_size, query_width, tokens=tokens, bias=heads.qkv_bias)
    yield from linear(f"{name}.key", heads.hidden_size, key_value_width, tokens=source, bias=key_bias)
    yield from linear(f"{name}.value", heads.hidden_size, key_value_width, tokens=source, bias=heads.qkv_bias)
    yield from linear(f"{name}.output", query_width, heads.hidden_size, tokens=tokens, bias=heads.output_bias)


def cross_attention(heads: Heads, tokens: int, source_tokens: int, name: str = "cross_attention") -> Iterator[Part]:
    """Attention of a decoder layer to the encoder's output: every pair is scored, whatever the convention."""
    yield from projections(heads, tokens, name, source_tokens=source_tokens)
    yield scores(f"{name}.scores", tokens * source_tokens, heads.num_heads, heads.head_dim, heads.head_dim)


def layered_scores(
    heads: Heads, workload: Workload, num_layers: int, windowed_layers: int = 0, window: Window | None = None, *, causal: bool = True
) -> Iterator[Part]:
    """The scores of all layers, of which some have a window; their projections are the same and are counted apart."""
    for name, layers, reach in (("attention.scores", num_layers - windowed_layers, None), ("attention.window", windowed_layers, window)):
        if layers:
            pairs = attention_pairs(workload.sequence_length, workload.attention, window=reach, causal=causal)
            yield from repeat([scores(name, pairs, heads.num_heads, heads.head_dim, heads.head_dim)], layers)


def latent_attention(latent: Latent, workload: Workload, name: str = "attention") -> Iterator[Part]:
    """Multi-head latent attention of one layer, keys and values expanded from their latent as in training.

    Queries and keys are ``plain_dim + rotary_dim`` wide, values ``value_dim``, so the two products of a score differ.
    """
    tokens, query_key_dim = workload.sequence_length, latent.plain_dim + latent.rotary_dim
    hidden_size, num_heads, rank = latent.hidden_size, latent.num_heads, latent.query_rank
    if rank is None:
        yield from linear(f"{name}.query", hidden_size, num_heads * query_key_dim, tokens=tokens)
    else:
        yield from linear(f"{name}.query_down", hidden_size, rank, tokens=tokens, bias=latent.bias)
        yield rmsnorm(f"{name}.query_norm", rank)
        yield from linear(f"{name}.query_up", rank, num_heads * query_key_dim, tokens=tokens)
    yield from linear(f"{name}.key_value_down", hidden_size, latent.key_value_rank + latent.rotary_dim, tokens=tokens, bias=latent.bias)
    yield rmsnorm(f"{name}.key_value_norm", latent.key_value_rank)
    key_value_width = num_heads * (latent.plain_dim + latent.value_dim)
    yield from linear(f"{name}.key_value_up", latent.key_value_rank, key_value_width, tokens=tokens)
    yield from linear(f"{name}.output", num_heads * latent.value_dim, hidden_size, tokens=tokens, bias=latent.bias)
    pairs = attention_pairs(tokens, workload.attention)
    yield scores(f"{name}.scores", pairs, num_heads, query_key_dim, latent.value_dim)
