"""Figures that a budget can be declared for: their ranges, their words, and what would tell them."""

from __future__ import annotations

import pytest

from scalecheck import budgets
from scalecheck.budgets import Figure
from scalecheck.cost import spend
from scalecheck.facts import Account, Reading, Run, TrainingPlan, Unknown
from scalecheck.hardware import read_hardware

H100 = {"accelerator": "h100-sxm"}


def run(hardware=None, devices=None, flops=10**21) -> Run:
    expense = spend(flops, read_hardware(hardware), devices) if hardware else None
    return Run(reading=Reading(plan=TrainingPlan()), account=Account(total_params=50, training_flops=flops), expense=expense)


def test_counted_figure_has_no_range():
    assert budgets.ranged(run(), "total_params") == Figure(middle=50, low=50, high=50)


def test_expense_has_the_range_of_its_mfu():
    found = budgets.ranged(run(H100), "gpu_hours")
    assert found.low < found.middle < found.high
    assert budgets.figure(run(H100), "gpu_hours") == found.middle


@pytest.mark.parametrize("name", budgets.EXPENSES)
def test_without_hardware_every_expense_is_unknown_and_the_accelerator_would_tell(name):
    assert budgets.ranged(run(), name) is None
    (missing,) = budgets.missing(run(), name)
    assert missing.remedies == ("++hydra.callbacks.scalecheck.hardware.accelerator=h100-sxm",)


def test_wall_clock_without_devices_names_their_key():
    (missing,) = budgets.missing(run(H100), "wall_clock_hours")
    assert missing.key == "hydra.callbacks.scalecheck.hardware.num_devices"


def test_cost_without_a_price_names_its_keys_and_types_no_price():
    (missing,) = budgets.missing(run(H100), "cost_usd")
    assert missing.key == "hydra.callbacks.scalecheck.hardware.price_usd_per_gpu_hour"
    assert "price_date" in missing.reason
    assert missing.remedies == ()


def test_unreadable_limit_of_time_is_not_what_a_budget_lacks():
    unknowns = (Unknown(field="num_steps", reason="it is ???"), Unknown(field="time_limit_hours", reason="no unit"))
    nothing = Run(reading=Reading(unknowns=unknowns), account=Account())
    assert [unknown.field for unknown in budgets.missing(nothing, "gpu_hours")] == ["num_steps"]


def test_sum_leaves_out_what_is_unknown_and_keeps_the_range():
    one = budgets.ranged(run(H100), "gpu_hours")
    total = budgets.summed([run(H100), run(H100), run()], "gpu_hours")
    assert (total.middle, total.low, total.high) == (2 * one.middle, 2 * one.low, 2 * one.high)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("training_flops", 1.3e21, "1.30e21 FLOPs"), ("training_tokens", 3e11, "300.0B tokens"), ("total_params", 7, "7 parameters"),
        ("gpu_hours", 701.9, "702 GPU-hours"), ("gpu_hours", 12.34, "12.3 GPU-hours"), ("wall_clock_hours", 0.25, "0.25 h"),
        ("cost_usd", 1403.8, "1,404 USD"), ("cost_usd", 1e12, "1.00e12 USD"),
    ],
)  # fmt: skip
def test_quantity_has_its_unit(name, value, text):
    assert budgets.quantity(name, value) == text


def test_span_says_the_range_and_what_it_is_made_of():
    given = H100 | {"price_usd_per_gpu_hour": 2, "price_date": "2026-01-31", "price_source": "our contract"}
    expense = run(given, 8).expense
    said = budgets.span("cost_usd", Figure(middle=1404, low=1123, high=2808), expense)
    assert said.startswith(" (1,123 to 2,808; h100-sxm, ")
    assert "MFU assumed 0.4" in said
    assert said.endswith("2 USD per GPU-hour, 2026-01-31, our contract)")


def test_span_of_what_is_counted_is_empty():
    assert budgets.span("training_flops", Figure(middle=1, low=1, high=1), run(H100).expense) == ""


def test_sentence_within_the_budget_has_no_excess():
    assert budgets.sentence("gpu_hours", 700, 800) == "700 GPU-hours; the policy's budget is 800 GPU-hours"
