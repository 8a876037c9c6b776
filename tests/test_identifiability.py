from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scalecheck.bootstrap import Bootstrap, bootstrap
from scalecheck.fitting import Observations, SurfaceFit, fit_surface
from scalecheck.identifiability import Identifiability, condition_number, design_problems, identifiability

SIZES, LENGTHS = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e7, 1e10, 6), np.geomspace(1e9, 1e12, 6)))


def runs(params: np.ndarray, tokens: np.ndarray, noise: float = 1e-3) -> Observations:
    loss = 1.8 + 400 * params**-0.34 + 1500 * tokens**-0.36
    return Observations(params=params, tokens=tokens, loss=loss * np.exp(noise * np.random.default_rng(0).standard_normal(len(params))))


GOOD = runs(SIZES, LENGTHS)
FIT = fit_surface(GOOD)
DRAWN = bootstrap(GOOD, FIT, resamples=60, seed=0)


def judged(observations: Observations) -> Identifiability:
    fit: SurfaceFit = fit_surface(observations)
    return identifiability(observations, fit, bootstrap(observations, fit, resamples=40, seed=0))


def test_wide_grid_of_runs_identifies():
    verdict = identifiability(GOOD, FIT, DRAWN)
    assert verdict.is_identified, verdict.sentences
    assert verdict.sentences[0] == "The runs identify alpha and beta."
    assert any("optimal tokens per parameter" in sentence for sentence in verdict.sentences)
    assert design_problems(GOOD) == ()


def test_equal_tokens_per_parameter_are_not_separable():
    sizes = np.geomspace(1e7, 1e10, 20)
    observations = runs(sizes, 20 * sizes)
    assert any("same tokens per parameter (20)" in sentence and "not separable" in sentence for sentence in design_problems(observations))
    assert not judged(observations).is_identified


@pytest.mark.parametrize(
    ("params", "tokens", "said"),
    [
        (np.full(8, 1e9), np.geomspace(1e9, 1e12, 8), "There is 1 model size; alpha needs at least 3"),
        (np.geomspace(1e7, 1e10, 8), np.full(8, 1e11), "There is 1 token count; beta needs at least 3"),
        (np.geomspace(1e7, 1e10, 4), np.geomspace(1e9, 1e11, 4), "There are 4 distinct runs; five coefficients need at least 6."),
    ],
)
def test_what_the_design_lacks_is_said(params, tokens, said):
    assert any(said in sentence for sentence in design_problems(runs(params, tokens)))


def test_noise_that_hides_the_exponents_is_not_identified():
    verdict = judged(runs(SIZES[SIZES < 3e7], LENGTHS[SIZES < 3e7] ** 0.2 * 1e8, noise=0.05))
    assert not verdict.is_identified


def test_wide_interval_of_an_exponent_counts_against():
    wide = DRAWN.log_coefficients.copy()
    wide[::2, 3] *= 3
    verdict = identifiability(GOOD, FIT, Bootstrap(log_coefficients=wide))
    assert not verdict.is_identified
    assert any(sentence.startswith("alpha is") and "wider than a factor of 2" in sentence for sentence in verdict.sentences)


@pytest.mark.parametrize(
    ("edge", "said", "is_identified"),
    [("alpha", "put alpha at the edge", False), ("A", "do not fall with N", False), ("E", "no irreducible loss", True)],
)
def test_coefficient_at_the_edge_is_said(edge, said, is_identified):
    verdict = identifiability(GOOD, replace(FIT, at_edge=(edge,)), DRAWN)
    assert any(said in sentence for sentence in verdict.sentences)
    assert verdict.is_identified is is_identified


def test_condition_number_grows_as_the_design_collapses():
    sizes = np.geomspace(1e7, 1e10, 36)
    narrow = runs(sizes, 20 * sizes * np.where(np.arange(36) % 2, 1.0, 1.1))
    assert condition_number(narrow, FIT) > 10 * condition_number(GOOD, FIT)


def test_one_run_is_told_of_in_the_singular_and_without_its_ratio():
    said = design_problems(runs(np.array([1e8]), np.array([1e9])))
    assert said[0] == "There is 1 distinct run; five coefficients need at least 6."
    assert not any("tokens per parameter" in sentence for sentence in said)


def test_edge_gives_no_interval_without_width():
    stuck = Observations(params=GOOD.params, tokens=GOOD.tokens, loss=np.full(len(GOOD), 3.0))
    assert not any("interval" in sentence for sentence in judged(stuck).sentences)
