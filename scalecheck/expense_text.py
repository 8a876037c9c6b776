"""Hours, money and energy in words, each beside the numbers that it was made of: none of them is ever said alone."""

from __future__ import annotations

from collections.abc import Iterator

from scalecheck.facts import Expense
from scalecheck.units import format_count, format_ratio


def sentence(expense: Expense) -> str:
    """Return what a run takes, on one line; what is unknown is left out."""
    return "; ".join(_clauses(expense))


def _clauses(expense: Expense) -> Iterator[str]:
    yield _clause(_figure(expense, "gpu_hours"), "GPU-hours", expense.gpu_hours_because)
    if expense.wall_clock_hours is not None:
        yield _clause(_figure(expense, "wall_clock_hours"), "hours of wall clock", expense.wall_clock_because)
    if expense.cost_usd is not None:
        yield _clause(_figure(expense, "cost_usd"), "USD", expense.cost_because)
    at_most = "up to " if expense.hardware.power_is_board_power else ""
    if expense.energy_kwh is not None:
        yield _clause(at_most + _figure(expense, "energy_kwh"), "kWh", expense.energy_because)
    if expense.co2_kg is not None:
        yield _clause(at_most + _figure(expense, "co2_kg"), "kg of CO2", expense.co2_because)


def _clause(figure: str, unit: str, because: str) -> str:
    return f"{figure} {unit} ({because})"


def _figure(expense: Expense, name: str) -> str:
    middle, low, high = (getattr(expense, f"{name}{end}") for end in ("", "_low", "_high"))
    text = _short(middle)
    to = " to " if "e" in f"{_short(low)}{_short(high)}" else "-"  # 9.9e-8-2.5e-7 would read as a difference
    return f"about {text} ({_short(low)}{to}{_short(high)})" if low < high else f"about {text}"


def _short(value: float) -> str:
    return format_count(round(value)) if value >= 100 else f"{value:.2g}" if value >= 1e-4 else format_ratio(value)
