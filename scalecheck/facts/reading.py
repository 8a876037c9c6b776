"""Stage 1's values: a view of a config, where each value came from, the model's shape and the training plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any, Literal, Protocol

from scalecheck.values import dataclass

TokensStatus = Literal["exact", "assumed", "upper_bound", "per_device", "unknown"]
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
    decoder's where ``sequence_length`` is what an encoder reads. ``time_limit_hours`` is the launcher's or the trainer's own limit.
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
    time_limit_hours: float | None = None
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
