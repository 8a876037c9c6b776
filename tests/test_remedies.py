"""An override is offered only where typing it does what it says."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from scalecheck.facts import Account, Origin, Reading, Run, TrainingPlan
from scalecheck.remedies import scale_steps, where_length_is_set

STEPS = Origin(key="trainer.max_steps")
PLAN = TrainingPlan(num_steps=100, tokens_per_step=1000, training_tokens=100_000, tokens_status="exact")


def run(plan: TrainingPlan = PLAN, **origins: Origin) -> Run:
    return Run(reading=Reading(plan=plan, origins=origins), account=Account())


def test_steps_round_up_to_reach_a_target():
    remedy = scale_steps(run(num_steps=STEPS), 1_300_001, round_up=True)
    assert remedy.overrides == ("trainer.max_steps=1301",)
    assert remedy.effect == "same model, 13x the compute"


def test_steps_round_down_to_fit_a_budget():
    assert scale_steps(run(num_steps=STEPS), Fraction(50_999), round_up=False).overrides == ("trainer.max_steps=50",)


def test_huge_targets_stay_exact():
    assert scale_steps(run(num_steps=STEPS), 10**30 * 1000, round_up=False).overrides == (f"trainer.max_steps={10**30}",)


def test_token_limit_is_scaled_where_there_are_no_steps():
    plan = TrainingPlan(training_tokens=100_000, tokens_status="exact")
    assert scale_steps(run(plan, training_tokens=Origin(key="data.tokens")), 5e5, round_up=True).overrides == ("data.tokens=500000",)


def test_token_limit_that_ends_the_run_before_its_last_step_is_scaled_instead_of_the_steps():
    plan = replace(PLAN, training_tokens=70_000)
    assert scale_steps(run(plan, num_steps=STEPS, training_tokens=Origin(key="data.tokens")), 5e5, round_up=True).overrides == (
        "data.tokens=500000",
    )


@pytest.mark.parametrize(
    "origin",
    [
        Origin(key="trainer.max_steps", assumed=True),
        Origin(because="epochs * steps_per_epoch"),
        Origin(key="trainer.max_steps", because="trainer.max_steps * 2"),
        Origin(key="trainer.epochs", because="trainer.epochs x 100 steps per epoch"),
        Origin(key="hydra.callbacks.scalecheck.read.num_steps"),
    ],
    ids=["assumed", "no_key", "expression", "product", "number_in_policy"],
)
def test_steps_that_are_not_one_key_of_the_config_get_no_override(origin):
    assert scale_steps(run(num_steps=origin), 1e6, round_up=True) is None


@pytest.mark.parametrize("because", ["", "trainer.max_steps", "read.num_steps=trainer.max_steps"])
def test_steps_that_the_policy_maps_to_one_key_get_an_override(because):
    assert scale_steps(run(num_steps=Origin(key="trainer.max_steps", because=because)), 1e6, round_up=True)


def test_key_with_a_dash_is_no_arithmetic():
    assert scale_steps(run(num_steps=Origin(key="train-args.max-steps", because="train-args.max-steps")), 1e6, round_up=True)


def test_value_that_stands_already_is_no_remedy():
    assert scale_steps(run(num_steps=STEPS), 100_000, round_up=True) is None


def test_budget_below_one_step_has_no_override():
    assert scale_steps(run(num_steps=STEPS), 999, round_up=False) is None


@pytest.mark.parametrize("target", [0, -1, float("nan"), float("inf")])
def test_target_that_is_no_count_has_no_override(target):
    assert scale_steps(run(num_steps=STEPS), target, round_up=True) is None


def test_tokens_of_one_device_are_not_scaled():
    """The other devices multiply them, by an unknown number."""
    assert scale_steps(run(replace(PLAN, tokens_status="per_device"), num_steps=STEPS), 1e6, round_up=True) is None


def test_unknown_tokens_per_step_have_no_override():
    assert scale_steps(run(replace(PLAN, tokens_per_step=None), num_steps=STEPS), 1e6, round_up=True) is None


def test_length_is_set_by_steps_before_tokens():
    tokens = Origin(key="data.tokens")
    assert where_length_is_set(run(training_tokens=tokens, num_steps=STEPS)) is STEPS
    assert where_length_is_set(run(num_steps=Origin(assumed=True), training_tokens=tokens)) is tokens
    assert where_length_is_set(run()) == Origin()
