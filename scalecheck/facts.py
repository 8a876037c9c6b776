"""Every value that travels through scalecheck, in the order in which it travels.

All values are frozen; a stage returns new ones. Units are in the names (``…_flops`` are counts, ``…_params``, ``…_tokens``). ``None``
always means *unknown*, never zero. Where a value came from stands beside it, in ``Reading.origins``, by field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple, Protocol

Severity = Literal["note", "warning", "error"]
TokensStatus = Literal["exact", "assumed", "upper_bound", "per_device", "unknown"]
ParamsStatus = Literal["exact", "assumed", "unknown"]
Verdict = Literal["pass", "warn", "stop", "silent"]
AttentionConvention = Literal["full", "causal", "windowed"]
Head = Literal["causal_lm", "masked_lm", "diffusion_lm", "seq2seq_lm", "speech_seq2seq", "image_classification"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A key that is there but has no value that can be read, and why."""

    reason: str


class View(Protocol):
    """A read-only window on a config; nothing is resolved that is not asked for."""

    def get(self, key: str) -> Any:
        """Return the value at ``key``, ``None`` when absent or null, or ``Unreadable``."""

    def keys(self, key: str) -> tuple[str, ...]:
        """Return the names of the children of ``key`` without resolving them; ``""`` is the root."""

    def runs_code(self, key: str) -> bool:
        """Tell whether reading ``key`` would run a resolver that is not OmegaConf's own and harmless."""

    @property
    def read_keys(self) -> frozenset[str]:
        """Every key that was asked for: what the verdict can depend on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a value came from: a dotted ``key``, the ``chain`` that its interpolation goes on to; ``because`` is arithmetic or a reason."""

    key: str | None = None
    file: str | None = None
    line: int | None = None
    override: str | None = None
    chain: tuple[str, ...] = ()
    assumed: bool = False
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """What every architecture has; a family's file adds its own fields in a subclass.

    ``head`` is what the model is trained to predict with, and what stands on top of the stack.
    """

    family: str
    num_layers: int
    hidden_size: int
    vocab_size: int | None
    tie_word_embeddings: bool = False
    head: Head = "causal_lm"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How much the run trains. ``training_tokens`` is D, tokens seen including repeats.

    ``tokens_per_step`` counts the whole job (all devices) unless ``tokens_status`` is ``per_device``. ``target_length`` is the
    decoder's where ``sequence_length`` is what an encoder reads.
    """

    num_steps: int | None = None
    tokens_per_step: int | None = None
    sequence_length: int | None = None
    target_length: int | None = None
    sequences_per_step: int | None = None
    micro_batch_sequences: int | None = None
    gradient_accumulation: int | None = None
    num_devices: int | None = None
    training_tokens: int | None = None
    tokens_status: TokensStatus = "unknown"
    unique_tokens: int | None = None
    epochs: float | None = None
    intent: str = "pretrain"
    intent_reason: str = ""


PLAN_FIELDS = frozenset(item.name for item in fields(TrainingPlan))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A quantity that the config does not tell: what is missing and which lines would tell it."""

    field: str
    reason: str
    key: str | None = None
    remedies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Impossible:
    """A value that was found and cannot be right."""

    field: str
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleCount:
    """What was counted on a real module, built without storage: unique tensors once, by the paths of their modules.

    ``forward_flops_per_sequence`` is what torch's FlopCounterMode saw; ``None`` where it does not run so, as ``flops_because`` says.
    """

    target: str
    total_params: int
    trainable_params: int
    params_by_module: tuple[tuple[str, int], ...] = ()
    sequence_length: int | None = None
    forward_flops_per_sequence: int | None = None
    flops_because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Stage 1's result. ``unused_keys`` are sizes that the family does not use and that would change the count of another one."""

    shape: ModelShape | None = None
    plan: TrainingPlan = field(default_factory=TrainingPlan)
    declared_params: int | None = None
    module: ModuleCount | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)
    unknowns: tuple[Unknown, ...] = ()
    impossible: tuple[Impossible, ...] = ()
    unused_keys: tuple[str, ...] = ()
    model_dialect: str | None = None
    schedule_dialect: str | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One law's view of a run, in the law's own N.

    ``tokens_per_parameter`` is the law's optimal D*/N* at the run's compute; ``multiple`` is the run's D/N over it.
    ``extrapolated`` is the factor beyond the law's fitted range, 1.0 inside it. ``tokens_for_this_model`` is the D at which
    this N is compute-optimal. Loss is in nats per token; ``None`` where a law has none.
    """

    law: str
    params: int
    params_convention: str
    law_flops: float
    optimal_params: float
    optimal_tokens: float
    tokens_per_parameter: float
    multiple: float
    tokens_for_this_model: float
    interval: tuple[float, float] | None = None
    wasted_compute: float | None = None
    predicted_loss: float | None = None
    loss_at_optimum: float | None = None
    extrapolated: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All that a rule may look at: one job, read, counted and compared. ``judge`` names the law that decides."""

    reading: Reading
    account: Account
    outlooks: Mapping[str, Outlook] = field(default_factory=dict)
    judge: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Overrides to type, and in words what they do. Empty overrides: nothing can be typed, the words must do."""

    overrides: tuple[str, ...] = ()
    effect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule found. ``severity`` is ``None`` until the policy's severity for that rule is filled in by the judge."""

    rule: str
    message: str
    severity: Severity | None = None
    remedies: tuple[Remedy, ...] = ()
    origin: Origin = field(default_factory=Origin)
    waived: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One checked job of a launch."""

    name: str
    overrides: tuple[str, ...]
    run: Run
    findings: tuple[Finding, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A model that was counted for its own sake: where its config is, what was read, and the ledger."""

    source: str
    reading: Reading
    account: Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything the tool says about a launch; every format is rendered from it."""

    jobs: tuple[Job, ...]
    findings: tuple[Finding, ...] = ()
    mode: str = "warn"
    verdict: Verdict = "pass"
