"""Mamba (Gu and Dao 2023, arXiv 2312.00752), as in transformers' ``MambaForCausalLM``.

No attention and no MLP: each layer widens its input, convolves it along the sequence, scans it with a state space whose step, input and
output matrices it reads off the input itself, gates it and narrows it again. Of the scan, states x output matrix is the one matrix product
in transformers' plain torch, and is counted; the states' own update is element-wise and, like every such thing, is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.decoders import decoder
from scalecheck.facts import ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, auto_size, size, switch
from scalecheck.parts import FLOPS_PER_MULTIPLY_ADD, convolution, linear, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("mamba",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """Mamba's own sizes; ``intermediate_size`` is the width in a layer, ``time_step_rank`` that through which its time steps are read."""

    family: str = "mamba"
    intermediate_size: int
    state_size: int
    conv_kernel: int
    time_step_rank: int
    use_bias: bool = False
    use_conv_bias: bool = True
    tie_word_embeddings: bool = True


KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "expand": size("expand"),
    "intermediate_size": size("intermediate_size"),
    "state_size": size("state_size"),
    "conv_kernel": size("conv_kernel"),
    "time_step_rank": auto_size("time_step_rank"),
    "use_bias": switch("use_bias"),
    "use_conv_bias": switch("use_conv_bias"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, MambaConfig: the widths of the 130M model with 32 layers.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 32,
    "hidden_size": 768,
    "vocab_size": 50280,
    "expand": 2,
    "state_size": 16,
    "conv_kernel": 4,
    "use_bias": False,
    "use_conv_bias": True,
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the width in a layer and the rank of the time steps where they follow from ``values``; MambaConfig rounds the rank up."""
    derived: Derived = {}
    hidden_size, expand = values.get("hidden_size"), values.get("expand")
    if hidden_size is None:
        return derived
    if values.get("intermediate_size") is None and expand is not None:
        derived["intermediate_size"] = (expand * hidden_size, f"expand {expand} x hidden_size {hidden_size}")
    if values.get("time_step_rank") is None:
        derived["time_step_rank"] = (-(-hidden_size // 16), f"hidden_size {hidden_size} / 16, rounded up")
    return derived


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload.sequence_length), shape.num_layers)
    yield from decoder(shape, workload, (*layers, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    inner, state = shape.intermediate_size, shape.state_size
    yield rmsnorm("norm", shape.hidden_size)
    yield from linear("mixer.in", shape.hidden_size, 2 * inner, tokens=tokens, bias=shape.use_bias)
    # One channel at a time. transformers pads both ends and cuts off the last outputs, which are computed and counted all the same.
    yield from convolution(
        "mixer.convolution", (1, inner), shape.conv_kernel, outputs=tokens + shape.conv_kernel - 1, bias=shape.use_conv_bias
    )
    yield from linear("mixer.selection", inner, shape.time_step_rank + 2 * state, tokens=tokens)
    yield from linear("mixer.time_step", shape.time_step_rank, inner, tokens=tokens, bias=True)
    yield Part(name="mixer.decay", kind="other", params=inner * state)
    yield Part(name="mixer.scan", kind="other", forward_flops=FLOPS_PER_MULTIPLY_ADD * tokens * inner * state)
    yield Part(name="mixer.skip", kind="other", params=inner)
    yield from linear("mixer.out", inner, shape.hidden_size, tokens=tokens, bias=shape.use_bias)
