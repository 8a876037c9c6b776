"""Every golden row that a shipped law can answer, held to the row's own tolerance."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scalecheck.facts import Account
from scalecheck.forms import Allocation, LossSurface
from scalecheck.laws.besiroglu2024 import LAW as BESIROGLU
from scalecheck.laws.hoffmann2022_a1 import LAW as HOFFMANN_A1
from scalecheck.outlook import outlooks

Row = dict[str, Any]
ROWS: list[Row] = json.loads((Path(__file__).parent / "golden.json").read_text())["rows"]
NOTEBOOK = replace(BESIROGLU, E=1.81686, A=482.00572, B=2085.4342, alpha=0.34781302903942635, beta=0.3658541172951044)
REFIT = replace(
    BESIROGLU, E=1.817218099010084, A=477.8258682339728, B=2143.4173633602672, alpha=0.34731049888176313, beta=0.36717243262775767
)


def optimum_of(law: Allocation | LossSurface) -> Callable[[Row], dict[str, float]]:
    def answer(row: Row) -> dict[str, float]:
        optimum = law.optimum(row["inputs"]["C"])
        return {"N": optimum.params, "D": optimum.tokens, "tokens_per_param": optimum.tokens_per_parameter}

    return answer


def params_exponent(_: Row) -> dict[str, float]:
    return {"a": BESIROGLU.params_exponent}


def law_flops(row: Row) -> dict[str, float]:
    params, tokens = int(row["inputs"]["N"]), int(row["inputs"]["D"])
    account = Account(total_params=params, training_tokens=tokens, tokens_per_parameter=tokens / params)
    return {"C": outlooks(account, ["hoffmann2022_a1"])["hoffmann2022_a1"].law_flops}


def efficiency(row: Row) -> dict[str, float]:
    optimum = BESIROGLU.optimum(1e21)
    shift = row["inputs"]["DN_multiple"] ** 0.5
    return {"besiroglu": 1 - BESIROGLU.wasted_compute(optimum.params / shift, optimum.tokens * shift)}


BY_LAW = {
    "hoffmann2022_a1": optimum_of(HOFFMANN_A1),
    "besiroglu2024:published": optimum_of(BESIROGLU),
    "besiroglu2024:notebook": optimum_of(NOTEBOOK),
    "besiroglu2024:our_optimum": optimum_of(REFIT),
    "besiroglu2024": params_exponent,
    "identity C=6ND": law_flops,
    "identity": law_flops,
    "chinchilla form": efficiency,
}
BY_ID = {"hoffmann_gopher_budget_A1": optimum_of(HOFFMANN_A1)}
ANSWERED = [row for row in ROWS if row["tolerance_rel"] is not None and (row["law"] in BY_LAW or row["id"] in BY_ID)]


@pytest.mark.parametrize("row", ANSWERED, ids=lambda row: row["id"])
def test_row_is_reproduced(row: Row) -> None:
    answer = (BY_ID.get(row["id"]) or BY_LAW[row["law"]])(row)
    expected = {name: value for name, value in (row["published"] or row["recomputed"]).items() if name in answer}
    assert expected
    assert {name: answer[name] for name in expected} == pytest.approx(expected, rel=row["tolerance_rel"])


@pytest.mark.parametrize("row", ANSWERED, ids=lambda row: row["id"])
def test_row_agrees_with_its_independent_recomputation(row: Row) -> None:
    answer = (BY_ID.get(row["id"]) or BY_LAW[row["law"]])(row)
    expected = {name: value for name, value in row["recomputed"].items() if name in answer}
    assert expected
    assert {name: answer[name] for name in expected} == pytest.approx(expected, rel=1e-6)


def test_no_row_of_these_laws_is_left_out() -> None:
    covered = Counter(row["law"] for row in ANSWERED)
    assert covered == {
        "hoffmann2022_a1": 8,
        "hoffmann2022": 1,
        "besiroglu2024:published": 1,
        "besiroglu2024:notebook": 1,
        "besiroglu2024:our_optimum": 1,
        "besiroglu2024": 1,
        "identity C=6ND": 6,
        "identity": 1,
        "chinchilla form": 6,
    }
    assert len(ROWS) == 99
