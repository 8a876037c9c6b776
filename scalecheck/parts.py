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

from scalecheck.facts import Part, PartKind

FLOPS_PER_MULTIPLY_ADD = 2
BACKWARD_PER_FORWARD = 2  # the backward pass multiplies twice per forward matmul: for the inputs' and for the weights' gradient
FLOPS_PER_PARAM_AND_TOKEN = 6  # forward 2, backward 4: Kaplan et al. 2020, section 2.1


def repeat(parts: Iterable[Part], copies: int, active_copies: int | None = None) -> Iterator[Part]:
    """Store each part ``copies`` times and use it ``active_copies`` times per token (default: all of them).

    Fewer active than stored are experts of which a router picks some; more are layers that share weights. Calls nest:
    64 experts of which 8 are used, in each of 16 layers, is ``repeat(repeat(expert, 64, 8), 16)``.
    """
    used_copies = copies if active_copies is None else active_copies
    for part in parts:
        name, kind, params, own, own_active, forward, backward, frozen = part
        stored, used = own * copies, (own if own_active is None else own_active) * used_copies
        yield Part(name, kind, params, stored, None if used == stored else used, forward, backward, frozen)


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


def convolution(name: str, channels: tuple[int, int], kernel: int, *, outputs: int, bias: bool = False) -> Iterator[Part]:
    """A dense convolution, ``channels`` in and out, with ``kernel`` taps (of a patch: rows x columns) at ``outputs`` positions.

    2 x outputs x in x out x kernel FLOPs. Whether its input needs a gradient is the caller's to say (``without_input_gradient``).
    """
    params = channels[0] * channels[1] * kernel
    yield Part(name=name, kind="matmul", params=params, forward_flops=FLOPS_PER_MULTIPLY_ADD * outputs * params)
    if bias:
        yield Part(name=f"{name}.bias", kind="bias", params=channels[1])


def without_input_gradient(parts: Iterable[Part]) -> Iterator[Part]:
    """Count only the weights' gradient in the backward pass: nobody needs the gradient of pixels or of a spectrogram."""
    for part in parts:
        yield part._replace(backward_flops=part.forward_flops)


def layernorm(name: str, width: int, *, bias: bool = True) -> Part:
    """LayerNorm (Ba et al. 2016): a gain and, unless ``bias`` is false, an offset per feature."""
    return Part(name=name, kind="norm", params=2 * width if bias else width)


def rmsnorm(name: str, width: int) -> Part:
    """RMSNorm (Zhang and Sennrich 2019): a gain per feature."""
    return Part(name=name, kind="norm", params=width)


def mlp(hidden_size: int, intermediate_size: int, *, tokens: int, bias: bool = False, name: str = "mlp") -> Iterator[Part]:
    """Two matrices: up to ``intermediate_size`` and down again."""
    yield from linear(f"{name}.up", hidden_size, intermediate_size, tokens=tokens, bias=bias)
    yield from linear(f"{name}.down", intermediate_size, hidden_size, tokens=tokens, bias=bias)


def gated_mlp(hidden_size: int, intermediate_size: int, *, tokens: int, bias: bool = False, name: str = "mlp") -> Iterator[Part]:
    """Three matrices (GLU variants, Shazeer 2020): a gate beside the up projection; ``intermediate_size`` is one branch's width."""
    yield from linear(f"{name}.gate", hidden_size, intermediate_size, tokens=tokens, bias=bias)
    yield from mlp(hidden_size, intermediate_size, tokens=tokens, bias=bias, name=name)


def stored_params(part: Part) -> int | None:
    """Return the parameters of all copies of a part."""
    return None if part.params is None else part.params * part.copies


def active_params(part: Part) -> int | None:
    """Return the parameters of a part that one token meets; a shared layer's weights count once, however often they are used."""
    return None if part.params is None else part.params * min(part.copies, used_copies(part))


def forward_flops(part: Part) -> int | None:
    """Return the FLOPs of one sequence's forward pass through all the copies in use."""
    return None if part.forward_flops is None else part.forward_flops * used_copies(part)


def training_flops(part: Part) -> int | None:
    """Return the FLOPs of one sequence's forward and backward pass through all the copies in use."""
    if part.forward_flops is None:
        return None
    backward = BACKWARD_PER_FORWARD * part.forward_flops if part.backward_flops is None else part.backward_flops
    return (part.forward_flops + backward) * used_copies(part)


def used_copies(part: Part) -> int:
    """Return how many copies of a part one token meets: fewer than are stored of experts, more of layers that share weights."""
    return part.copies if part.active_copies is None else part.active_copies
