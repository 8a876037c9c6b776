"""Stage 2's values: the ledger's parts, and the sums over them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from scalecheck.values import dataclass

ParamsStatus = Literal["exact", "assumed", "unknown"]
AttentionConvention = Literal["full", "causal", "windowed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What FLOPs depend on besides the shape: one sequence's lengths and the attention convention.

    ``attention="full"`` counts every T x T pair, as torch's FlopCounterMode does; ``"causal"`` counts T(T+1)/2 where the
    model is causal; ``"windowed"`` counts, besides, only the pairs within a layer's sliding window.
    ``sequence_length`` is the decoder's (or the only) length; an encoder's stands in ``source_length``, ``None``: as long.
    """

    sequence_length: int
    source_length: int | None = None
    attention: AttentionConvention = "full"


PartKind = Literal[
    "matmul", "scores", "norm", "bias", "other",
    "input_embedding", "output_embedding", "position_embedding", "token_type_embedding",
]  # fmt: skip


class Part(NamedTuple):
    """One line of the ledger: a block of the model, its parameters and its matmul FLOPs. A named tuple, as it is made by the hundred.

    ``params`` and ``forward_flops`` are those of *one* copy; FLOPs are for one whole sequence (not per token, so that
    every count stays an integer). ``copies`` are stored, ``active_copies`` are used by one token (experts, shared layers).
    ``backward_flops`` is 2 x forward unless the part says otherwise (inputs that need no gradient).
    """

    name: str
    kind: PartKind
    params: int | None = 0
    copies: int = 1
    active_copies: int | None = None
    forward_flops: int | None = 0
    backward_flops: int | None = None
    frozen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Stage 2's result: sums over the ledger. FLOPs are matmul FLOPs, 2 per multiply-add; recomputation is not counted.

    ``formula_params`` is the ledger's total where a real module was counted beside it.
    """

    parts: tuple[Part, ...] = ()
    params_status: ParamsStatus = "unknown"
    total_params: int | None = None
    formula_params: int | None = None
    active_params: int | None = None
    trainable_params: int | None = None
    embedding_params: int | None = None
    non_embedding_params: int | None = None
    active_non_embedding_params: int | None = None
    sequence_length: int | None = None
    source_length: int | None = None
    attention: AttentionConvention = "full"
    forward_flops_per_sequence: int | None = None
    training_flops_per_sequence: int | None = None
    flops_note: str = ""
    training_flops: int | None = None
    training_flops_because: str = ""
    training_tokens: int | None = None
    tokens_per_parameter: float | None = None

    def _repr_html_(self) -> str:
        """Return what a notebook shows: N and C in a sentence, and where they are."""
        from scalecheck.notebook import account_html

        return account_html(self)
