"""What the laws make of 65 published runs: under-trained, near the optimum or over-trained, by a multiple of a third and of three."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import cast

import pytest

from scalecheck import registry, repeats
from scalecheck.facts import Account
from scalecheck.forms import Law
from scalecheck.laws.besiroglu2024 import LAW as BESIROGLU
from scalecheck.laws.hoffmann2022_a3 import LAW as HOFFMANN_A3
from scalecheck.outlook import outlooks

Row = dict[str, str]
COLUMNS = {
    "kaplan2020": "kaplan2020_tab6",
    "hoffmann2022_a1": "hoffmann2022_A1_tab3",
    "hoffmann2022_a3": "hoffmann2022_A3_tex",
    "besiroglu2024": "besiroglu2024",
    "muennighoff2023": "muennighoff2023_c4",
    "deepseek2024": "deepseek2024",
    "llama3_2024": "llama3_fig3",
    "porian2024": "porian2024_rw_tuned",
}
SEVEN = tuple(law for law in COLUMNS if law != "kaplan2020")
# Laws whose N is what a run's published size is; of the others an account without its parts does not tell N.
BY_TOTAL = ("hoffmann2022_a1", "hoffmann2022_a3", "besiroglu2024", "muennighoff2023", "llama3_2024")
with (Path(__file__).parent / "runs.csv").open(encoding="utf-8") as file:
    ROWS = list(csv.DictReader(file))
TOLD = [row for row in ROWS if row["N_active"] and row["D_trained"]]
UNTOLD = [row for row in ROWS if row not in TOLD]


def counts(row: Row) -> tuple[float, float]:
    return float(row["N_active"]), float(row["D_trained"])


def multiple(row: Row, law: str) -> float:
    params, tokens = counts(row)
    optimum = cast(Law, registry.load("laws", law).LAW).optimum(6 * params * tokens)
    return tokens / params / optimum.tokens_per_parameter


def verdict(row: Row, law: str) -> str:
    ratio = multiple(row, law)
    return "under" if ratio < 1 / 3 else "over" if ratio > 3 else "near"


def account(row: Row) -> Account:
    params = int(float(row["N_active"])) if row["N_active"] else None
    tokens = int(float(row["D_trained"])) if row["D_trained"] else None
    ratio = tokens / params if params and tokens else None
    return Account(total_params=params, active_params=params, training_tokens=tokens, tokens_per_parameter=ratio)


def run(model: str) -> Row:
    return next(row for row in ROWS if row["model"] == model)


@pytest.mark.parametrize("law", COLUMNS)
@pytest.mark.parametrize("row", TOLD, ids=lambda row: row["model"])
def test_multiple_and_verdict_are_those_of_the_table(row: Row, law: str) -> None:
    assert multiple(row, law) == pytest.approx(float(row[f"x_{COLUMNS[law]}"]), rel=1e-3)
    assert verdict(row, law) == row[f"v_{COLUMNS[law]}"]


@pytest.mark.parametrize("row", TOLD, ids=lambda row: row["model"])
def test_outlook_of_the_run_has_the_same_multiple(row: Row) -> None:
    views = outlooks(account(row), BY_TOTAL)
    assert {law: view.multiple for law, view in views.items()} == pytest.approx({law: multiple(row, law) for law in BY_TOTAL}, rel=1e-9)


@pytest.mark.parametrize("model", ["GPT-3 175B", "Gopher 280B", "MT-NLG 530B"])
def test_giants_of_2020_and_2021_are_under_trained_by_all_seven_laws(model: str) -> None:
    assert {verdict(run(model), law) for law in SEVEN} == {"under"}


def test_chinchilla_is_near_the_optimum_by_all_seven_laws() -> None:
    assert {verdict(run("Chinchilla 70B"), law) for law in SEVEN} == {"near"}


def test_llama3_8b_is_over_trained_by_all_seven_laws() -> None:
    # Model card: 8.03B parameters, 15T tokens.
    assert {verdict({"N_active": "8.03e9", "D_trained": "15e12"}, law) for law in SEVEN} == {"over"}


def test_no_run_is_under_trained_by_one_of_the_seven_and_over_trained_by_another() -> None:
    verdicts = [{verdict(row, law) for law in SEVEN} for row in TOLD]
    assert not [found for found in verdicts if {"under", "over"} <= found]
    assert 0 < sum(len(found) > 1 for found in verdicts) < len(TOLD) / 4


def test_nearly_every_run_is_over_trained_by_kaplans_law() -> None:
    assert [row["model"] for row in TOLD if verdict(row, "kaplan2020") != "over"] == ["Cerebras-GPT-111M"]


@pytest.mark.parametrize("row", UNTOLD, ids=lambda row: row["model"])
def test_run_without_its_tokens_or_its_active_parameters_has_no_outlook(row: Row) -> None:
    assert outlooks(account(row), tuple(COLUMNS)) == {}


def test_runs_without_an_outlook_are_the_two_that_published_too_little() -> None:
    assert [row["model"] for row in UNTOLD] == ["Mistral-7B", "Switch-C"]
    assert len(TOLD) == 63


@pytest.mark.parametrize(("column", "law"), [("besiroglu_compute_eff", BESIROGLU), ("hoffmann_tex_compute_eff", HOFFMANN_A3)])
@pytest.mark.parametrize("row", TOLD, ids=lambda row: row["model"])
def test_compute_that_the_same_loss_needs_is_that_of_the_table(row: Row, column: str, law: Law) -> None:
    wasted = law.wasted_compute(*counts(row))
    assert wasted is not None
    assert 1 - wasted == pytest.approx(float(row[column]), rel=1e-4)


@pytest.mark.parametrize("row", [row for row in TOLD if row["muennighoff_Deff_over_D"]], ids=lambda row: row["model"])
def test_effective_share_of_repeated_data_is_that_of_the_table(row: Row) -> None:
    assert repeats.effective_share(float(row["epochs"])) == pytest.approx(float(row["muennighoff_Deff_over_D"]), rel=1e-4)
