"""repeated_data: how many epochs it accepts, what it says of more, and what it offers to type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.facts import Run
from scalecheck.rules.repeated_data import Rule, fires, silent

UNIQUE = 5_242_880_000


def found(run: Run, **options):
    findings = list(Rule(**options).check(run))
    assert len(findings) <= 1
    return findings[0] if findings else None


def with_plan(run: Run, **changes) -> Run:
    return replace(run, reading=replace(run.reading, plan=replace(run.reading.plan, **changes)))


def with_tokens(run: Run, tokens: int) -> Run:
    run = with_plan(run, num_steps=tokens // 524_288, training_tokens=tokens)
    return replace(run, account=replace(run.account, training_tokens=tokens))


def test_six_epochs_are_88_percent_effective():
    assert found(fires()).message == (
        "6 epochs over 5.24B unique tokens; effective tokens 88 % of tokens processed under muennighoff2023;"
        " the limit is contested, it moves with regularisation"
    )


def test_it_is_a_warning():
    assert Rule.DEFAULT_SEVERITY == "warning"


def test_four_epochs_are_accepted_with_their_last_step_and_one_step_more_is_not():
    assert found(with_tokens(silent(), 4 * UNIQUE + 524_287)) is None
    assert found(with_tokens(silent(), 4 * UNIQUE + 524_288)) is not None


def test_four_epochs_are_the_limit_where_no_step_is_known():
    without_steps = {"tokens_per_step": None, "num_steps": None}
    assert found(with_plan(with_tokens(silent(), 4 * UNIQUE), **without_steps)) is None
    assert found(with_plan(with_tokens(silent(), 4 * UNIQUE + 1), **without_steps))


def test_limit_is_an_option():
    assert found(fires(), max_epochs=6.0) is None
    assert found(silent(), max_epochs=3.0)


def test_less_than_an_epoch_is_wholly_effective_whatever_the_limit():
    assert "effective tokens 100 %" in found(with_plan(silent(), unique_tokens=8 * UNIQUE), max_epochs=0.25).message


def test_remedy_is_the_longest_run_within_the_limit():
    remedy = found(fires()).remedies[0]
    assert remedy.overrides == ("trainer.max_steps=40000",)
    assert remedy.effect == "same model, 4 epochs, 0.67x the compute"
    assert found(with_tokens(fires(), 40_000 * 524_288)) is None


def test_remedy_rounds_down_to_whole_steps():
    assert found(with_plan(fires(), unique_tokens=UNIQUE + 100_000)).remedies[0].overrides == ("trainer.max_steps=40000",)


def test_more_unique_data_is_offered():
    assert found(fires()).remedies[1].effect == "7.86B unique tokens: the same length in 4 epochs"


def test_words_are_offered_where_nothing_can_be_typed():
    run = replace(fires(), reading=replace(fires().reading, origins={}))
    assert found(run).remedies[0].overrides == ()
    assert found(run).remedies[0].effect == "train on 21.0B tokens: 4 epochs"


def test_epochs_that_the_config_tells_stand_in_for_unique_tokens():
    run = with_plan(fires(), unique_tokens=None, epochs=6.0)
    assert found(run).message.startswith("6 epochs; effective tokens 88 %")
    assert found(with_plan(run, epochs=4.0)) is None


def test_unique_tokens_win_over_the_epochs_of_the_config():
    assert found(with_plan(silent(), epochs=60.0)) is None


def test_upper_bound_is_reported_as_one():
    message = found(with_plan(fires(), tokens_status="upper_bound")).message
    assert message.startswith("at most 6 epochs over")
    assert "processed at that many under" in message


def test_finding_points_at_what_sets_the_length():
    assert found(fires()).origin.key == "trainer.max_steps"


@pytest.mark.parametrize(
    "run",
    [
        with_plan(fires(), unique_tokens=None),
        with_plan(fires(), unique_tokens=0),
        with_plan(fires(), unique_tokens=None, epochs=float("inf")),
        with_plan(fires(), tokens_status="per_device"),
        with_plan(fires(), tokens_status="unknown"),
        replace(fires(), outlooks={}),
        replace(fires(), account=replace(fires().account, training_tokens=None)),
    ],
    ids=["unique_unknown", "unique_zero", "epochs_infinite", "per_device", "tokens_unknown", "no_law_applies", "no_tokens"],
)
def test_silent_where_it_cannot_tell(run):
    assert found(run) is None


def test_counts_beyond_a_float_are_no_failure():
    assert found(with_plan(fires(), unique_tokens=10**400)) is None
    assert "effective tokens less than 1 %" in found(with_plan(fires(), unique_tokens=1)).message


def test_beyond_the_second_limit_it_is_an_error_that_says_so():
    warned, failed = found(fires(), error_above_epochs=6.0), found(fires(), error_above_epochs=5.0)
    assert (warned.severity, failed.severity) == (None, "error")
    assert "limit of errors" not in warned.message
    assert failed.message == f"{warned.message}; above the policy's limit of errors, 5 epochs"


def test_last_step_is_passed_over_at_the_second_limit_too():
    assert found(with_tokens(fires(), 6 * UNIQUE + 524_287), error_above_epochs=6.0).severity is None
    assert found(with_tokens(fires(), 6 * UNIQUE + 524_288), error_above_epochs=6.0).severity == "error"
