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
    laws = {
        law: replace(base, law=law, tokens_per_parameter=ratio)
        for law, ratio in (("porian2024", 15.7), ("llama3_2024", 22.4), (base.law, 20.6))
    }
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


def with_laws(**multiples: float) -> Run:
    """Return the firing run as seen by several laws; the judge is hoffmann2022_a1."""
    base = fires().outlooks["hoffmann2022_a1"]
    return replace(fires(), outlooks={law: replace(base, law=law, multiple=multiple) for law, multiple in multiples.items()})


@pytest.mark.parametrize(
    ("multiples", "agreed"),
    [
        ({"hoffmann2022_a1": 0.1, "porian2024": 0.5, "llama3_2024": 0.5}, {"default"}),
        ({"hoffmann2022_a1": 0.1, "porian2024": 0.5}, {"default"}),
        ({"hoffmann2022_a1": 0.1, "porian2024": 0.1, "llama3_2024": 0.5}, {"default", "majority"}),
        ({"hoffmann2022_a1": 0.5, "porian2024": 0.1, "llama3_2024": 0.1}, {"majority"}),
        ({"hoffmann2022_a1": 0.1, "porian2024": 0.1, "llama3_2024": 0.1}, {"default", "majority", "all"}),
        ({"hoffmann2022_a1": 0.1, "mine": 0.5}, {"default"}),
        ({"hoffmann2022_a1": 0.1, "kaplan2020": 9.0}, {"default", "majority", "all"}),
        ({"hoffmann2022_a1": 0.5, "kaplan2020": 0.1}, set()),
    ],
)
def test_agreement_counts_todays_laws_and_ones_own(multiples, agreed):
    run = with_laws(**multiples)
    assert {agreement for agreement in ("default", "majority", "all") if found(run, agreement=agreement)} == agreed


def test_kaplan_counts_where_it_is_the_judge():
    run = replace(with_laws(kaplan2020=9.0, porian2024=0.1, llama3_2024=0.1), judge="kaplan2020")
    assert found(run, agreement="all") is None
    assert found(run, agreement="majority") is not None


def test_agreement_is_off_with_the_multiple():
    assert found(with_laws(hoffmann2022_a1=0.1, porian2024=0.1), agreement="all", min_multiple=None) is None


def test_message_says_how_many_laws_agree_where_agreement_is_asked():
    run = with_laws(hoffmann2022_a1=0.1, porian2024=0.1, llama3_2024=0.5)
    assert "below x0.33 under 2 of 3 laws; compute-optimal" in found(run, agreement="majority").message
    assert "of 3 laws" not in found(run).message


def test_run_that_the_laws_outvote_the_judge_on_is_offered_no_shorter_run():
    finding = found(with_outlook_of_judge(with_laws(hoffmann2022_a1=2.0, porian2024=0.1, llama3_2024=0.1), 1e6), agreement="majority")
    assert "x2.0" in finding.message
    assert "wasted" not in finding.message
    assert finding.remedies == ()


def with_outlook_of_judge(run: Run, tokens_for_this_model: float) -> Run:
    judge = replace(run.outlooks[run.judge], tokens_for_this_model=tokens_for_this_model, wasted_compute=0.1)
    return replace(run, outlooks={**run.outlooks, run.judge: judge})


def test_interval_ends_the_message_with_the_law_that_has_it():
    judge = with_outlook(fires(), extrapolated=30.2).outlooks["hoffmann2022_a1"]
    other = replace(judge, law="besiroglu2024", wasted_compute=0.481, interval=(10.1, 29.4))
    message = found(replace(fires(), outlooks={judge.law: judge, other.law: other})).message
    assert message.endswith("was fitted on; 80 % interval 10-29 (besiroglu2024)")


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


def test_tokens_per_active_parameter_are_of_the_models_own_active_parameters_not_of_the_laws_n():
    run = with_outlook(fires(), params_convention="active", params=10**9)
    run = replace(run, account=replace(run.account, active_params=run.account.training_tokens // 2))
    assert found(run).message.startswith("2.0 tokens per active parameter")


def test_optimum_is_offered_in_the_laws_own_n():
    assert any(
        "parameters (non-embedding) on" in remedy.effect
        for remedy in found(with_outlook(fires(), params_convention="non_embedding")).remedies
    )


def test_agreement_of_a_single_law_is_said_in_the_singular():
    assert "under 1 of 1 law;" in found(fires(), agreement="all").message


def test_history_has_no_part_in_the_waste_that_a_later_law_tells():
    old = replace(fires().outlooks["hoffmann2022_a1"], law="kaplan2020")
    later = replace(old, law="besiroglu2024", wasted_compute=0.04)
    message = found(replace(fires(), outlooks={old.law: old, later.law: later}, judge=old.law)).message
    assert "; 4 % of the compute is wasted (besiroglu2024)" in message
    assert "->" not in message


# --- two thresholds


def test_below_the_second_limit_it_is_an_error_that_says_so():
    warned, failed = found(fires(), error_below_multiple=0.07), found(fires(), error_below_multiple=0.1)
    assert (warned.severity, failed.severity) == (None, "error")
    assert "limit of errors" not in warned.message
    assert "; below the policy's limit of errors, x0.10; " in failed.message


def test_second_limit_alone_finds_errors_only():
    alone = {"min_multiple": None, "error_below_multiple": 0.1}
    assert found(fires(), **alone).severity == "error"
    assert found(with_outlook(fires(), multiple=0.1), **alone) is None


def test_second_limit_is_left_to_the_same_laws():
    run = with_laws(hoffmann2022_a1=0.05, porian2024=0.05, llama3_2024=0.2)
    assert found(run, agreement="majority", error_below_multiple=0.1).severity == "error"
    assert found(run, agreement="all", error_below_multiple=0.1).severity is None
    assert "under 3 of 3 laws" in found(run, agreement="all", error_below_multiple=0.1).message


def test_floor_of_tokens_per_parameter_is_no_error_by_itself():
    run = with_outlook(fires(), multiple=0.2)
    assert found(run, min_tokens_per_parameter=100.0, error_below_multiple=0.1).severity is None


def test_agreement_on_the_second_limit_alone_is_said():
    run = with_laws(hoffmann2022_a1=0.05, porian2024=0.05, llama3_2024=0.2)
    alone = found(run, agreement="majority", min_multiple=None, error_below_multiple=0.1)
    assert "below x0.10 under 2 of 3 laws" in alone.message
