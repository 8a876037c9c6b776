"""over_budget: a run, or a sweep, is larger than what the policy declares affordable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from annotated_types import Gt

from scalecheck.facts import Account, Finding, Origin, Reading, Remedy, Run, Severity, TrainingPlan
from scalecheck.remedies import scale_steps, where_length_is_set
from scalecheck.units import format_count, format_flops, format_ratio

_DECIDED_BY = {
    "training_flops": ("num_steps", "tokens_per_step", "sequence_length", "training_tokens", "num_devices"),
    "training_tokens": ("num_steps", "tokens_per_step", "training_tokens", "num_devices"),
    "total_params": ("num_layers", "hidden_size", "vocab_size", "total_params"),
}
_WORDS = {"training_flops": "training FLOPs", "training_tokens": "training tokens", "total_params": "parameters"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepBudget:
    """Budgets for the sum over all jobs of one launch."""

    max_training_flops: Annotated[float, Gt(0)] | None = None
    max_training_tokens: Annotated[float, Gt(0)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A figure of the run, or of all jobs of a launch together, is above the budget that the policy declares for it.

    ## What it does
    Compares training FLOPs, training tokens and total parameters of each job with the declared budgets, and the sums over
    the jobs with the budgets under ``sweep``. A declared budget that cannot be checked because its figure is unknown is
    a finding too: silence would look like a pass.

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
    - ``sweep.max_training_flops``, ``sweep.max_training_tokens`` (default null): budgets of all jobs of a launch together.
    - ``when_unknown`` (default warning): severity where a budget is declared and its figure is unknown.

    ## References
    - Chowdhery et al. 2022, PaLM, arXiv 2204.02311, appendix B: what counts as model FLOPs.
    """

    DEFAULT_SEVERITY: ClassVar[Severity] = "error"
    max_training_flops: Annotated[float, Gt(0)] | None = None
    max_training_tokens: Annotated[float, Gt(0)] | None = None
    max_total_params: Annotated[float, Gt(0)] | None = None
    sweep: SweepBudget = field(default_factory=SweepBudget)
    when_unknown: Literal["note", "warning", "error"] = "warning"

    def check(self, run: Run) -> Iterator[Finding]:
        """Find each figure of one job that is over its budget, or unknown."""
        for name, budget in (
            ("training_flops", self.max_training_flops),
            ("training_tokens", self.max_training_tokens),
            ("total_params", self.max_total_params),
        ):
            if budget is None:
                continue
            found = _figure(run, name)
            if found is not None and found > budget:
                yield _over(run, name, found, budget)
            elif found is None or (name != "total_params" and run.reading.plan.tokens_status == "per_device"):
                yield self._unknown(run, name, budget)

    def check_sweep(self, runs: Sequence[Run]) -> Iterator[Finding]:
        """Find sums over the jobs that are over their budget, or that cannot be told."""
        for name, budget in (("training_flops", self.sweep.max_training_flops), ("training_tokens", self.sweep.max_training_tokens)):
            if budget is None or not runs:
                continue
            total = sum(_figure(run, name) or 0 for run in runs)
            uncounted = sum(_is_uncounted(run, name) for run in runs)
            if total > budget:
                yield _sweep_over(runs, name, budget, uncounted)
            elif uncounted:
                known = f"; what is known sums to {_quantity(name, total)}" if total else ""
                missing = f"{_WORDS[name]} of {uncounted} of {_jobs(runs)} are unknown{known}"
                message = f"sweep.max_{name}={_quantity(name, budget)} cannot be checked: {missing}"
                yield Finding(rule="over_budget", message=message, severity=self.when_unknown)

    def _unknown(self, run: Run, name: str, budget: float) -> Finding:
        relevant = [unknown for unknown in run.reading.unknowns if name == "training_flops" or unknown.field in _DECIDED_BY[name]]
        missing = relevant or list(run.reading.unknowns)
        because = f" ({'; '.join(f'{unknown.field}: {unknown.reason}' for unknown in missing)})" if missing else ""
        state = "count one device only" if _figure(run, name) is not None else "are unknown"
        return Finding(
            rule="over_budget",
            message=f"max_{name}={_quantity(name, budget)} cannot be checked: {_WORDS[name]} {state}{because}",
            severity=self.when_unknown,
            remedies=tuple(Remedy(overrides=(line,), effect=f"tells {unknown.field}") for unknown in missing for line in unknown.remedies),
            origin=Origin(key=next((unknown.key for unknown in missing if unknown.key), None)),
        )


def _figure(run: Run, name: str) -> int | None:
    """Return a figure of the account; of a D that counts one device that one, for what is over the budget there is over it in all."""
    if name == "training_tokens" and run.reading.plan.tokens_status == "per_device":
        return run.reading.plan.training_tokens
    figure: int | None = getattr(run.account, name)
    return figure


def _over(run: Run, name: str, found: int, budget: float) -> Finding:
    bound = ""
    if name != "total_params":
        bound = {"upper_bound": "up to ", "per_device": "at least "}.get(run.reading.plan.tokens_status, "")
    return Finding(
        rule="over_budget",
        message=f"{bound}{_sentence(name, found, budget)}",
        remedies=(_fitting(run, name, found, budget),),
        origin=_origin(run, name),
    )


def _sentence(name: str, found: int, budget: float, scope: str = "") -> str:
    factor = Fraction(found) / Fraction(budget)
    times = format_ratio(float(min(factor, Fraction(10**18))))
    excess = f"{times}x the budget" if factor >= 2 else f"{float(100 * (factor - 1)):.2g} % over"
    return f"{_quantity(name, found)}{scope}; the policy's budget is {_quantity(name, budget)} ({excess})"


def _fitting(run: Run, name: str, found: int, budget: float) -> Remedy:
    """Return the longest training that fits; FLOPs and tokens both grow in proportion to steps."""
    tokens = _figure(run, "training_tokens")
    remedy = scale_steps(run, Fraction(budget) * tokens / found, round_up=False) if name != "total_params" and tokens else None
    if remedy:
        return remedy
    keys = [origin.key for part in _DECIDED_BY[name] if (origin := run.reading.origins.get(part)) and origin.key]
    where = f" ({', '.join(dict.fromkeys(keys))})" if keys else ""
    return Remedy(effect=f"{_WORDS[name]} must come down to {_quantity(name, budget)}{where}, or the budget up")


def _origin(run: Run, name: str) -> Origin:
    if name != "total_params":
        return where_length_is_set(run)
    origins = (run.reading.origins.get(part) for part in _DECIDED_BY[name])
    return next((origin for origin in origins if origin and origin.key), Origin())


def _is_uncounted(run: Run, name: str) -> bool:
    return _figure(run, name) is None or run.reading.plan.tokens_status == "per_device"


def _sweep_over(runs: Sequence[Run], name: str, budget: float, uncounted: int) -> Finding:
    total = sum(_figure(run, name) or 0 for run in runs)
    rest = f", not counting {uncounted} with unknown figures" if uncounted else ""
    return Finding(
        rule="over_budget",
        message=_sentence(name, total, budget, f" over {_jobs(runs)}{rest}").replace("the policy's budget", f"the budget sweep.max_{name}"),
        remedies=(_sweep_remedy(runs, name, total, budget),),
        origin=where_length_is_set(runs[0]),
    )


def _sweep_remedy(runs: Sequence[Run], name: str, total: int, budget: float) -> Remedy:
    """Return one override for all jobs where they share their steps, else words."""
    plans = {(run.reading.plan.num_steps, where_length_is_set(run).key) for run in runs}
    tokens = _figure(runs[0], "training_tokens")
    same = len(plans) == 1 and tokens and all(_figure(run, name) for run in runs)
    remedy = scale_steps(runs[0], Fraction(budget) * tokens / total, round_up=False) if same and tokens else None
    if remedy:
        return Remedy(overrides=remedy.overrides, effect=f"every job shorter: {remedy.effect.removeprefix('same model, ')}")
    over = _quantity(name, max(1, round(total - Fraction(budget))))
    return Remedy(effect=f"fewer or shorter jobs: {over} less in all")


def _jobs(runs: Sequence[Run]) -> str:
    return f"{len(runs)} job{'s' if len(runs) > 1 else ''}"


def _quantity(name: str, value: float) -> str:
    if name == "training_flops":
        return format_flops(value)
    return f"{format_count(value)} {'tokens' if name == 'training_tokens' else 'parameters'}"


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
