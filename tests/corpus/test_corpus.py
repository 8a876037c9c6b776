"""Real configs of public training repos: what is said about them is right, or marked, or unknown; never silently wrong."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest

# Loaded by its path, as `make corpus` runs it: tests are no package.
_SPEC = importlib.util.spec_from_file_location("scalecheck_corpus", Path(__file__).parent / "corpus.py")
corpus = importlib.util.module_from_spec(_SPEC)
sys.modules["scalecheck_corpus"] = corpus
_SPEC.loader.exec_module(corpus)

CASES = corpus.cases()
TOLD = ("exact", "bound")
MAX_LINES_OF_MAPPING = 6
pytestmark = pytest.mark.filterwarnings("ignore")  # old repos compose with warnings of Hydra's


@pytest.fixture(scope="module")
def jobs():
    """Every case, checked without and with its mapping, once for all tests."""
    return {(case.name, mapped): job for case in CASES for mapped, job in corpus.checked_both_ways(case).items()}


def totals(jobs, mapped, word):
    return Counter(word(case, jobs[case.name, mapped]) for case in CASES)


def test_there_are_all_cases():
    assert len(CASES) == 25
    assert len([case for case in CASES if case.must_be_silent]) == 8


@pytest.mark.parametrize("mapped", [False, True], ids=["unmapped", "mapped"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_is_silently_wrong(jobs, case, mapped):
    job = jobs[case.name, mapped]
    assert corpus.word_for_params(case, job) != "WRONG", (job.run.account.total_params, case.truth["n_params_total"])
    assert corpus.word_for_tokens(case, job) != "WRONG", (job.run.account.training_tokens, case.truth["tokens"])


@pytest.mark.parametrize("mapped", [False, True], ids=["unmapped", "mapped"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_assumed_is_true_of_these_repos(jobs, case, mapped):
    """An assumption is allowed to be wrong; one that is wrong here would be a bad one."""
    account = jobs[case.name, mapped].run.account
    if account.params_status == "assumed" and not case.must_be_silent:
        assert account.total_params == case.truth["n_params_total"]
    if jobs[case.name, mapped].run.reading.plan.tokens_status == "assumed" and not case.must_be_silent:
        assert account.training_tokens == case.truth["tokens"]


def test_without_any_mapping_the_bars_are_met(jobs):
    params, tokens = totals(jobs, False, corpus.word_for_params), totals(jobs, False, corpus.word_for_tokens)
    assert params["exact"] >= 10, params
    assert tokens["exact"] + tokens["bound"] >= 12, tokens
    assert params["silent"] == tokens["silent"] == 8


@pytest.mark.parametrize("case", [case for case in CASES if not case.must_be_silent], ids=lambda case: case.name)
def test_with_a_short_mapping_everything_that_is_known_is_told(jobs, case):
    assert len(case.mapping) <= MAX_LINES_OF_MAPPING
    job = jobs[case.name, True]
    assert corpus.word_for_params(case, job) == "exact"
    assert corpus.word_for_tokens(case, job) in TOLD


@pytest.mark.parametrize("case", [case for case in CASES if case.mapping], ids=lambda case: case.name)
def test_every_mapping_is_needed(jobs, case):
    """A mapping of a case that is read in full without it would be dead text."""
    job = jobs[case.name, False]
    assert corpus.word_for_params(case, job) != "exact" or corpus.word_for_tokens(case, job) not in TOLD


@pytest.mark.parametrize("case", [case for case in CASES if case.must_be_silent], ids=lambda case: case.name)
def test_silence_has_a_reason_and_no_finding_but_budgets(jobs, case):
    job = jobs[case.name, False]
    assert job.run.reading.plan.intent_reason
    assert [finding.rule for finding in job.findings if finding.rule not in ("assumed_values", "over_budget")] == []
    assert job.run.outlooks == {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_licence_is_beside_the_case(case):
    assert (case.path / "LICENSE").stat().st_size > 200
    assert case.about["licence"].partition(" ")[0] in ("BSD-3-Clause", "Apache-2.0", "MIT")
    assert len(case.about["commit"]) == 40
