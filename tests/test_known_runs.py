"""The well-known runs: facts that can be checked against each other, each with its source."""

from __future__ import annotations

import csv
from collections import Counter
from importlib.resources import files

import pytest

from scalecheck.known_runs import known_runs

RUNS = {run.model: run for run in known_runs()}


@pytest.mark.parametrize(
    ("model", "active", "tokens"),
    [
        ("Chinchilla 70B", 70e9, 1.4e12),  # Hoffmann et al. 2022, arXiv 2203.15556, Table 4
        ("Gopher 280B", 280e9, 300e9),  # ibid., Table 1
        ("GPT-3 175B", 175e9, 300e9),  # Brown et al. 2020, arXiv 2005.14165, Table 2.1
        ("Llama-3.1-405B", 405e9, 15.6e12),  # Grattafiori et al. 2024, arXiv 2407.21783, Sec. 1
        ("DeepSeek-V3", 37e9, 14.8e12),  # arXiv 2412.19437, abstract
    ],
)
def test_figures_are_those_of_the_papers(model, active, tokens):
    assert (RUNS[model].active_params, RUNS[model].training_tokens) == (active, tokens)


def test_every_run_has_a_source_and_no_more_active_than_total_parameters():
    assert len(RUNS) > 40
    assert all(run.source and run.active_params <= run.total_params for run in RUNS.values())
    assert all((run.active_params < run.total_params) is (kind == "moe") for run, kind in zip(file_order(), kinds(), strict=True))


def file_order():
    return [RUNS[row["model"]] for row in rows()]


def kinds():
    return [row["kind"] for row in rows()]


def rows():
    return list(csv.DictReader(files("scalecheck").joinpath("data/runs.csv").read_text(encoding="utf-8").splitlines()))


def test_published_flops_are_of_the_order_of_6nd():
    """Conventions differ by recomputation and by estimates from hardware; a slip of a decimal would not pass."""
    ratios = {
        name: run.published_training_flops / (6 * run.active_params * run.training_tokens)
        for name, run in RUNS.items()
        if run.published_training_flops
    }
    assert len(ratios) > 15
    assert {name: ratio for name, ratio in ratios.items() if not 0.5 < ratio < 2} == {}


def test_no_run_is_there_twice_and_landmarks_come_first():
    assert max(Counter(row["model"] for row in rows()).values()) == 1
    marks = [run.is_landmark for run in known_runs()]
    assert marks == sorted(marks, reverse=True)
    assert 8 <= sum(marks) <= 25
