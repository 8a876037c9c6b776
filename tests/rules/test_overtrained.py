"""overtrained: a note about the serving volume, never more by default."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.facts import Account, Run
from scalecheck.rules.overtrained import Rule, _rounded, fires, silent


def found(run: Run, **options):
    findings = list(Rule(**options).check(run))
    assert len(findings) <= 1
    return findings[0] if findings else None


def with_outlook(run: Run, **changes) -> Run:
    return replace(run, outlooks={run.judge: replace(run.outlooks[run.judge], **changes)})


def with_counts(run: Run, params: int, tokens: int, active: int | None = None) -> Run:
    account = Account(total_params=params, active_params=active, training_tokens=tokens, tokens_per_parameter=tokens / params)
    return replace(run, account=account)


def test_it_is_a_note():
    assert Rule.DEFAULT_SEVERITY == "note"
    assert found(fires()).severity is None, "the policy's severity, which is a note unless a team says otherwise"


def test_three_times_the_optimum_is_passed_over_and_more_is_not():
    assert found(with_outlook(fires(), multiple=3.0)) is None
    assert found(with_outlook(fires(), multiple=3.01)) is not None


def test_limit_is_an_option():
    assert found(silent(), max_multiple=0.9)
    assert found(fires(), max_multiple=200.0) is None


def test_undertraining_is_not_reported():
    assert found(with_outlook(fires(), multiple=0.01)) is None


def test_message_of_llama3_8b_has_the_multiple_the_range_and_the_serving_volume():
    run = with_outlook(with_counts(fires(), 8_030_261_248, 15 * 10**12), multiple=89.0, tokens_per_parameter=20.9)
    assert found(run).message == (
        "over-trained relative to training compute only (x89); 1,900 tokens per parameter, compute-optimal at this compute is 21"
        " (hoffmann2022_a1); common where a model will be served: it would be the cheapest split for about 190T lifetime inference tokens"
        " (Sardana et al. 2024, first-order condition, on besiroglu2024)"
    )


def test_mixture_of_experts_is_asked_with_the_parameters_that_a_token_meets():
    run = with_outlook(
        with_counts(fires(), 80_302_612_480, 15 * 10**12, 8_030_261_248), params=8_030_261_248, params_convention="active total"
    )
    message = found(run).message
    assert "1,900 tokens per active parameter" in message
    assert "about 190T lifetime" in message


def test_no_serving_volume_where_the_surface_finds_the_run_under_trained():
    message = found(with_counts(fires(), 70_000_000_000, 10**11)).message
    assert "common where a model will be served" in message
    assert "lifetime" not in message


@pytest.mark.parametrize(
    ("count", "text"),
    [(1.04e12, "1T"), (1.94e14, "190T"), (3.87e12, "3.9T"), (9.96e11, "1T"), (1e20, "1.00e20"), (4_200.0, "4,200"), (105.0, "100")],
)
def test_serving_volume_has_two_digits(count, text):
    assert _rounded(count) == text


def test_extrapolation_and_interval_are_said():
    message = found(with_outlook(fires(), extrapolated=5.5, interval=(10.1, 29.4))).message
    assert message.endswith(
        "extrapolated: this run is 5.5x outside the range that hoffmann2022_a1 was fitted on; 80 % interval 10-29 (hoffmann2022_a1)"
    )
    assert "extrapolated" not in found(fires()).message


def test_remedy_is_a_split_for_training_alone_and_points_at_the_length():
    finding = found(fires())
    (remedy,) = finding.remedies
    assert remedy.overrides == ()
    assert "1.31B parameters on 27.4B tokens: same compute" in remedy.effect
    assert finding.origin.key == "trainer.max_steps"


@pytest.mark.parametrize("status", ["upper_bound", "per_device", "unknown"])
def test_silent_where_the_tokens_are_only_a_bound_or_unknown(status):
    plan = replace(fires().reading.plan, tokens_status=status)
    assert found(replace(fires(), reading=replace(fires().reading, plan=plan))) is None


def test_assumed_tokens_are_reported():
    plan = replace(fires().reading.plan, tokens_status="assumed")
    assert found(replace(fires(), reading=replace(fires().reading, plan=plan)))


def test_silent_where_the_parameters_are_only_a_bound():
    assert found(with_outlook(fires(), params_convention="at least non_embedding")) is None


@pytest.mark.parametrize("run", [replace(fires(), outlooks={}), replace(fires(), judge="other"), replace(fires(), account=Account())])
def test_silent_without_an_outlook_of_the_judge(run):
    assert found(run) is None


def test_tokens_per_active_parameter_are_of_the_models_own_active_parameters_and_the_optimum_of_the_laws_n():
    run = fires()
    outlook = replace(run.outlooks[run.judge], params_convention="active", params=10**9)
    run = replace(run, outlooks={run.judge: outlook}, account=replace(run.account, active_params=run.account.training_tokens // 500))
    finding = next(iter(Rule().check(run)))
    assert "; 500 tokens per active parameter" in finding.message
    assert "parameters (active) on" in finding.remedies[0].effect


def test_beyond_the_second_limit_it_is_an_error_that_says_so():
    warned, failed = found(fires(), error_above_multiple=120.0), found(fires(), error_above_multiple=100.0)
    assert (warned.severity, failed.severity) == (None, "error")
    assert "limit of errors" not in warned.message
    assert failed.message == f"{warned.message}; above the policy's limit of errors, x100"
