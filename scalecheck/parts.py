"""The blocks of the ledger, from which every architecture is put together.

Conventions, the same in every block:

* ``params`` and ``forward_flops`` are those of one copy; ``repeat`` says how often a block is stored and used.
* FLOPs are for one whole sequence and count 2 per multiply-add, in matrix products only (``torch.utils.flop_counter``'s
  convention). Norms, softmax, rotary embeddings, activations, bias additions, table look-ups, loss and optimizer count 0;
  Hoffmann et al. 2022, appendix F, count the look-up as a matmul and 3 FLOPs per score for the softmax.
* Biases are parts of their own, so that the weights that are multiplied can be summed alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from scalecheck.errors import ConfigError
from scalecheck.facts import AttentionConvention, Part, PartKind, Workload

FLOPS_PER_MULTIPLY_ADD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """The geometry of one self-attention block.

    ``head_dim`` need not be ``hidden_size / num_heads``; fewer key-value heads than heads is grouped-query attention
    (Ainslie et al. 2023).
    """

    hidden_size: int
    num_heads: int
    num_key_value_heads: int
    head_dim: int
    qkv_bias: bool = False
    output_bias: bool = False


def repeat(parts: Iterable[Part], copies: int, active_copies: int | None = None) -> Iterator[Part]:
    """Store each part ``copies`` times and use it ``active_copies`` times per token (default: all of them).

    Fewer active than stored are experts of which a router picks some; more are layers that share weights. Calls nest:
    64 experts of which 8 are used, in each of 16 layers, is ``repeat(repeat(expert, 64, 8), 16)``.
    """
    for part in parts:
        stored = part.copies * copies
        used = (part.copies if part.active_copies is None else part.active_copies) * (copies if active_copies is None else active_copies)
        yield replace(part, copies=stored, active_copies=None if used == stored else used)


def matmul(name: str, in_features: int, out_features: int, *, tokens: int) -> Part:
    """A weight that is multiplied with every one of ``tokens``: in x out params, 2 x tokens x in x out FLOPs."""
    params = in_features * out_features
    return Part(name=name, kind="matmul", params=params, forward_flops=FLOPS_PER_MULTIPLY_ADD * tokens * params)


def linear(name: str, in_features: int, out_features: int, *, tokens: int, bias: bool = False) -> Iterator[Part]:
    """A matmul and, when ``bias``, its ``out_features`` biases as a second part."""
    yield matmul(name, in_features, out_features, tokens=tokens)
    if bias:
        yield Part(name=f"{name}.bias", kind="bias", params=out_features)


def embedding(name: str, rows: int | None, width: int, *, kind: PartKind = "input_embedding", frozen: bool = False) -> Part:
    """A table in which rows are looked up, which costs no matmul; its params are unknown when ``rows`` is ``None``."""
    return Part(name=name, kind=kind, params=None if rows is None else rows * width, frozen=frozen)


def lm_head(hidden_size: int, vocab_size: int | None, *, tokens: int, tied: bool) -> Part:
    """The projection to the vocabulary.

    Tied to the input embedding it adds no params (``torchinfo`` counts them again: GPT-2 becomes 163,037,184), but it still
    multiplies. Params are unknown (unless tied) and FLOPs are unknown when ``vocab_size`` is ``None``.
    """
    weights = None if vocab_size is None else hidden_size * vocab_size
    flops = None if weights is None else FLOPS_PER_MULTIPLY_ADD * tokens * weights
    return Part(name="lm_head", kind="output_embedding", params=0 if tied else weights, forward_flops=flops)


def layernorm(name: str, width: int, *, bias: bool = True) -> Part:
    """LayerNorm (Ba et al. 2016): a gain and, unless ``bias`` is false, an offset per feature."""
    return Part(name=name, kind="norm", params=2 * width if bias else width)


def rmsnorm(name: str, width: int) -> Part:
    """RMSNorm (Zhang and Sennrich 2019): a gain per feature."""
    return Part(name=name, kind="norm", params=width)


def self_attention_pairs(tokens: int, attention: AttentionConvention) -> int:
    """Return how many query-key pairs one head scores in a sequence of ``tokens``.

    ``"full"`` is T x T: what is computed without a causal kernel, and what PaLM (Chowdhery et al. 2022, appendix B),
    nanoGPT, torchtitan and torch's counter count. ``"causal"`` is T(T+1)/2: what a causal model needs, as Megatron-LM
    counts up to the diagonal. The choice moves a Llama-3-8B run by 3 % at T = 2048 and by 41 % at T = 131072.
    """
    return tokens * tokens if attention == "full" else tokens * (tokens + 1) // 2


def scores(name: str, pairs: int, num_heads: int, query_key_dim: int, value_dim: int) -> Part:
    """Both weightless products of attention, query x key and probabilities x value: 2 x pairs x heads x (d_qk + d_v) FLOPs.

    Every query head scores, so grouped-query attention saves nothing here.
    """
    flops = FLOPS_PER_MULTIPLY_ADD * pairs * num_heads * (query_key_dim + value_dim)
    return Part(name=name, kind="scores", forward_flops=flops)


def attention(heads: Heads, workload: Workload, name: str = "attention") -> Iterator[Part]:
    """Self-attention of one layer: the projections q, k, v, o and the scores. A fused qkv has the same params and FLOPs."""
    tokens = workload.sequence_length
    query_width = heads.num_heads * heads.head_dim
    key_value_width = heads.num_key_value_heads * heads.head_dim
    yield from linear(f"{name}.query", heads.hidden_size, query_width, tokens=tokens, bias=heads.qkv_bias)
    yield from linear(f"{name}.key", heads.hidden_size, key_value_width, tokens=tokens, bias=heads.qkv_bias)
    yield from linear(f"{name}.value", heads.hidden_size, key_value_width, tokens=tokens, bias=heads.qkv_bias)
    yield from linear(f"{name}.output", query_width, heads.hidden_size, tokens=tokens, bias=heads.output_bias)
    pairs = self_attention_pairs(tokens, workload.attention)
    yield scores(f"{name}.scores", pairs, heads.num_heads, heads.head_dim, heads.head_dim)


def mlp(hidden_size: int, intermediate_size: int, *, tokens: int, bias: bool = False, name: str = "mlp") -> Iterator[Part]:
    """Two matrices: up to ``intermediate_size`` and down again."""
    yield from linear(f"{name}.up", hidden_size, intermediate_size, tokens=tokens, bias=bias)
    yield from linear(f"{name}.down", intermediate_size, hidden_size, tokens=tokens, bias=bias)


def gated_mlp(hidden_size: int, intermediate_size: int, *, tokens: int, bias: bool = False, name: str = "mlp") -> Iterator[Part]:
    """Three matrices (GLU variants, Shazeer 2020): a gate beside the up projection; ``intermediate_size`` is one branch's width."""
    yield from linear(f"{name}.gate", hidden_size, intermediate_size, tokens=tokens, bias=bias)
    yield from mlp(hidden_size, intermediate_size, tokens=tokens, bias=bias, name=name)


def even_head_dim(hidden_size: int, num_heads: int) -> int:
    """Return ``hidden_size / num_heads``, the width of a head where a config gives none.

    Raises:
        ConfigError: the heads do not divide the width, so no such model can be built.
    """
    if num_heads < 1 or hidden_size % num_heads:
        message = (
            f"hidden_size {hidden_size} cannot be split evenly over num_attention_heads {num_heads}: "
            "make one a multiple of the other, or give head_dim if the architecture has one."
        )
        raise ConfigError(message)
    return hidden_size // num_heads
