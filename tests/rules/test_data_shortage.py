"""data_shortage: the compute-optimal D against the unique tokens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.facts import Run
from scalecheck.rules.data_shortage import Rule, fires, silent


def found(run: Run, **options):
    findings = list(Rule(**options).check(run))
    assert len(findings) <= 1
    return findings[0] if findings else None


def with_plan(run: Run, **changes) -> Run:
    return replace(run, reading=replace(run.reading, plan=replace(run.reading.plan, **changes)))


def with_outlook(run: Run, **changes) -> Run:
    return replace(run, outlooks={run.judge: replace(run.outlooks[run.judge], **changes)})


def test_message_has_the_optimum_the_epochs_their_worth_and_the_constrained_optimum():
    """C = 1e22 with 25B unique tokens is the paper's own example (Muennighoff et al. 2023, Figure 1)."""
    assert found(fires()).message == (
        "compute-optimal at this compute is 183.0B tokens (hoffmann2022_a1), 7.3 epochs over 25.0B unique tokens; effective tokens 84 %"
        " of tokens processed at that many under muennighoff2023; with these data its optimum is 7.02B parameters on 237.2B tokens"
    )


def test_it_is_a_warning():
    assert Rule.DEFAULT_SEVERITY == "warning"


def test_four_times_the_unique_tokens_are_accepted_and_more_is_not():
    assert found(with_outlook(fires(), optimal_tokens=1.0e11)) is None
    assert found(with_outlook(fires(), optimal_tokens=1.01e11)) is not None


def test_limit_is_an_option():
    assert found(fires(), max_factor=8.0) is None
    assert found(silent(), max_factor=0.5)


def test_length_of_the_run_itself_is_not_asked():
    """That one is repeated_data's: here a run of one epoch fires too."""
    run = replace(fires(), account=replace(fires().account, training_tokens=25_000_000_000))
    assert found(run)


def test_compute_is_asked_in_the_parameters_of_the_law_of_repeats():
    base = fires().outlooks["hoffmann2022_a1"]
    other = replace(base, law="muennighoff2023", law_flops=base.law_flops * 10)
    with_both = replace(fires(), outlooks={base.law: base, other.law: other})
    assert "7.02B parameters" not in found(with_both).message


def test_remedies_name_enough_data_and_the_split_for_these():
    more, split = found(fires()).remedies
    assert more.effect == "45.8B unique tokens: the compute-optimal length in 4 epochs"
    assert split.effect == "about 7.02B parameters on 237.2B tokens: same compute, optimal with these data under muennighoff2023"
    assert found(with_plan(fires(), unique_tokens=45_750_000_000)) is None


def test_finding_points_at_the_data_else_at_the_length():
    assert found(fires()).origin.key == "data.tokens"
    reading = fires().reading
    assert found(
        replace(fires(), reading=replace(reading, origins={"training_tokens": reading.origins["training_tokens"]}))
    ).origin.key == ("train.tokens")


def test_epochs_that_the_config_tells_stand_in_for_unique_tokens():
    run = with_plan(fires(), unique_tokens=None, epochs=9.52)
    assert "over 25.0B unique tokens" in found(run).message
    assert found(with_plan(run, epochs=1.0)) is None
    assert found(with_plan(run, tokens_status="upper_bound")) is None, "a bound over a number of epochs tells no unique tokens"


def test_upper_bound_is_reported_as_one():
    assert "is at most 183.0B tokens" in found(with_plan(fires(), tokens_status="upper_bound")).message


@pytest.mark.parametrize(
    "run",
    [
        with_plan(fires(), unique_tokens=None),
        with_plan(fires(), unique_tokens=0),
        with_plan(fires(), unique_tokens=10**400),
        with_plan(fires(), tokens_status="per_device"),
        with_plan(fires(), tokens_status="unknown"),
        with_outlook(fires(), params_convention="at least non_embedding"),
        replace(fires(), outlooks={}),
        replace(fires(), judge="other"),
    ],
    ids=["unique_unknown", "unique_zero", "unique_too_large", "per_device", "tokens_unknown", "params_bound", "no_law_applies", "no_judge"],
)
def test_silent_where_it_cannot_tell(run):
    assert found(run) is None


def test_counts_at_the_end_of_a_float_are_no_failure():
    assert found(with_plan(with_outlook(fires(), law_flops=1e300, optimal_tokens=1e150), unique_tokens=1))


def test_hardly_effective_repeats_are_not_said_to_be_worth_nothing():
    assert "effective tokens less than 1 % of tokens processed" in found(with_plan(fires(), unique_tokens=10**6)).message


def test_beyond_the_second_limit_it_is_an_error_that_says_so():
    warned, failed = found(fires(), error_above_factor=7.32), found(fires(), error_above_factor=7.0)
    assert (warned.severity, failed.severity) == (None, "error")
    assert "limit of errors" not in warned.message
    assert failed.message == f"{warned.message}; above the policy's limit of errors, 7 times"
