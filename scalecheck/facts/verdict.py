"""Values of stages 3 and 4: what the laws make of a run, what the rules find in it, and the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from scalecheck.facts.account import Account
from scalecheck.facts.expense import Expense
from scalecheck.facts.reading import Origin, Reading
from scalecheck.values import dataclass

Severity = Literal["note", "warning", "error"]
Verdict = Literal["pass", "warn", "stop", "silent"]
Plain = str | int | float | None


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

    ``own_laws`` are the laws of the user's files that its policy names; of a report that was read back, they stand in the report alone.
    ``expense`` is ``None`` where the policy names no accelerator, or C is unknown.
    """

    reading: Reading
    account: Account
    outlooks: Mapping[str, Outlook] = field(default_factory=dict)
    expense: Expense | None = None
    judge: str = ""
    name: str = ""
    own_laws: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Overrides to type, and in words what they do. Empty overrides: nothing can be typed, the words must do."""

    overrides: tuple[str, ...] = ()
    effect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule found. ``severity`` is ``None`` until the policy's severity for that rule is filled in by the judge.

    ``subject`` tells findings of one rule in one job apart, without values: which budget, which field. ``waived`` says why it counts
    for nothing: a waiver's words, or that a baseline knows it.
    """

    rule: str
    message: str
    severity: Severity | None = None
    remedies: tuple[Remedy, ...] = ()
    origin: Origin = field(default_factory=Origin)
    subject: str = ""
    waived: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One checked job of a launch. ``config`` is the file of its primary config, where the command line composed it."""

    name: str
    overrides: tuple[str, ...]
    run: Run
    findings: tuple[Finding, ...]
    verdict: Verdict
    config: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A model that was counted for its own sake: where its config is, what was read, and the ledger."""

    source: str
    reading: Reading
    account: Account

    def _repr_html_(self) -> str:
        """Return what a notebook shows: N and C in a sentence, and where they are."""
        from scalecheck.notebook import account_html

        return account_html(self.account, self.reading.shape.family if self.reading.shape else "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything the tool says about a launch; every format is rendered from it. ``own_laws`` are those of the user's files, by name."""

    jobs: tuple[Job, ...]
    findings: tuple[Finding, ...] = ()
    mode: str = "warn"
    on_reject: str = "stop"
    verdict: Verdict = "pass"
    own_laws: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self, prefix: str = "scalecheck/") -> dict[str, Plain]:
        """Return the report for an experiment tracker: flat, under documented keys (docs/how-to/ci.md); unknown is ``None``.

        Of one job, its figures and those of the whole report; of several, or of none, the latter alone. ``prefix`` keeps the keys apart
        from those of the run's own config, whose values a tracker may refuse to change.
        """
        figures = _totals(self) | (_figures(self.jobs[0]) if len(self.jobs) == 1 else {})
        return {prefix + name: _finite(value) for name, value in figures.items()}

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the verdict in a sentence, and the pictures."""
        from scalecheck.notebook import report_html

        return report_html(self)


def _totals(report: Report) -> dict[str, Plain]:
    findings = [*report.findings, *(finding for job in report.jobs for finding in job.findings)]
    counted = [finding for finding in findings if finding.waived is None]
    flops = [job.run.account.training_flops for job in report.jobs]
    known = [value for value in flops if value is not None]
    return {
        "verdict": report.verdict if report.jobs else None,
        "jobs": len(report.jobs),
        "jobs_with_unknown_flops": len(flops) - len(known),
        "total_training_flops": sum(known) if known else None,
        "findings_error": sum(finding.severity == "error" for finding in counted),
        "findings_warning": sum(finding.severity == "warning" for finding in counted),
        "findings_note": sum(finding.severity == "note" for finding in counted),
        "findings_waived": len(findings) - len(counted),
        "rules": ",".join(sorted({finding.rule for finding in counted})),
    }


def _figures(job: Job) -> dict[str, Plain]:
    account, plan, expense = job.run.account, job.run.reading.plan, job.run.expense
    outlook = job.run.outlooks.get(job.run.judge)
    return {
        "family": job.run.reading.shape.family if job.run.reading.shape else None,
        "intent": plan.intent,
        "total_params": account.total_params,
        "active_params": account.active_params,
        "non_embedding_params": account.non_embedding_params,
        "params_status": account.params_status,
        "training_tokens": account.training_tokens,
        "tokens_status": plan.tokens_status,
        "tokens_per_step": plan.tokens_per_step,
        "num_steps": plan.num_steps,
        "sequence_length": plan.sequence_length,
        "training_flops": account.training_flops,
        "tokens_per_parameter": account.tokens_per_parameter,
        "judge": job.run.judge if outlook else None,
        "multiple": outlook.multiple if outlook else None,
        "optimal_tokens_per_parameter": outlook.tokens_per_parameter if outlook else None,
        "predicted_loss": outlook.predicted_loss if outlook else None,
        "wasted_compute": outlook.wasted_compute if outlook else None,
        "gpu_hours": expense.gpu_hours if expense else None,
        "wall_clock_hours": expense.wall_clock_hours if expense else None,
        "cost_usd": expense.cost_usd if expense else None,
    }


def _finite(value: Plain) -> Plain:
    return None if isinstance(value, float) and not math.isfinite(value) else value
