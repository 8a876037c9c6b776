"""The report as JSON: a contract. Keys are added, never renamed, within a schema version; unknown is null."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, fields
from textwrap import indent
from typing import Any

from scalecheck import __version__
from scalecheck.facts import (
    Account,
    Counted,
    Finding,
    Job,
    ModelShape,
    ModuleCount,
    Origin,
    Outlook,
    Part,
    Reading,
    Report,
    TrainingPlan,
    Unknown,
)
from scalecheck.parts import FLOPS_PER_PARAM_AND_TOKEN, used_copies

SCHEMA_VERSION = 1
_PARAMS = (
    "total_params", "active_params", "trainable_params", "non_embedding_params", "active_non_embedding_params", "embedding_params",
    "formula_params",
)  # fmt: skip
_PLAN = (
    "tokens_per_step", "num_steps", "sequences_per_step", "micro_batch_sequences", "gradient_accumulation", "num_devices", "target_length",
    "sequence_length", "unique_tokens", "epochs", "time_limit_hours",
)  # fmt: skip


def render(report: Report, *, color: bool = False) -> str:  # noqa: ARG001 - every format has this signature
    """Return the report as indented JSON, ending with a newline; NaN and infinities are null."""
    # Job by job: the plain values of ten thousand jobs at once would take half a gigabyte.
    jobs = ",\n".join(indent(_text(job_object(job)), "    ") for job in report.jobs)
    around = _text(_report_object(report, []))
    return (around.replace('"jobs": []', f'"jobs": [\n{jobs}\n  ]', 1) if jobs else around) + "\n"


def _text(made: dict[str, Any]) -> str:
    return json.dumps(_finite(made), indent=2, allow_nan=False)


def lines(report: Report) -> Iterator[str]:
    """Yield the report as JSON in as many lines as jobs, and some: half the time of ``render``, and an infinity is written as one."""
    head, tail = json.dumps(_report_object(report, [])).split('"jobs": []', 1)
    yield f'{head}"jobs": [\n'
    for number, job in enumerate(report.jobs):
        yield f"{',' if number else ''}{json.dumps(job_object(job))}\n"
    yield f"]{tail}\n"


def report_object(report: Report) -> dict[str, Any]:
    """Return the report as plain values, in the contract's order of keys."""
    return _report_object(report, [job_object(job) for job in report.jobs])


def _report_object(report: Report, jobs: list[Any]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "scalecheck_version": __version__,
        "mode": report.mode,
        "on_reject": report.on_reject,
        "verdict": report.verdict,
        "jobs": jobs,
        "sweep_findings": [_finding(finding) for finding in report.findings],
        "totals": _totals(report),
        "own_laws": _own_laws(report),
    }


def _own_laws(report: Report) -> dict[str, Any]:
    """Return the laws of the user's files with the keys of such a file; a report without them imports nothing for them."""
    if not report.own_laws:
        return {}
    from scalecheck.law_file import plain_law

    return {name: plain for name, law in report.own_laws.items() if (plain := plain_law(law)) is not None}


def _totals(report: Report) -> dict[str, Any]:
    findings = [*report.findings, *(finding for job in report.jobs for finding in job.findings)]
    counted = [finding.severity for finding in findings if finding.waived is None]
    flops = [job.run.account.training_flops for job in report.jobs]
    known = [value for value in flops if value is not None]
    return {
        "jobs": len(report.jobs),
        "training_flops": sum(known) if known else None,
        "jobs_with_unknown_flops": len(flops) - len(known),
        "findings": {level: counted.count(level) for level in ("error", "warning", "note")},
        "waived": len(findings) - len(counted),
    }


def job_object(job: Job) -> dict[str, Any]:
    """Return one job as plain values, in the contract's order of keys."""
    reading, account, plan = job.run.reading, job.run.account, job.run.reading.plan
    return {
        "name": job.name,
        "config": job.config or None,
        "overrides": list(job.overrides),
        "verdict": job.verdict,
        "intent": plan.intent,
        "intent_reason": plan.intent_reason,
        "family": reading.shape.family if reading.shape else None,
        "shape": _shape(reading.shape),
        "declared_params": reading.declared_params,
        "model_dialect": reading.model_dialect,
        "schedule_dialect": reading.schedule_dialect,
        **{name: getattr(account, name) for name in _PARAMS},
        **_plan(account, plan),
        "training_flops": account.training_flops,
        "training_flops_because": account.training_flops_because,
        "module": _module(reading.module),
        "attention": account.attention,
        "per_sequence": _per_sequence(account),
        "parts": [_part(part) for part in account.parts],
        "tokens_per_parameter": account.tokens_per_parameter,
        "status": {"params": account.params_status, "tokens": plan.tokens_status},
        "judge": job.run.judge,
        "expense": None if job.run.expense is None else asdict(job.run.expense),
        "outlooks": {name: _outlook(outlook) for name, outlook in job.run.outlooks.items()},
        "findings": [_finding(finding) for finding in job.findings],
        "unknowns": [_unknown(unknown) for unknown in reading.unknowns],
        "impossible": [asdict(item) for item in reading.impossible],
        "unused_keys": list(reading.unused_keys),
        "origins": _origins(reading),
    }


def _plan(account: Account, plan: TrainingPlan) -> dict[str, Any]:
    per_device = plan.training_tokens if plan.tokens_status == "per_device" else None
    told = {"training_tokens": account.training_tokens, "training_tokens_per_device": per_device}
    return told | {name: getattr(plan, name) for name in _PLAN}


def _shape(shape: ModelShape | None) -> dict[str, Any] | None:
    """Return the sizes that N was counted from, by the names of the family's fields."""
    if shape is None:
        return None
    sizes = {field.name: getattr(shape, field.name) for field in fields(shape) if field.name != "family"}
    return {name: list(size) if isinstance(size, tuple) else size for name, size in sizes.items()}


def _per_sequence(account: Account) -> dict[str, Any]:
    """Return what one sequence costs, and the lengths that it was counted at: an image's is its own, whatever the plan says."""
    return {
        "sequence_length": account.sequence_length,
        "source_length": account.source_length,
        "forward_flops": account.forward_flops_per_sequence,
        "training_flops": account.training_flops_per_sequence,
        "flops_note": account.flops_note or None,
    }


def _origins(reading: Reading) -> dict[str, Any]:
    return {name: _origin(origin) | {"assumed": origin.assumed, "because": origin.because} for name, origin in reading.origins.items()}


def render_count(counted: Counted, *, color: bool = False) -> str:  # noqa: ARG001 - every format has this signature
    """Return a ledger as indented JSON, ending with a newline."""
    return _text(count_object(counted)) + "\n"


def count_object(counted: Counted) -> dict[str, Any]:
    """Return a ledger as plain values; FLOPs are exact per sequence, and per token where the sequence length divides them."""
    reading, account = counted.reading, counted.account
    return {
        "schema_version": SCHEMA_VERSION,
        "scalecheck_version": __version__,
        "source": counted.source,
        "family": reading.shape.family if reading.shape else None,
        "head": reading.shape.head if reading.shape else None,
        "total_params": account.total_params,
        "active_params": account.active_params,
        "trainable_params": account.trainable_params,
        "non_embedding_params": account.non_embedding_params,
        "active_non_embedding_params": account.active_non_embedding_params,
        "embedding_params": account.embedding_params,
        "status": account.params_status,
        "sequence_length": account.sequence_length,
        "source_length": account.source_length,
        "attention": account.attention,
        "forward_flops_per_sequence": account.forward_flops_per_sequence,
        "training_flops_per_sequence": account.training_flops_per_sequence,
        "forward_flops_per_token": _per_token(account.forward_flops_per_sequence, account.sequence_length),
        "training_flops_per_token": _per_token(account.training_flops_per_sequence, account.sequence_length),
        "flops_note": account.flops_note or None,
        "six_n_flops_per_token": _six_n(account),
        "parts": [_part(part) for part in account.parts],
        "module": _module(reading.module),
        "unused_keys": list(reading.unused_keys),
        "unknowns": [_unknown(unknown) for unknown in reading.unknowns],
        "origins": _origins(reading),
    }


def _six_n(account: Account) -> dict[str, int | None]:
    counts = {
        "total": account.total_params,
        "active": account.active_params,
        "non_embedding": account.non_embedding_params,
        "active_non_embedding": account.active_non_embedding_params,
    }
    return {name: None if params is None else FLOPS_PER_PARAM_AND_TOKEN * params for name, params in counts.items()}


def _per_token(flops: int | None, tokens: int | None) -> int | float | None:
    if flops is None or not tokens:
        return None
    return flops // tokens if flops % tokens == 0 else flops / tokens


def _module(module: ModuleCount | None) -> dict[str, Any] | None:
    """Return what was counted on the user's own module; ``None`` where nobody asked for it."""
    if module is None:
        return None
    return {
        "target": module.target,
        "total_params": module.total_params,
        "trainable_params": module.trainable_params,
        "params_by_module": dict(module.params_by_module),
        "sequence_length": module.sequence_length,
        "forward_flops_per_sequence": module.forward_flops_per_sequence,
        "flops_because": module.flops_because or None,
    }


def _part(part: Part) -> dict[str, Any]:
    told = {
        "name": part.name,
        "kind": part.kind,
        "params": part.params,
        "copies": part.copies,
        "active_copies": used_copies(part),
        "forward_flops_per_sequence": part.forward_flops,
        "frozen": part.frozen,
    }
    backward = {} if part.backward_flops is None else {"backward_flops_per_sequence": part.backward_flops}
    return told | backward  # nearly every part's is twice its forward pass, and is not told


def _outlook(outlook: Outlook) -> dict[str, Any]:
    return {
        "optimal_params": outlook.optimal_params,
        "optimal_tokens": outlook.optimal_tokens,
        "tokens_per_parameter": outlook.tokens_per_parameter,
        "interval": list(outlook.interval) if outlook.interval else None,
        "multiple": outlook.multiple,
        "wasted_compute": outlook.wasted_compute,
        "predicted_loss": outlook.predicted_loss,
        "loss_at_optimum": outlook.loss_at_optimum,
        "extrapolated": outlook.extrapolated,
        "params": outlook.params,
        "params_convention": outlook.params_convention,
        "law_flops": outlook.law_flops,
        "tokens_for_this_model": outlook.tokens_for_this_model,
        "effective_tokens": outlook.effective_tokens,
        "effective_loss": outlook.effective_loss,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    # What can be typed comes first, so that an effect stands at the place of its remedy; the rest is words only.
    remedies = sorted(finding.remedies, key=lambda remedy: not remedy.overrides)
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "message": finding.message,
        "remedies": [" ".join(remedy.overrides) for remedy in remedies if remedy.overrides],
        "remedy_effects": [remedy.effect for remedy in remedies],
        "origin": _origin(finding.origin),
        "subject": finding.subject or None,
        "waived": finding.waived,
    }


def _unknown(unknown: Unknown) -> dict[str, Any]:
    return {"field": unknown.field, "reason": unknown.reason, "key": unknown.key, "remedies": list(unknown.remedies)}


def _origin(origin: Origin) -> dict[str, Any]:
    return {"key": origin.key, "file": origin.file, "line": origin.line, "override": origin.override, "chain": list(origin.chain)}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
