"""undertrained: below which D/N it speaks, what it says, and what it offers to type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.facts import Account, Origin, Run
from scalecheck.rules.undertrained import Rule, fires, silent


def found(run: Run, **options):
    findings = list(Rule(**options).check(run))
    assert len(findings) <= 1
    return findings[0] if findings else None


def with_outlook(run: Run, **changes) -> Run:
    return replace(run, outlooks={run.judge: replace(run.outlooks[run.judge], **changes)})


def with_plan(run: Run, **changes) -> Run:
    return replace(run, reading=replace(run.reading, plan=replace(run.reading.plan, **changes)))


def test_a_third_of_the_optimum_is_accepted_and_less_is_not():
    assert found(with_outlook(fires(), multiple=1 / 3)) is None
    assert found(with_outlook(fires(), multiple=0.333)) is not None


def test_limit_is_an_option():
    assert found(with_outlook(fires(), multiple=0.6), min_multiple=0.7)
    assert found(fires(), min_multiple=None) is None


def test_overtraining_is_not_reported():
    assert found(with_outlook(fires(), multiple=102.0)) is None


def test_message_has_the_ratio_the_range_of_the_laws_the_multiple_and_the_waste():
    base = with_outlook(fires(), wasted_compute=0.48, multiple=0.0744, tokens_per_parameter=20.6).outlooks["hoffmann2022_a1"]
    laws = {law: replace(base, law=law, tokens_per_parameter=ratio) for law, ratio in (("a", 15.7), ("b", 22.4), (base.law, 20.6))}
    assert found(replace(fires(), outlooks=laws)).message == (
        "1.4 tokens per parameter; compute-optimal at this compute is 16-22 (3 published laws), x0.074"
        " -> 48 % of the compute is wasted (hoffmann2022_a1)"
    )


def test_waste_is_another_laws_where_the_judge_has_none():
    judge = fires().outlooks["hoffmann2022_a1"]
    other = replace(judge, law="besiroglu2024", wasted_compute=0.481)
    run = replace(fires(), outlooks={judge.law: judge, other.law: other})
    assert "48 % of the compute is wasted (besiroglu2024)" in found(run).message


def test_unknown_waste_is_not_mentioned():
    assert "wasted" not in found(fires()).message


def test_single_law_is_named():
    assert "20 (hoffmann2022_a1)" in found(fires()).message


def test_extrapolation_is_said_only_beyond_the_range_of_the_law():
    assert "extrapolated" not in found(fires()).message
    beyond = found(with_outlook(fires(), extrapolated=30.2)).message
    assert "extrapolated: this run is 30x outside the range that hoffmann2022_a1 was fitted on" in beyond


def test_policys_own_ratio_is_compared_and_named():
    assert found(silent(), min_tokens_per_parameter=20.0) is None
    message = found(silent(), min_tokens_per_parameter=1000.0).message
    assert "20 tokens per parameter; the policy asks for 1,000" in message
    assert "compute-optimal" not in message, "at the optimum no law is below"


def test_remedy_reaches_the_optimum_in_whole_steps():
    remedy = found(fires()).remedies[0]
    assert remedy.overrides == ("trainer.max_steps=4769",)
    assert 4768 * 524_288 < 2.5e9 <= 4769 * 524_288
    assert remedy.effect == "same model, compute-optimal, 14x the compute"


def test_remedy_reaches_the_policys_ratio_where_that_is_more():
    remedy = found(fires(), min_tokens_per_parameter=1000.0).remedies[0]
    steps = int(remedy.overrides[0].removeprefix("trainer.max_steps="))
    params = fires().account.total_params
    assert (steps - 1) * 524_288 < 1000 * params <= steps * 524_288
    assert "1,000 tokens per parameter" in remedy.effect


def test_smaller_model_is_offered_at_the_same_compute():
    run = with_outlook(fires(), optimal_params=33e6, optimal_tokens=660e6)
    words = found(run).remedies[1]
    assert words.overrides == ()
    assert "33" in words.effect
    assert "same compute" in words.effect


def test_words_are_offered_where_nothing_can_be_typed():
    run = fires()
    run = replace(run, reading=replace(run.reading, origins={"num_steps": Origin(assumed=True)}))
    remedy = found(run).remedies[0]
    assert remedy.overrides == ()
    assert "14x the compute" in remedy.effect


def test_finding_points_at_what_sets_the_length():
    assert found(fires()).origin.key == "trainer.max_steps"


@pytest.mark.parametrize("status", ["per_device", "unknown"])
def test_silent_where_the_tokens_of_the_whole_job_are_unknown(status):
    assert found(with_plan(fires(), tokens_status=status)) is None


def test_model_of_unknown_vocabulary_is_reported_where_even_without_its_embeddings_it_is_under_trained():
    run = fires()
    account = Account(training_tokens=run.account.training_tokens, non_embedding_params=85_000_000)
    bound = {
        name: replace(outlook, params=85_000_000, params_convention="at least non_embedding") for name, outlook in run.outlooks.items()
    }
    assert found(replace(run, account=account, outlooks=bound)).message.startswith("at most 2.1 tokens per parameter, of 85.0M without")
    assert found(replace(silent(), account=account, outlooks={k: replace(v, multiple=1.0) for k, v in bound.items()})) is None


def test_upper_bound_that_is_too_low_is_reported_as_one():
    assert found(with_plan(fires(), tokens_status="upper_bound")).message.startswith("at most 1.4 tokens")


@pytest.mark.parametrize("run", [replace(fires(), outlooks={}), replace(fires(), judge="other"), replace(fires(), account=Account())])
def test_silent_without_an_outlook_of_the_judge(run):
    assert found(run, min_tokens_per_parameter=1000.0) is None
