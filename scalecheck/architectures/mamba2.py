"""Mamba-2 (Dao and Gu 2024, arXiv 2405.21060), as in transformers' ``Mamba2ForCausalLM``. Also Mamba-Codestral.

Mamba's layer with one decay per head, and groups of heads that share input and output matrices, so that the scan can be cut into chunks:
attention within a chunk, a state handed on from chunk to chunk. How many matrix products that takes is the algorithm's choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.decoders import decoder
from scalecheck.errors import ConfigError
from scalecheck.facts import ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, size, switch
from scalecheck.parts import FLOPS_PER_MULTIPLY_ADD, convolution, linear, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("mamba2",)
HEADS = ("causal_lm",)
FLOPS_NOTE = (
    "The FLOPs of Mamba-2's scan depend on the algorithm and its chunk size: counted here is transformers' chunked scan in plain torch, in "
    "whole chunks of chunk_size, 0 % from what torch counts there; another kernel, such as mamba_ssm's, has another number of them."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """Mamba-2's own sizes; ``num_groups`` are groups of heads with common input and output matrices, ``chunk_size`` is in tokens."""

    family: str = "mamba2"
    num_heads: int
    head_dim: int
    num_groups: int
    state_size: int
    conv_kernel: int
    chunk_size: int = 256
    use_bias: bool = False
    use_conv_bias: bool = True


# Mamba2Config does not look at intermediate_size; time_step_rank changes nothing in its model.
KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "expand": size("expand"),
    "num_heads": size("num_heads"),
    "head_dim": size("head_dim"),
    "num_groups": size("n_groups"),
    "state_size": size("state_size"),
    "conv_kernel": size("conv_kernel"),
    "chunk_size": size("chunk_size"),
    "use_bias": switch("use_bias"),
    "use_conv_bias": switch("use_conv_bias"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, Mamba2Config: Mamba-Codestral 7B.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 64,
    "hidden_size": 4096,
    "vocab_size": 32768,
    "expand": 2,
    "num_heads": 128,
    "head_dim": 64,
    "num_groups": 8,
    "state_size": 128,
    "conv_kernel": 4,
    "chunk_size": 256,
    "use_bias": False,
    "use_conv_bias": True,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return nothing: every size is told.

    Raises:
        ConfigError: heads that do not fill the width that ``expand`` asks for, or that cannot be grouped.
    """
    num_heads = values.get("num_heads")
    if num_heads is not None and num_heads % values.get("num_groups", 1):
        message = f"num_groups={values['num_groups']} (n_groups) does not divide num_heads={num_heads}"
        raise ConfigError(message)
    if {"hidden_size", "expand", "num_heads", "head_dim"} <= set(values):
        filled, asked = num_heads * values["head_dim"], values["expand"] * values["hidden_size"]
        if filled != asked:
            message = f"num_heads x head_dim is {filled}, and expand x hidden_size is {asked}: the heads must fill the width in a layer"
            raise ConfigError(message)
    return {}


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload.sequence_length), shape.num_layers)
    yield from decoder(shape, workload, (*layers, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    inner = shape.num_heads * shape.head_dim
    convolved = inner + 2 * shape.num_groups * shape.state_size
    yield rmsnorm("norm", shape.hidden_size)
    yield from linear("mixer.in", shape.hidden_size, inner + convolved + shape.num_heads, tokens=tokens, bias=shape.use_bias)
    # One channel at a time. transformers pads both ends and cuts off the last outputs, which are computed and counted all the same.
    yield from convolution(
        "mixer.convolution", (1, convolved), shape.conv_kernel, outputs=tokens + shape.conv_kernel - 1, bias=shape.use_conv_bias
    )
    yield Part(name="mixer.time_step.bias", kind="bias", params=shape.num_heads)
    yield Part(name="mixer.decay", kind="other", params=shape.num_heads)
    yield Part(name="mixer.scan", kind="other", forward_flops=_scan_flops(shape, tokens))
    yield Part(name="mixer.skip", kind="other", params=shape.num_heads)
    yield rmsnorm("mixer.norm", inner)
    yield from linear("mixer.out", inner, shape.hidden_size, tokens=tokens, bias=shape.use_bias)


def _scan_flops(shape: Shape, tokens: int) -> int:
    """The scan of one layer: five products per head, as in transformers' ``mamba2_chunk_scan``, the last chunk padded to its full length.

    Within a chunk: outputs x inputs (``state_size`` deep) and that x values, for all pairs, later inputs too; then values into the chunk's
    state, and the state before it into outputs. Between chunks: every state from every other, the empty one in front included.
    """
    chunk, state, head_dim = shape.chunk_size, shape.state_size, shape.head_dim
    chunks = -(-tokens // chunk)
    within = chunks * (chunk * chunk * (state + head_dim) + 2 * chunk * state * head_dim)
    between = (chunks + 1) * (chunks + 1) * state * head_dim
    return FLOPS_PER_MULTIPLY_ADD * shape.num_heads * (within + between)
