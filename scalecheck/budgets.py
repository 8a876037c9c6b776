"""The figures of a run that a budget can be declared for: what each one is, what decides it, and how it is said beside its budget."""

from __future__ import annotations

from collections.abc import Sequence

from scalecheck.facts import Expense, Origin, Remedy, Run, Unknown
from scalecheck.remedies import scale_steps, where_length_is_set
from scalecheck.units import exact, format_count, format_flops, format_ratio
from scalecheck.values import dataclass

HARDWARE = "hydra.callbacks.scalecheck.hardware"
DECIDED_BY = {
    "training_flops": ("num_steps", "tokens_per_step", "sequence_length", "training_tokens", "num_devices"),
    "training_tokens": ("num_steps", "tokens_per_step", "training_tokens", "num_devices"),
    "total_params": ("num_layers", "hidden_size", "vocab_size", "total_params"),
}
WORDS = {
    "training_flops": "training FLOPs",
    "training_tokens": "training tokens",
    "total_params": "parameters",
    "gpu_hours": "GPU-hours",
    "wall_clock_hours": "hours of wall clock",
    "cost_usd": "costs in USD",
}
EXPENSES = ("gpu_hours", "wall_clock_hours", "cost_usd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with the ends of its range, which are the figure itself where it is counted and not estimated."""

    middle: float
    low: float
    high: float


def figure(run: Run, name: str) -> int | float | None:
    """Return a figure of the run, of an expense the middle of its range, ``None`` where it is unknown.

    Of a D that counts one device it is that one: for what is over the budget there is over it in all.
    """
    found = ranged(run, name)
    return None if found is None else found.middle


def ranged(run: Run, name: str) -> Figure | None:
    """Return a figure of the run with its range, ``None`` where it is unknown."""
    if name in EXPENSES:
        middle, low, high = (getattr(run.expense, f"{name}{end}", None) for end in ("", "_low", "_high"))
    else:
        is_one_device = name == "training_tokens" and run.reading.plan.tokens_status == "per_device"
        middle = low = high = run.reading.plan.training_tokens if is_one_device else getattr(run.account, name)
    return None if middle is None or low is None or high is None else Figure(middle=middle, low=low, high=high)


def summed(runs: Sequence[Run], name: str) -> Figure:
    """Return the sum over the jobs whose figure is known."""
    found = [one for run in runs if (one := ranged(run, name)) is not None]
    return Figure(middle=sum(one.middle for one in found), low=sum(one.low for one in found), high=sum(one.high for one in found))


def is_uncounted(run: Run, name: str) -> bool:
    """Tell whether a figure is unknown, or counts one device only."""
    return figure(run, name) is None or (name != "total_params" and run.reading.plan.tokens_status == "per_device")


def bound(run: Run, name: str) -> str:
    """Return the words before a figure that is a bound."""
    return "" if name == "total_params" else {"upper_bound": "up to ", "per_device": "at least "}.get(run.reading.plan.tokens_status, "")


def sentence(name: str, found: float, budget: float, scope: str = "") -> str:
    """Say a figure beside the policy's budget, and by how much it is over it."""
    factor = exact(found) / exact(budget)
    times = format_ratio(float(min(factor, exact(10**18))))
    excess = f"{times}x the budget" if factor >= 2 else f"{float(100 * (factor - 1)):.2g} % over"
    told = f" ({excess})" if factor > 1 else ""
    return f"{quantity(name, found)}{scope}; the policy's budget is {quantity(name, budget)}{told}"


def near(name: str, found: float, budget: float, scope: str = "") -> str:
    """Say a figure that is within the policy's budget, and how much of it it takes."""
    share = float(100 * exact(found) / exact(budget))
    return f"{quantity(name, found)}{scope} is {share:.3g} % of the policy's budget, {quantity(name, budget)}"


def quantity(name: str, value: float) -> str:
    """Return a figure in its unit: ``1.30e21 FLOPs``, ``300B tokens``, ``702 GPU-hours``, ``1,404 USD``."""
    if name == "training_flops":
        return format_flops(value)
    if name in EXPENSES:
        return f"{_amount(value)} {'USD' if name == 'cost_usd' else 'h' if name == 'wall_clock_hours' else 'GPU-hours'}"
    return f"{format_count(value)} {'tokens' if name == 'training_tokens' else 'parameters'}"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if 100 <= value < 10**9 else format_ratio(value) if value < 10 or value >= 10**9 else f"{value:.1f}"


def span(name: str, found: Figure, expense: Expense | None) -> str:
    """Say the range of an expense and what it is made of, in brackets; empty for what is counted."""
    if name not in EXPENSES or expense is None:
        return ""
    parts = [f"{_amount(found.low)} to {_amount(found.high)}"] if found.low < found.high else []
    parts.append(expense.gpu_hours_because)
    parts += [
        because for because in ({"wall_clock_hours": expense.wall_clock_because, "cost_usd": expense.cost_because}.get(name),) if because
    ]
    return f" ({'; '.join(parts)})"


def missing(run: Run, name: str) -> tuple[Unknown, ...]:
    """Return what would have to be told for a figure to be known."""
    if name in EXPENSES and run.account.training_flops is not None:
        return (_missing_of_hardware(run, name),)
    unknowns = tuple(unknown for unknown in run.reading.unknowns if unknown.field != "time_limit_hours")
    decisive = "training_flops" if name in EXPENSES else name
    relevant = tuple(unknown for unknown in unknowns if decisive == "training_flops" or unknown.field in DECIDED_BY[decisive])
    return relevant or unknowns


def _missing_of_hardware(run: Run, name: str) -> Unknown:
    if run.expense is None:
        line = f"++{HARDWARE}.accelerator=h100-sxm"
        return Unknown(field="accelerator", reason=f"{HARDWARE}.accelerator is not set", key=f"{HARDWARE}.accelerator", remedies=(line,))
    if name == "wall_clock_hours":
        line = f"++{HARDWARE}.num_devices=8"
        return Unknown(field="num_devices", reason="how many devices train is unknown", key=f"{HARDWARE}.num_devices", remedies=(line,))
    key = f"{HARDWARE}.price_usd_per_gpu_hour"
    return Unknown(field="price", reason=f"scalecheck holds no prices; {key} and {HARDWARE}.price_date tell one", key=key)


def fitting(run: Run, name: str, found: float, budget: float) -> Remedy:
    """Return the longest training that fits; FLOPs, tokens, hours and cost all grow in proportion to steps."""
    tokens = figure(run, "training_tokens")
    target = exact(budget) * exact(tokens) / exact(found) if name != "total_params" and tokens else None
    remedy = scale_steps(run, target, round_up=False) if target is not None else None
    if remedy:
        return remedy
    keys = [
        origin.key
        for part in DECIDED_BY.get(name, DECIDED_BY["training_flops"])
        if (origin := run.reading.origins.get(part)) and origin.key
    ]
    where = f" ({', '.join(dict.fromkeys(keys))})" if keys else ""
    return Remedy(effect=f"{WORDS[name]} must come down to {quantity(name, budget)}{where}, or the budget up")


def origin_of(run: Run, name: str) -> Origin:
    """Return the origin of what decides a figure."""
    if name != "total_params":
        return where_length_is_set(run)
    origins = (run.reading.origins.get(part) for part in DECIDED_BY[name])
    return next((origin for origin in origins if origin and origin.key), Origin())


def sweep_remedy(runs: Sequence[Run], name: str, total: float, budget: float) -> Remedy:
    """Return one override for all jobs where they share their steps, else words."""
    plans = {(run.reading.plan.num_steps, where_length_is_set(run).key) for run in runs}
    tokens = figure(runs[0], "training_tokens")
    same = len(plans) == 1 and tokens and all(figure(run, name) for run in runs)
    target = exact(budget) * exact(tokens) / exact(total) if same and tokens else None
    remedy = scale_steps(runs[0], target, round_up=False) if target is not None else None
    if remedy:
        return Remedy(overrides=remedy.overrides, effect=f"every job shorter: {remedy.effect.removeprefix('same model, ')}")
    excess = exact(total) - exact(budget)
    over = quantity(name, float(excess) if name in EXPENSES else max(1, round(excess)))
    return Remedy(effect=f"fewer or shorter jobs: {over} less in all")


def jobs(runs: Sequence[Run]) -> str:
    """Return ``3 jobs``."""
    return f"{len(runs)} job{'s' if len(runs) > 1 else ''}"
