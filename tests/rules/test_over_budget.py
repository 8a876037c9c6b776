"""over_budget: each budget, the sums over a sweep, what is unknown, and the longest training that fits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.cost import spend
from scalecheck.facts import Account, Hardware, Origin, Reading, Run, TrainingPlan, Unknown
from scalecheck.rules.over_budget import Rule, SweepBudget


def run(steps: int | None = 100, key: str = "trainer.max_steps", status="exact") -> Run:
    """A run of 1,000 tokens per step, 50 parameters and 300 FLOPs per token."""
    tokens = None if steps is None else 1000 * steps
    plan = TrainingPlan(num_steps=steps, tokens_per_step=1000, training_tokens=tokens, tokens_status=status)
    flops = None if tokens is None else 300 * tokens
    account = Account(total_params=50, training_tokens=tokens, training_flops=flops)
    unknown = Unknown(field="num_steps", reason="trainer.max_steps is ???", key=key, remedies=("trainer.max_steps=1000",))
    origins = {"num_steps": Origin(key=key), "num_layers": Origin(key="model.n_layer")}
    return Run(reading=Reading(plan=plan, origins=origins, unknowns=() if steps else (unknown,)), account=account)


def sweep(runs, **options):
    return list(Rule(sweep=SweepBudget(**options)).check_sweep(runs))


def test_nothing_is_found_without_a_budget():
    assert list(Rule().check(run())) == []
    assert list(Rule().check(run(None))) == []
    assert list(Rule().check_sweep([run(), run(None)])) == []


@pytest.mark.parametrize(
    ("option", "limit"), [("max_training_flops", 30_000_000), ("max_training_tokens", 100_000), ("max_total_params", 50)]
)
def test_figure_at_its_budget_fits_and_one_above_does_not(option, limit):
    assert list(Rule(**{option: limit}).check(run())) == []
    (finding,) = Rule(**{option: limit - 1}).check(run())
    assert finding.severity is None


def test_message_has_figure_budget_and_factor():
    (finding,) = Rule(max_training_tokens=20_000).check(run())
    assert "100" in finding.message
    assert "the policy's budget is" in finding.message
    assert "20" in finding.message
    assert "(5.0x the budget)" in finding.message


def test_small_excess_is_told_in_percent():
    (finding,) = Rule(max_training_tokens=80_000).check(run())
    assert "(25 % over)" in finding.message


@pytest.mark.parametrize("options", [{"max_training_flops": 10_000_000}, {"max_training_tokens": 33_333}])
def test_remedy_is_the_longest_training_that_fits(options):
    (finding,) = Rule(**options).check(run())
    assert finding.remedies[0].overrides == ("trainer.max_steps=33",)
    assert list(Rule(**options).check(run(33))) == []
    assert list(Rule(**options).check(run(34))) != []


def test_remedy_for_parameters_names_the_keys_in_words():
    (finding,) = Rule(max_total_params=10).check(run())
    assert finding.remedies[0].overrides == ()
    assert "model.n_layer" in finding.remedies[0].effect
    assert finding.origin.key == "model.n_layer"


def test_every_budget_is_checked():
    assert len(list(Rule(max_training_flops=1, max_training_tokens=1, max_total_params=1).check(run()))) == 3


def test_budget_whose_figure_is_unknown_is_a_warning_that_names_what_is_missing():
    (finding,) = Rule(max_training_tokens=1e9).check(run(None))
    assert finding.severity == "warning"
    assert "max_training_tokens=" in finding.message
    assert "trainer.max_steps is ???" in finding.message
    assert finding.remedies[0].overrides == ("trainer.max_steps=1000",)
    assert finding.origin.key == "trainer.max_steps"


@pytest.mark.parametrize("severity", ["note", "warning", "error"])
def test_severity_of_the_unknown_is_an_option(severity):
    (finding,) = Rule(max_training_flops=1e9, when_unknown=severity).check(run(None))
    assert finding.severity == severity


def test_unknown_parameters_are_not_explained_by_unknown_steps():
    nothing = replace(run(None), account=Account())
    missing = Unknown(field="vocab_size", reason="model.vocab_size is not set")
    nothing = replace(nothing, reading=replace(nothing.reading, unknowns=(*nothing.reading.unknowns, missing)))
    (finding,) = Rule(max_total_params=1e9).check(nothing)
    assert "vocab_size" in finding.message
    assert "num_steps" not in finding.message


def test_tokens_of_one_device_within_the_budget_are_unknown_not_fine():
    (finding,) = Rule(max_training_tokens=1e9).check(run(status="per_device"))
    assert finding.severity == "warning"
    assert "one device only" in finding.message


def test_tokens_of_one_device_over_the_budget_are_over_and_not_scaled():
    (finding,) = Rule(max_training_tokens=10).check(run(status="per_device"))
    assert finding.severity is None
    assert finding.message.startswith("at least ")
    assert finding.remedies[0].overrides == ()


def test_upper_bound_is_said():
    (finding,) = Rule(max_training_tokens=10).check(run(status="upper_bound"))
    assert finding.message.startswith("up to ")


def test_sums_beyond_64_bits_are_exact():
    huge = replace(run(), account=replace(run().account, training_flops=2**70 + 1))
    assert list(Rule(max_training_flops=2**70).check(huge)) != []
    assert list(Rule(max_training_flops=2**70 + 1).check(huge)) == []


# --- sweeps


def test_sum_over_jobs_at_the_budget_fits_and_one_job_more_does_not():
    assert sweep([run(), run()], max_training_tokens=200_000) == []
    (finding,) = sweep([run(), run(), run()], max_training_tokens=200_000)
    assert "over 3 jobs" in finding.message
    assert "sweep.max_training_tokens" in finding.message
    assert finding.severity is None


def test_sweep_budget_of_flops():
    assert sweep([run()], max_training_flops=30_000_000) == []
    assert len(sweep([run(), run()], max_training_flops=30_000_000)) == 1


def test_sweep_remedy_shortens_every_job_where_they_share_their_steps():
    (finding,) = sweep([run(), run(), run()], max_training_tokens=200_000)
    assert finding.remedies[0].overrides == ("trainer.max_steps=66",)
    assert sweep([run(66)] * 3, max_training_tokens=200_000) == []


def test_sweep_remedy_is_words_where_steps_are_swept():
    (finding,) = sweep([run(100), run(200)], max_training_tokens=200_000)
    assert finding.remedies[0].overrides == ()
    assert "100" in finding.remedies[0].effect


def test_sweep_with_unknown_jobs_says_so():
    (finding,) = sweep([run(), run(None)], max_training_tokens=200_000)
    assert finding.severity == "warning"
    assert "1 of 2 jobs" in finding.message


def test_sweep_over_budget_without_its_unknown_jobs_is_over():
    (finding,) = sweep([run(300), run(None)], max_training_tokens=200_000)
    assert finding.severity is None
    assert "not counting 1" in finding.message
    assert finding.remedies[0].overrides == ()


def test_sweep_remedy_is_words_where_a_job_of_the_same_steps_is_unknown():
    """Scaling what is known to the budget would leave nothing for the unknown job."""
    (finding,) = sweep([run(300), replace(run(300), account=Account())], max_training_tokens=200_000)
    assert finding.remedies[0].overrides == ()


def test_sweep_without_jobs_is_within_every_budget():
    assert sweep([], max_training_tokens=1) == []


# --- time and money: 30e6 FLOPs of the run at a peak of 1000 FLOP/s; MFU 0.4, or 0.2-0.5 where it is assumed


def priced(one: Run, *, mfu=None, devices=None, price=None) -> Run:
    low, high = (mfu, mfu) if mfu else (0.2, 0.5)
    hardware = Hardware(
        accelerator="h100-sxm", dtype="bf16", peak_flops_per_second=1000.0, mfu=mfu or 0.4, mfu_low=low, mfu_high=high,
        mfu_assumed=mfu is None, price_usd_per_gpu_hour=price, price_date="2026-01-31" if price else "",
    )  # fmt: skip
    return replace(one, expense=spend(one.account.training_flops, hardware, devices))


HOURS = 30_000_000 / 1000 / 0.4 / 3600


def test_hours_at_their_budget_fit_and_above_do_not():
    found = priced(run(), mfu=0.4)
    assert list(Rule(max_gpu_hours=HOURS).check(found)) == []
    (finding,) = Rule(max_gpu_hours=0.99 * HOURS).check(found)
    assert finding.severity is None
    assert finding.message.startswith("20.8 GPU-hours (h100-sxm, ")
    assert "MFU 0.4)" in finding.message


def test_over_the_budget_even_at_the_fast_end_is_firm():
    (finding,) = Rule(max_gpu_hours=0.79 * HOURS).check(priced(run()))
    assert finding.severity is None
    assert "16.7 to 41.7" in finding.message
    assert "MFU assumed 0.4" in finding.message


@pytest.mark.parametrize("severity", ["note", "warning", "error"])
def test_over_the_budget_at_the_middle_only_is_as_severe_as_the_option(severity):
    (finding,) = Rule(max_gpu_hours=0.9 * HOURS, when_uncertain=severity).check(priced(run()))
    assert finding.severity == severity
    assert finding.message.startswith("estimated ")


def test_over_the_budget_at_the_slow_end_only_is_a_note():
    (finding,) = Rule(max_gpu_hours=1.5 * HOURS).check(priced(run()))
    assert finding.severity == "note"
    assert finding.message.startswith("may be over: ")
    assert list(Rule(max_gpu_hours=2.01 * HOURS).check(priced(run()))) == []


def test_wall_clock_is_of_all_devices():
    found = priced(run(), mfu=0.4, devices=4)
    assert list(Rule(max_wall_clock_hours=HOURS / 4).check(found)) == []
    (finding,) = Rule(max_wall_clock_hours=HOURS / 5).check(found)
    assert "4 devices" in finding.message


def test_cost_says_price_and_date():
    found = priced(run(), mfu=0.4, price=2.0)
    assert list(Rule(max_cost_usd=2 * HOURS).check(found)) == []
    (finding,) = Rule(max_cost_usd=HOURS).check(found)
    assert "2 USD per GPU-hour, 2026-01-31" in finding.message
    assert finding.remedies[0].overrides == ("trainer.max_steps=50",)


def test_remedy_for_hours_is_the_longest_training_that_fits():
    rule = Rule(max_gpu_hours=HOURS / 3)
    (finding,) = rule.check(priced(run(), mfu=0.4))
    assert finding.remedies[0].overrides == ("trainer.max_steps=33",)
    assert list(rule.check(priced(run(33), mfu=0.4))) == []
    assert list(rule.check(priced(run(34), mfu=0.4))) != []


@pytest.mark.parametrize("option", ["max_gpu_hours", "max_wall_clock_hours", "max_cost_usd"])
def test_budget_without_an_accelerator_names_the_key_that_would_tell(option):
    (finding,) = Rule(**{option: 10}).check(run())
    assert finding.severity == "warning"
    assert finding.message.startswith(f"{option}=10.0 ") or finding.message.startswith(f"{option}=10 ")
    assert finding.remedies[0].overrides == ("++hydra.callbacks.scalecheck.hardware.accelerator=h100-sxm",)


def test_budget_of_hours_without_flops_says_what_the_flops_lack():
    (finding,) = Rule(max_gpu_hours=10).check(run(None))
    assert "trainer.max_steps is ???" in finding.message
    assert finding.remedies[0].overrides == ("trainer.max_steps=1000",)


def test_wall_clock_without_devices_names_their_key():
    (finding,) = Rule(max_wall_clock_hours=10).check(priced(run()))
    assert "hydra.callbacks.scalecheck.hardware.num_devices" in finding.remedies[0].overrides[0]


def test_cost_without_a_price_types_no_price():
    (finding,) = Rule(max_cost_usd=10).check(priced(run()))
    assert "scalecheck holds no prices" in finding.message
    assert finding.remedies == ()


def test_sweep_budget_of_hours_sums_the_jobs():
    jobs = [priced(run(), mfu=0.4)] * 3
    assert sweep(jobs, max_gpu_hours=3 * HOURS + 1e-9) == []
    (finding,) = sweep(jobs, max_gpu_hours=2 * HOURS)
    assert "over 3 jobs" in finding.message
    assert "sweep.max_gpu_hours" in finding.message
    assert finding.remedies[0].overrides == ("trainer.max_steps=66",)


def test_sweep_budget_of_cost_sums_the_jobs():
    (finding,) = sweep([priced(run(), mfu=0.4, price=2.0)] * 2, max_cost_usd=HOURS)
    assert "2 USD per GPU-hour, 2026-01-31" in finding.message


def test_sweep_over_its_budget_at_the_slow_end_only_is_a_note():
    (finding,) = sweep([priced(run())] * 2, max_gpu_hours=3 * HOURS)
    assert finding.severity == "note"


def test_sweep_budget_of_hours_without_an_accelerator_names_the_key():
    (finding,) = sweep([run(), priced(run(), mfu=0.4)], max_gpu_hours=100)
    assert finding.severity == "warning"
    assert "1 of 2 jobs" in finding.message
    assert finding.remedies[0].overrides == ("++hydra.callbacks.scalecheck.hardware.accelerator=h100-sxm",)


# --- nearly over


def test_figure_beyond_the_fraction_of_its_budget_is_a_warning_of_its_own():
    (finding,) = Rule(max_training_flops=33_000_000, warn_at_fraction=0.9).check(run())
    assert finding.severity == "warning"
    assert finding.message == "3.00e7 FLOPs is 90.9 % of the policy's budget, 3.30e7 FLOPs; the policy warns from 90 % on"
    assert finding.origin.key == "trainer.max_steps"
    (over,) = Rule(max_training_flops=29_000_000, warn_at_fraction=0.9).check(run())
    assert (over.severity, over.subject) == (None, "max_training_flops")
    assert finding.subject != over.subject, "a baseline that knows the one does not know the other"


def test_figure_at_the_fraction_is_accepted_and_beyond_it_is_not():
    assert list(Rule(max_training_tokens=200_000, warn_at_fraction=0.5).check(run())) == []
    assert len(list(Rule(max_training_tokens=200_000, warn_at_fraction=0.4999).check(run()))) == 1
    assert list(Rule(max_training_tokens=100_000).check(run())) == []


def test_upper_bound_is_said_to_be_one_near_its_budget_too():
    (finding,) = Rule(max_training_tokens=110_000, warn_at_fraction=0.8).check(run(status="upper_bound"))
    assert finding.message.startswith("up to ")


def test_sum_beyond_the_fraction_is_a_warning():
    near = Rule(sweep=SweepBudget(max_training_tokens=210_000), warn_at_fraction=0.9)
    (finding,) = near.check_sweep([run(), run()])
    assert finding.severity == "warning"
    assert "over 2 jobs is 95.2 % of the budget sweep.max_training_tokens, 210.0K tokens" in finding.message
    assert list(near.check_sweep([run()])) == []


def test_unknown_figure_is_unknown_and_not_near():
    (finding,) = Rule(max_training_flops=1, warn_at_fraction=0.8).check(run(None))
    assert "cannot be checked" in finding.message


def test_estimate_that_may_be_over_is_a_warning_where_its_middle_is_near():
    (finding,) = Rule(max_gpu_hours=1.1 * HOURS, warn_at_fraction=0.8).check(priced(run()))
    assert finding.severity == "warning"
    (finding,) = Rule(max_gpu_hours=1.5 * HOURS, warn_at_fraction=0.8).check(priced(run()))
    assert finding.severity == "note"
