"""Values of stages 3 and 4: what the laws make of a run, what the rules find in it, and the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from scalecheck.facts.account import Account
from scalecheck.facts.expense import Expense
from scalecheck.facts.reading import Origin, Reading
from scalecheck.values import dataclass

Severity = Literal["note", "warning", "error"]
Verdict = Literal["pass", "warn", "stop", "silent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One law's view of a run, in the law's own N.

    ``tokens_per_parameter`` is the law's optimal D*/N* at the run's compute; ``multiple`` is the run's D/N over it.
    ``extrapolated`` is the factor beyond the law's fitted range, 1.0 inside it. ``tokens_for_this_model`` is the D at which
    this N is compute-optimal. Loss is in nats per token; ``None`` where a law has none. ``effective_tokens`` is what repeated
    data are worth where the law tells it and the config says how many are unique, and ``effective_loss`` the loss with them.
    """

    law: str
    params: float
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
    effective_tokens: float | None = None
    effective_loss: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All that a rule may look at: one job, read, counted and compared. ``judge`` names the law that decides.

    ``expense`` is ``None`` where the policy names no accelerator, or C is unknown.
    """

    reading: Reading
    account: Account
    outlooks: Mapping[str, Outlook] = field(default_factory=dict)
    expense: Expense | None = None
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
    on_reject: str = "stop"
    verdict: Verdict = "pass"
