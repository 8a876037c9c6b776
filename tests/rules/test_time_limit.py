"""time_limit: the launcher's limit beside the estimate, how firmly it is said, and when nothing can be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.facts import Account, Expense, Hardware, Origin, Reading, Run, TrainingPlan
from scalecheck.rules.time_limit import Rule

KEY = "hydra.launcher.timeout_min"


def run(limit, hours=(8.0, 10.0, 20.0), status="exact", key=KEY) -> Run:
    """Return 100 steps that take ten hours on four devices, eight at the fast end and twenty at the slow one."""
    low, middle, high = hours
    hardware = Hardware(
        accelerator="h100-sxm", dtype="bf16", peak_flops_per_second=1e15, mfu=0.4, mfu_low=0.2, mfu_high=0.5, mfu_assumed=low < high
    )
    expense = Expense(
        hardware=hardware, gpu_hours=4 * middle, gpu_hours_low=4 * low, gpu_hours_high=4 * high, gpu_hours_because="h100-sxm, MFU 0.4",
        num_devices=4, wall_clock_hours=middle, wall_clock_hours_low=low, wall_clock_hours_high=high, wall_clock_because="4 devices",
    )  # fmt: skip
    plan = TrainingPlan(num_steps=100, tokens_per_step=1000, training_tokens=100_000, tokens_status=status, time_limit_hours=limit)
    origins = {"num_steps": Origin(key="trainer.max_steps"), "time_limit_hours": Origin(key=key)}
    return Run(reading=Reading(plan=plan, origins=origins), account=Account(), expense=expense)


def found(*arguments, rule=None, **options):
    return list((rule or Rule()).check(run(*arguments, **options)))


def test_limit_beyond_the_slow_end_is_silent():
    assert found(20.0) == []
    assert found(21.0) == []


def test_limit_below_the_fast_end_is_said_firmly():
    (finding,) = found(7.9)
    assert finding.severity is None
    assert finding.message.startswith(f"even at MFU 0.5 training takes longer than its limit of 7.9 h ({KEY})")
    assert finding.origin.key == KEY


def test_limit_at_the_fast_end_may_do():
    (finding,) = found(8.0)
    assert finding.message.startswith("training may not finish")


def test_limit_below_the_middle_only_may_not_finish():
    (finding,) = found(9.0)
    assert finding.severity == "warning"
    assert finding.message.startswith("training may not finish in its limit of 9 h")


@pytest.mark.parametrize("severity", ["note", "warning", "error"])
def test_severity_of_the_uncertain_is_an_option(severity):
    (finding,) = found(9.0, rule=Rule(when_uncertain=severity))
    assert finding.severity == severity


def test_limit_below_the_slow_end_only_is_a_note():
    (finding,) = found(15.0)
    assert finding.severity == "note"


def test_given_mfu_has_no_range_and_no_assumption_in_the_message():
    (finding,) = found(9.0, hours=(10.0, 10.0, 10.0))
    assert finding.severity is None
    assert finding.message.startswith("training takes longer than its limit of 9 h")
    assert " h to " not in finding.message
    assert not any("is assumed" in remedy.effect for remedy in finding.remedies)


def test_message_says_estimate_range_hardware_and_devices():
    (finding,) = found(1.0)
    assert "estimated to take 10 h, 8 h to 20 h (h100-sxm, MFU 0.4, 4 devices)" in finding.message


def test_upper_bound_of_the_tokens_is_never_firm():
    (finding,) = found(7.0, status="upper_bound")
    assert finding.message.startswith("training may not finish")
    assert "at most 10 h" in finding.message


def test_bound_that_is_the_limit_itself_does_not_soften_the_words():
    one = run(7.0, status="upper_bound", key="trainer.max_time")
    because = "trainer.max_time='00:07:00:00' may end the run earlier"
    one = replace(one, reading=replace(one.reading, origins={**one.reading.origins, "upper_bound": Origin(because=because)}))
    (finding,) = Rule().check(one)
    assert finding.message.startswith("even at MFU 0.5 training takes longer")
    assert "at most" not in finding.message


def test_remedies_are_a_shorter_training_and_a_longer_limit():
    (finding,) = found(5.0)
    assert finding.remedies[0].overrides == ("trainer.max_steps=50",)
    assert finding.remedies[1].overrides == (f"{KEY}=600",)


def test_remedy_covers_the_slow_end_where_only_that_is_beyond_the_limit():
    (finding,) = found(15.0)
    assert finding.remedies[0].overrides == ("trainer.max_steps=75",)
    assert finding.remedies[1].overrides == (f"{KEY}=1200",)


def test_limit_in_another_form_is_changed_in_words():
    (finding,) = found(5.0, key="trainer.max_time")
    assert finding.remedies[1].overrides == ()
    assert "more devices than 4" in finding.remedies[1].effect


def test_assumed_mfu_names_its_key():
    (finding,) = found(5.0)
    assert "hydra.callbacks.scalecheck.hardware.mfu" in finding.remedies[-1].effect


@pytest.mark.parametrize("limit", [None, 0.0, -1.0])
def test_no_limit_is_silent(limit):
    assert found(limit) == []


def test_no_estimate_is_silent():
    one = run(1.0)
    assert list(Rule().check(replace(one, expense=None))) == []
    no_devices = replace(one.expense, wall_clock_hours=None, wall_clock_hours_low=None, wall_clock_hours_high=None)
    assert list(Rule().check(replace(one, expense=no_devices))) == []


def test_tokens_of_one_device_are_no_estimate_of_the_run():
    assert found(1.0, status="per_device") == []
