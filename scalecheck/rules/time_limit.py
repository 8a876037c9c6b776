"""time_limit: the launcher or the trainer ends the run before its training can be through."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Literal

from scalecheck.budgets import HARDWARE
from scalecheck.facts import Account, Expense, Finding, Hardware, Origin, Reading, Remedy, Run, Severity, TrainingPlan
from scalecheck.remedies import scale_steps
from scalecheck.units import exact
from scalecheck.values import dataclass

_ORIGIN = "time_limit_hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The wall clock that this run is estimated to take is longer than the limit of time that its own config sets.

    ## What it does
    Compares the estimated wall clock with the shortest limit of the config: ``hydra.launcher.timeout_min``, ``trainer.max_time``,
    a Slurm time. The estimate is training FLOPs over the accelerator's dense peak, MFU and the number of devices; it has a range
    where MFU is assumed. Without an accelerator in the policy there is no estimate, and the rule is silent.

    ## Why
    A job that is killed by its launcher has spent its compute, and a learning-rate schedule that was cut off has not decayed.

    ## Example
    ``hydra.launcher.timeout_min: 60`` and 4,096 steps that take 3 to 7 hours on one device.

    ## Fix
    A longer limit, more devices, a shorter training; or a job that resumes from its checkpoint, for which the limit is not the
    run's: then switch the rule off. The estimate has no evaluation, checkpoints or waiting for data in it unless your MFU has.

    ## Options
    - ``when_uncertain`` (default warning): severity where the limit lies below the estimate, and above its fast end. Where only
      the slow end is beyond the limit it is a note.

    ## References
    - Chowdhery et al. 2022, PaLM, arXiv 2204.02311, appendix B: model FLOPs utilisation.
    """

    DEFAULT_SEVERITY: ClassVar[Severity] = "warning"
    when_uncertain: Literal["note", "warning", "error"] = "warning"

    def check(self, run: Run) -> Iterator[Finding]:
        """Find a run that is estimated to take longer than its limit."""
        limit, expense = run.reading.plan.time_limit_hours, run.expense
        if limit is None or not limit > 0 or expense is None or run.reading.plan.tokens_status == "per_device":
            return
        middle, low, high = expense.wall_clock_hours, expense.wall_clock_hours_low, expense.wall_clock_hours_high
        if middle is None or low is None or high is None or not high > limit:
            return
        is_firm = low > limit and not _may_end_before(run)
        severity: Severity | None = None if is_firm else self.when_uncertain if middle > limit else "note"
        yield Finding(
            rule="time_limit",
            message=_message(run, expense, limit, is_firm=is_firm),
            severity=severity,
            remedies=tuple(_remedies(run, expense, limit, middle if middle > limit else high)),
            origin=run.reading.origins.get(_ORIGIN, Origin()),
        )


def _may_end_before(run: Run) -> bool:
    """Tell whether D, and with it the estimate, is an upper bound for another reason than the limit itself."""
    key = run.reading.origins.get(_ORIGIN, Origin()).key
    because = run.reading.origins.get("upper_bound", Origin()).because
    return run.reading.plan.tokens_status == "upper_bound" and not (key and because.startswith(f"{key}="))


def _message(run: Run, expense: Expense, limit: float, *, is_firm: bool) -> str:
    middle, low, high = expense.wall_clock_hours or 0, expense.wall_clock_hours_low or 0, expense.wall_clock_hours_high or 0
    at_most = "at most " if _may_end_before(run) else ""
    span = f", {_hours(low)} to {_hours(high)}" if low < high else ""
    made_of = f"{expense.gpu_hours_because}, {expense.wall_clock_because}"
    key = run.reading.origins.get(_ORIGIN, Origin()).key
    fast = f"even at MFU {expense.hardware.mfu_high:g} " if low < high else ""
    verdict = f"{fast}training takes longer than its limit of" if is_firm else "training may not finish in its limit of"
    return f"{verdict} {_hours(limit)}{f' ({key})' if key else ''}: it is estimated to take {at_most}{_hours(middle)}{span} ({made_of})"


def _remedies(run: Run, expense: Expense, limit: float, hours: float) -> Iterator[Remedy]:
    tokens = run.reading.plan.training_tokens
    shorter = scale_steps(run, exact(tokens) * exact(limit) / exact(hours), round_up=False) if tokens else None
    if shorter:
        yield shorter
    key = run.reading.origins.get(_ORIGIN, Origin()).key or ""
    if key.rpartition(".")[2] == "timeout_min" and hours < 10**6:
        yield Remedy(overrides=(f"{key}={math.ceil(60 * hours)}",), effect=f"{_hours(hours)} for the job")
    else:
        yield Remedy(effect=f"a limit of {_hours(hours)} or more, or more devices than {expense.num_devices}")
    if expense.hardware.mfu_assumed:
        yield Remedy(effect=f"{HARDWARE}.mfu tells what your code reaches; {expense.hardware.mfu:g} is assumed")


def _hours(hours: float) -> str:
    """Return hours as people say them: ``45 min``, ``7.2 h``, ``120 h``."""
    if hours < 1:
        return f"{60 * hours:.2g} min"
    return f"{hours:.3g} h" if hours < 1000 else f"{hours:,.0f} h" if hours < 10**9 else f"{hours:.2e} h"


def _example(limit_hours: float) -> Run:
    steps, hours = 4096, 4.0
    tokens = steps * 524_288
    hardware = Hardware(
        accelerator="h100-sxm", dtype="bf16", peak_flops_per_second=989.4e12, mfu=0.4, mfu_low=0.2, mfu_high=0.5, mfu_assumed=True
    )
    expense = Expense(
        hardware=hardware, gpu_hours=hours, gpu_hours_low=0.8 * hours, gpu_hours_high=2 * hours,
        gpu_hours_because="h100-sxm, 989.4 dense bf16 TFLOP/s a device, MFU assumed 0.4, published runs 0.2-0.5",
        num_devices=1, wall_clock_because="1 device",
        wall_clock_hours=hours, wall_clock_hours_low=0.8 * hours, wall_clock_hours_high=2 * hours,
    )  # fmt: skip
    plan = TrainingPlan(
        num_steps=steps, tokens_per_step=524_288, training_tokens=tokens, tokens_status="exact", num_devices=1, time_limit_hours=limit_hours
    )
    origins = {"num_steps": Origin(key="trainer.max_steps"), _ORIGIN: Origin(key="hydra.launcher.timeout_min")}
    return Run(reading=Reading(plan=plan, origins=origins), account=Account(training_tokens=tokens), expense=expense, name="gpt2")


def fires() -> Run:
    """Return four hours of training under a launcher that ends it after one."""
    return _example(1.0)


def silent() -> Run:
    """Return four hours of training under a launcher that ends it after twelve."""
    return _example(12.0)
