"""over_budget: a run, or a sweep, is larger than what the policy declares affordable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Annotated, ClassVar, Literal

from scalecheck import budgets
from scalecheck.budgets import EXPENSES, WORDS, Figure, quantity
from scalecheck.facts import Account, Expense, Finding, Origin, Reading, Remedy, Run, Severity, TrainingPlan
from scalecheck.options import Above, Below
from scalecheck.remedies import where_length_is_set
from scalecheck.values import dataclass

_OF_A_JOB = ("training_flops", "training_tokens", "total_params", *EXPENSES)
_OF_A_SWEEP = ("training_flops", "training_tokens", "gpu_hours", "cost_usd")


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepBudget:
    """Budgets for the sum over all jobs of one launch."""

    max_training_flops: Annotated[float, Above(0)] | None = None
    max_training_tokens: Annotated[float, Above(0)] | None = None
    max_gpu_hours: Annotated[float, Above(0)] | None = None
    max_cost_usd: Annotated[float, Above(0)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A figure of the run, or of all jobs of a launch together, is above the budget that the policy declares for it.

    ## What it does
    Compares training FLOPs, training tokens, total parameters, GPU-hours, wall clock and cost of each job with the declared
    budgets, and the sums over the jobs with the budgets under ``sweep``. A declared budget that cannot be checked because its
    figure is unknown is a finding too: silence would look like a pass. Hours and cost are estimates with a range, of the
    accelerator that ``hardware`` names: over the budget is what is over it even at the fast end of the range. A figure that
    is within its budget and beyond ``warn_at_fraction`` of it is a warning, whatever the severity.

    ## Why
    A budget is the one limit that is yours and not a law's, so it fails where a ratio only warns. A sweep multiplies a
    mistake by its number of jobs.

    ## Example
    ``max_training_flops: 1e21`` and a run of 1.3e21 FLOPs.

    ## Fix
    The override that the finding prints is the longest training that fits. Or raise the budget, where it is declared.

    ## Options
    - ``max_training_flops``, ``max_training_tokens``, ``max_total_params`` (default null): budgets of one job. FLOPs are
      matmul FLOPs, forward and backward, without recomputation. ``300B`` and ``1e21`` are numbers too.
    - ``max_gpu_hours``, ``max_wall_clock_hours``, ``max_cost_usd`` (default null): budgets of one job on the accelerator that
      ``hydra.callbacks.scalecheck.hardware`` names; wall clock needs the number of devices, cost a price with its date.
    - ``sweep.max_training_flops``, ``sweep.max_training_tokens``, ``sweep.max_gpu_hours``, ``sweep.max_cost_usd`` (default
      null): budgets of all jobs of a launch together.
    - ``warn_at_fraction`` (default null): fraction of a budget, such as 0.8, beyond which a figure is a warning already.
    - ``when_unknown`` (default warning): severity where a budget is declared and its figure is unknown.
    - ``when_uncertain`` (default warning): severity where the estimate is over the budget and its fast end is not; where only
      the slow end is over it, a note.

    ## References
    - Chowdhery et al. 2022, PaLM, arXiv 2204.02311, appendix B: what counts as model FLOPs, and MFU.
    """

    DEFAULT_SEVERITY: ClassVar[Severity] = "error"
    max_training_flops: Annotated[float, Above(0)] | None = None
    max_training_tokens: Annotated[float, Above(0)] | None = None
    max_total_params: Annotated[float, Above(0)] | None = None
    max_gpu_hours: Annotated[float, Above(0)] | None = None
    max_wall_clock_hours: Annotated[float, Above(0)] | None = None
    max_cost_usd: Annotated[float, Above(0)] | None = None
    sweep: SweepBudget = field(default_factory=SweepBudget)
    warn_at_fraction: Annotated[float, Above(0), Below(1)] | None = None
    when_unknown: Literal["note", "warning", "error"] = "warning"
    when_uncertain: Literal["note", "warning", "error"] = "warning"

    def check(self, run: Run) -> Iterator[Finding]:
        """Find each figure of one job that is over its budget, or unknown."""
        for name in _OF_A_JOB:
            budget: float | None = getattr(self, f"max_{name}")
            if budget is None:
                continue
            found = budgets.ranged(run, name)
            if found is not None and found.high > budget:
                yield self._over(run, name, found, budget)
            elif budgets.is_uncounted(run, name):
                yield self._unknown(run, name, budget)
            elif found is not None and self._is_near(found, budget):
                scope = budgets.span(name, found, run.expense)
                told = f"{budgets.bound(run, name)}{budgets.near(name, found.middle, budget, scope)}"
                yield self._near(told, f"max_{name}", budgets.origin_of(run, name))

    def check_sweep(self, runs: Sequence[Run]) -> Iterator[Finding]:
        """Find sums over the jobs that are over their budget, or that cannot be told."""
        for name in _OF_A_SWEEP:
            budget: float | None = getattr(self.sweep, f"max_{name}")
            if budget is None or not runs:
                continue
            total = budgets.summed(runs, name)
            uncounted = sum(budgets.is_uncounted(run, name) for run in runs)
            if total.middle > budget or (total.high > budget and not uncounted):
                yield self._sweep_over(runs, name, total, uncounted)
            elif uncounted:
                yield self._sweep_unknown(runs, name, budget, uncounted)
            elif self._is_near(total, budget):
                scope = f" over {budgets.jobs(runs)}{budgets.span(name, total, _shared_expense(runs))}"
                told = budgets.near(name, total.middle, budget, scope).replace("the policy's budget", f"the budget sweep.max_{name}")
                yield self._near(told, f"sweep.max_{name}", where_length_is_set(runs[0]))

    def _over(self, run: Run, name: str, found: Figure, budget: float) -> Finding:
        severity, words = self._certainty(found, budget)
        said = budgets.sentence(name, found.middle, budget, budgets.span(name, found, run.expense))
        return Finding(
            rule="over_budget",
            message=f"{words}{budgets.bound(run, name)}{said}",
            severity=severity,
            remedies=(budgets.fitting(run, name, _reference(found, budget), budget),),
            origin=budgets.origin_of(run, name),
            subject=f"max_{name}",
        )

    def _certainty(self, found: Figure, budget: float) -> tuple[Severity | None, str]:
        """Return how severe it is, the policy's own severity where even the fast end is over, and the words before the figure."""
        if found.low > budget:
            return None, ""
        if found.middle > budget:
            return self.when_uncertain, "estimated "
        return "warning" if self._is_near(found, budget) else "note", "may be over: estimated "

    def _is_near(self, found: Figure, budget: float) -> bool:
        return self.warn_at_fraction is not None and found.middle > self.warn_at_fraction * budget

    def _near(self, told: str, budget_name: str, origin: Origin) -> Finding:
        """Return the warning before a budget is passed, which is another finding than that it is passed."""
        message = f"{told}; the policy warns from {100 * (self.warn_at_fraction or 0):.3g} % on"
        return Finding(rule="over_budget", message=message, severity="warning", origin=origin, subject=f"near {budget_name}")

    def _unknown(self, run: Run, name: str, budget: float) -> Finding:
        missing = budgets.missing(run, name)
        because = f" ({'; '.join(f'{unknown.field}: {unknown.reason}' for unknown in missing)})" if missing else ""
        state = "count one device only" if budgets.figure(run, name) is not None else "are unknown"
        return Finding(
            rule="over_budget",
            message=f"max_{name}={quantity(name, budget)} cannot be checked: {WORDS[name]} {state}{because}",
            severity=self.when_unknown,
            remedies=tuple(Remedy(overrides=(line,), effect=f"tells {unknown.field}") for unknown in missing for line in unknown.remedies),
            origin=Origin(key=next((unknown.key for unknown in missing if unknown.key), None)),
            subject=f"max_{name}",
        )

    def _sweep_over(self, runs: Sequence[Run], name: str, total: Figure, uncounted: int) -> Finding:
        budget: float = getattr(self.sweep, f"max_{name}")
        severity, words = self._certainty(total, budget)
        rest = f", not counting {uncounted} with unknown figures" if uncounted else ""
        scope = f" over {budgets.jobs(runs)}{rest}{budgets.span(name, total, _shared_expense(runs))}"
        said = budgets.sentence(name, total.middle, budget, scope).replace("the policy's budget", f"the budget sweep.max_{name}")
        return Finding(
            rule="over_budget",
            message=f"{words}{said}",
            severity=severity,
            remedies=(budgets.sweep_remedy(runs, name, _reference(total, budget), budget),),
            origin=where_length_is_set(runs[0]),
            subject=f"sweep.max_{name}",
        )

    def _sweep_unknown(self, runs: Sequence[Run], name: str, budget: float, uncounted: int) -> Finding:
        total = budgets.summed(runs, name).middle
        known = f"; what is known sums to {quantity(name, total)}" if total else ""
        missing = f"{WORDS[name]} of {uncounted} of {budgets.jobs(runs)} are unknown{known}"
        lacking = [unknown for run in runs if budgets.is_uncounted(run, name) for unknown in budgets.missing(run, name)]
        told = lacking[0] if name in EXPENSES and lacking else None
        return Finding(
            rule="over_budget",
            message=f"sweep.max_{name}={quantity(name, budget)} cannot be checked: {missing}{f' ({told.reason})' if told else ''}",
            severity=self.when_unknown,
            remedies=tuple(Remedy(overrides=(line,), effect=f"tells {told.field}") for line in told.remedies) if told else (),
            subject=f"sweep.max_{name}",
        )


def _reference(found: Figure, budget: float) -> float:
    """Return the end of the range that has to fit: the middle, or the slow end where only that is over."""
    return found.middle if found.middle > budget else found.high


def _shared_expense(runs: Sequence[Run]) -> Expense | None:
    """Return an expense that says what the sum is made of."""
    return next((run.expense for run in runs if run.expense is not None), None)


def _example(steps: int) -> Run:
    tokens = steps * 524_288
    plan = TrainingPlan(num_steps=steps, tokens_per_step=524_288, training_tokens=tokens, tokens_status="exact")
    return Run(
        reading=Reading(plan=plan, origins={"num_steps": Origin(key="trainer.max_steps")}),
        account=Account(total_params=124_439_808, training_tokens=tokens, training_flops=6 * 124_439_808 * tokens),
        name="gpt2",
    )


EXAMPLE_RULE = Rule(max_training_flops=1e18)
"""The examples need a budget, and by default there is none."""


def fires() -> Run:
    """Return GPT-2 small on 5.2B tokens, 3.9e18 FLOPs."""
    return _example(10_000)


def silent() -> Run:
    """Return GPT-2 small on 0.5B tokens, 3.9e17 FLOPs."""
    return _example(1_000)
