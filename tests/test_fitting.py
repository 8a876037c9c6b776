from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from scalecheck import descent
from scalecheck.errors import ScalecheckError
from scalecheck.fitting import Observations, centre, finish, fit_surface, predict, problem_of, refine

HERE = Path(__file__).parent
GOLDEN = [row for row in json.loads((HERE / "golden_laws/golden.json").read_text())["rows"] if row["id"].startswith("sardana_table1_fit")]
NAMES = ("A", "B", "E", "alpha", "beta")


def sardana(largest_ratio: float) -> Observations:
    with (HERE / "data/sardana.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if float(row["Tokens/Params"]) <= largest_ratio]
    names = {"params": "Parameters", "tokens": "Tokens", "loss": "Smoothed Loss"}
    return Observations(**{key: np.array([float(row[column]) for row in rows]) for key, column in names.items()})


def surface(seed: int, num_runs: int = 60, noise: float = 0.0) -> tuple[Observations, dict[str, float]]:
    random = np.random.default_rng(seed)
    params = 10 ** random.uniform(7, 10.5, num_runs)
    tokens = params * 10 ** random.uniform(0, 2.5, num_runs)
    truth = {
        "A": float(np.exp(random.uniform(4, 7))),
        "B": float(np.exp(random.uniform(5, 8))),
        "E": random.uniform(1, 2.2),
        "alpha": random.uniform(0.2, 0.6),
        "beta": random.uniform(0.2, 0.6),
    }
    loss = truth["E"] + truth["A"] * params ** -truth["alpha"] + truth["B"] * tokens ** -truth["beta"]
    return Observations(params=params, tokens=tokens, loss=loss * np.exp(noise * random.standard_t(4, num_runs))), truth


def objective_at(observations: Observations, coefficients: dict[str, float]) -> float:
    """Hoffmann et al. 2022, Eq. 3, written out by hand."""
    c = coefficients
    loss = c["E"] + c["A"] * observations.params ** -c["alpha"] + c["B"] * observations.tokens ** -c["beta"]
    off = np.abs(np.log(loss) - np.log(observations.loss))
    return float(np.where(off <= 1e-3, off**2 / 2, 1e-3 * (off - 5e-4)).sum())


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row["id"])
def test_published_cut_is_reproduced_at_an_objective_no_higher(row):
    observations = sardana(float(row["id"].rsplit("_", 1)[1]))
    fit = fit_surface(observations)
    for name in NAMES:
        assert getattr(fit, name) == pytest.approx(row["published"][name], rel=row["tolerance_rel"]), name
    assert fit.objective <= objective_at(observations, row["published"])
    assert fit.objective <= objective_at(observations, row["recomputed"])


@pytest.mark.parametrize("row", [row for row in GOLDEN if not row["id"].endswith("_100")], ids=lambda row: row["id"])
def test_recomputed_digits_are_reproduced(row):
    """The cut at 100 is left out: its optimum is flat and the digits there were rounded off beside it."""
    fit = fit_surface(sardana(float(row["id"].rsplit("_", 1)[1])))
    for name in NAMES:
        assert getattr(fit, name) == pytest.approx(row["recomputed"][name], rel=1e-3), name


def test_golden_rows_are_there():
    assert len(GOLDEN) == 3


@pytest.mark.parametrize("seed", range(30))
def test_noise_free_surface_is_recovered(seed):
    observations, truth = surface(seed)
    fit = fit_surface(observations)
    for name in NAMES:
        assert getattr(fit, name) == pytest.approx(truth[name], rel=1e-4), name


def test_surface_without_constant_is_recovered_and_said():
    observations, truth = surface(3)
    loss = observations.loss - truth["E"]
    fit = fit_surface(Observations(params=observations.params, tokens=observations.tokens, loss=loss))
    assert "E" in fit.at_edge
    assert pytest.approx(truth["alpha"], rel=1e-3) == fit.alpha
    assert 1e-5 * loss.min() > fit.E


@pytest.mark.parametrize("observations", [sardana(100), sardana(1e4), surface(1, 240, 0.01)[0]], ids=["cut_100", "all", "noisy_240"])
def test_order_of_the_rows_changes_nothing(observations):
    fit = fit_surface(observations)
    for seed in range(3):
        shuffled = fit_surface(observations.take(np.random.default_rng(seed).permutation(len(observations))))
        for name in (*NAMES, "objective"):
            assert getattr(shuffled, name) == pytest.approx(getattr(fit, name), rel=1e-10)


@pytest.mark.parametrize("observations", [sardana(100), sardana(250), sardana(1e4), surface(2, 240, 0.01)[0]], ids=range(4))
def test_no_random_restart_finds_less(observations):
    fit = fit_surface(observations)
    assert fit.gradient_norm < 1e-12
    problem, random = problem_of(observations), np.random.default_rng(0)
    starts = np.column_stack(
        [random.uniform(-4, 4, 200), random.uniform(-4, 4, 200), random.uniform(-8, 1, 200), random.uniform(0.01, 2, (200, 2))]
    )
    ends = finish(problem, refine(problem, starts, 1e-3, problem.weights).theta, 1e-3, problem.weights)
    assert ends.value.min() >= fit.objective * (1 - 1e-9)


def test_objective_is_the_sum_over_the_runs():
    observations, _ = surface(4, 40, 0.02)
    fit = fit_surface(observations)
    assert fit.objective == pytest.approx(objective_at(observations, {name: getattr(fit, name) for name in NAMES}), rel=1e-9)
    doubled = observations.take(np.repeat(np.arange(40), 2))
    assert fit_surface(doubled).objective == pytest.approx(2 * fit.objective, rel=1e-9)


def test_weight_of_two_is_the_row_twice():
    observations, _ = surface(5, 40, 0.02)
    counts = np.random.default_rng(0).integers(1, 4, 40)
    weighted = Observations(params=observations.params, tokens=observations.tokens, loss=observations.loss, weights=counts.astype(float))
    repeated = fit_surface(observations.take(np.repeat(np.arange(40), counts)))
    for name in NAMES:
        assert getattr(fit_surface(weighted), name) == pytest.approx(getattr(repeated, name), rel=1e-6)


def test_prediction_is_the_surface():
    observations, _ = surface(6)
    assert predict(fit_surface(observations), observations.params, observations.tokens) == pytest.approx(observations.loss, rel=1e-9)


@pytest.mark.parametrize("exact", [False, True])
def test_gradient_is_that_of_the_objective(exact):
    observations, truth = surface(7, 30, 0.05)
    problem = problem_of(observations)
    theta = centre(problem, np.array([[np.log(truth["A"]), np.log(truth["B"]), np.log(truth["E"]), truth["alpha"], truth["beta"]]]))
    state = descent.evaluate(problem, theta, problem.weights, descent.Method(delta=1.0, exact=exact, max_steps=1))
    for index in range(5):
        step = np.eye(5)[index] * 1e-5
        up, down = (
            descent.evaluate(problem, theta + sign * step, problem.weights, descent.Method(delta=1.0, exact=exact, max_steps=1))
            for sign in (1, -1)
        )
        assert (up.value - down.value) / 2e-5 == pytest.approx(state.gradient[:, index], rel=1e-5, abs=1e-9)
        if exact:
            assert (up.gradient - down.gradient)[0] / 2e-5 == pytest.approx(state.curvature[0, index], rel=1e-5, abs=1e-7)


def test_too_few_distinct_runs_are_refused():
    observations, _ = surface(8, 5)
    with pytest.raises(ScalecheckError, match="5 distinct pairs .* at least 6"):
        fit_surface(observations.take(np.repeat(np.arange(5), 3)))


@pytest.mark.parametrize(("column", "value"), [("loss", float("nan")), ("loss", -1.0), ("tokens", 0.0), ("params", float("inf"))])
def test_value_without_logarithm_is_refused_with_its_row(column, value):
    columns = {"params": np.array([1e8, 2e8]), "tokens": np.array([1e9, 2e9]), "loss": np.array([3.0, 2.9])}
    columns[column][1] = value
    with pytest.raises(ScalecheckError, match=f"Column {column} has .* in row 2"):
        Observations(**columns)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ScalecheckError, match="Column loss has shape"):
        Observations(params=np.ones(3), tokens=np.ones(3), loss=np.ones(2))
