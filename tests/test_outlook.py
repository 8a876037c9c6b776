from __future__ import annotations

import math
from dataclasses import fields, replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalecheck import registry
from scalecheck.errors import PolicyError
from scalecheck.facts import Account, Outlook
from scalecheck.forms import Allocation, FittedRange, ParamsConvention
from scalecheck.laws.hoffmann2022_a1 import LAW as HOFFMANN_A1
from scalecheck.outlook import is_bound, outlooks

BOTH = ("hoffmann2022_a1", "besiroglu2024")


def account(params: int | None, tokens: int | None) -> Account:
    ratio = tokens / params if params and tokens and max(params, tokens) < 10**300 else 1.0
    return Account(total_params=params, training_tokens=tokens, tokens_per_parameter=ratio)


CHINCHILLA = account(70_000_000_000, 1_400_000_000_000)


# Parameters and tokens as the papers state them; the multiples were worked out once in a spreadsheet of real runs.
@pytest.mark.parametrize(
    ("params", "tokens", "hoffmann", "besiroglu"),
    [
        (175_000_000_000, 300_000_000_000, 0.0823271, 0.0918038),
        (280_000_000_000, 300_000_000_000, 0.0513626, 0.0580616),
        (530_000_000_000, 270_000_000_000, 0.024372, 0.0279801),
        (70_000_000_000, 1_400_000_000_000, 0.958206, 1.08804),
        (13_000_000_000, 300_000_000_000, 1.11926, 1.15738),
    ],
    ids=["gpt3", "gopher", "mt_nlg", "chinchilla", "gpt3_13b"],
)
def test_multiple_of_a_published_run(params: int, tokens: int, hoffmann: float, besiroglu: float) -> None:
    views = outlooks(account(params, tokens), BOTH)
    assert {name: view.multiple for name, view in views.items()} == pytest.approx(
        {"hoffmann2022_a1": hoffmann, "besiroglu2024": besiroglu}, rel=1e-5
    )


def test_llama3_8b_is_trained_two_orders_beyond_the_training_optimum() -> None:
    views = outlooks(account(8_030_261_248, 15_000_000_000_000), BOTH)
    assert [round(view.multiple) for view in views.values()] == [89, 102]


def test_outlook_of_chinchilla() -> None:
    view = outlooks(CHINCHILLA, BOTH)["besiroglu2024"]
    assert (view.law, view.params, view.params_convention) == ("besiroglu2024", 70_000_000_000, "total")
    assert view.law_flops == 5.88e23
    assert view.optimal_params == pytest.approx(73.0164e9, rel=1e-5)
    assert view.optimal_tokens == pytest.approx(1.342164e12, rel=1e-5)
    assert view.tokens_per_parameter == pytest.approx(18.38168, rel=1e-5)
    assert view.multiple == pytest.approx(20 / 18.38168, rel=1e-5)
    assert view.predicted_loss == pytest.approx(1.97388, abs=5e-6)
    assert view.loss_at_optimum == pytest.approx(1.97386, abs=5e-6)
    assert view.wasted_compute == pytest.approx(1 - 0.999365, abs=2e-5)
    assert view.interval == pytest.approx((10.2, 28.69), rel=0.2)
    assert view.extrapolated == pytest.approx(5.88e23 / 1.3e22)


def test_law_without_a_loss_says_nothing_about_loss() -> None:
    view = outlooks(CHINCHILLA, BOTH)["hoffmann2022_a1"]
    assert (view.predicted_loss, view.loss_at_optimum, view.wasted_compute, view.interval) == (None, None, None, None)


def test_run_at_the_optimum_has_multiple_one_and_wastes_nothing() -> None:
    law = registry.load("laws", "besiroglu2024").LAW
    optimum = law.optimum(1e21)
    view = outlooks(account(round(optimum.params), round(optimum.tokens)), ["besiroglu2024"])["besiroglu2024"]
    assert view.multiple == pytest.approx(1.0, abs=1e-8)
    assert view.wasted_compute == pytest.approx(0.0, abs=1e-9)
    assert view.tokens_for_this_model == pytest.approx(optimum.tokens, rel=1e-8)
    assert view.extrapolated == 1.0


def test_training_the_advised_tokens_makes_the_model_optimal() -> None:
    tokens = outlooks(account(124_439_808, 10**9), ["hoffmann2022_a1"])["hoffmann2022_a1"].tokens_for_this_model
    assert outlooks(account(124_439_808, round(tokens)), ["hoffmann2022_a1"])["hoffmann2022_a1"].multiple == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("params", "factor"), [(7_000_000, 10.0), (70_000_000, 1.0), (10_000_000_000, 1.0)])
def test_extrapolation_below_the_smallest_fitted_model(params: int, factor: float) -> None:
    view = outlooks(account(params, int(1e21 / 6 / params)), ["hoffmann2022_a1"])["hoffmann2022_a1"]
    assert view.extrapolated == pytest.approx(factor)


def test_tokens_per_parameter_alone_can_be_outside_the_fit() -> None:
    view = outlooks(account(100_000_000, 68_200_000_000), ["besiroglu2024"])["besiroglu2024"]
    assert view.extrapolated == pytest.approx(682 / 341)


DENSE = Account(
    total_params=800, active_params=800, non_embedding_params=500, active_non_embedding_params=500, training_tokens=6000,
    tokens_per_parameter=7.5,
)  # fmt: skip
SPARSE = replace(DENSE, active_params=300, active_non_embedding_params=200)


@pytest.mark.parametrize(
    ("run", "convention", "params", "told"),
    [
        (DENSE, "total", 800, "total"),
        (DENSE, "non_embedding", 500, "non_embedding"),
        (DENSE, "active", 800, "active"),
        (SPARSE, "total", 300, "active total"),
        (SPARSE, "non_embedding", 200, "active non_embedding"),
        (SPARSE, "active", 300, "active"),
    ],
)
def test_each_law_gets_its_own_params(
    monkeypatch: pytest.MonkeyPatch, run: Account, convention: ParamsConvention, params: int, told: str
) -> None:
    """Of a mixture of experts it is what a token meets: with its total, DeepSeek-V3 would look near-optimal."""
    law = replace(HOFFMANN_A1, params_convention=convention)
    monkeypatch.setattr(registry, "load", lambda folder, name: SimpleNamespace(LAW=law))
    view = outlooks(run, ["some_law"])["some_law"]
    assert (view.params, view.params_convention) == (params, told)
    assert view.law_flops == 6 * params * 6000
    assert view.multiple * view.tokens_per_parameter == pytest.approx(6000 / params)


def test_law_whose_params_are_unknown_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_non_embedding = SimpleNamespace(LAW=replace(HOFFMANN_A1, params_convention="non_embedding"))
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda folder, name: needs_non_embedding if name == "other" else load(folder, name))
    assert tuple(outlooks(CHINCHILLA, ("other", *BOTH))) == BOTH


def test_matmul_flops_of_the_account_do_not_move_the_law() -> None:
    counted = replace(CHINCHILLA, training_flops=10**25)
    assert outlooks(counted, BOTH) == outlooks(CHINCHILLA, BOTH)


@pytest.mark.parametrize(
    "unknown",
    [
        replace(CHINCHILLA, total_params=None),
        replace(CHINCHILLA, training_tokens=None),
        replace(CHINCHILLA, tokens_per_parameter=None),
        replace(CHINCHILLA, total_params=0),
        replace(CHINCHILLA, training_tokens=0),
        replace(CHINCHILLA, total_params=-70_000_000_000, training_tokens=-1_400_000_000_000),
    ],
    ids=["params", "tokens", "per_device_tokens", "no_params", "no_tokens", "negative"],
)
def test_nothing_is_said_about_an_unknown(unknown: Account) -> None:
    assert outlooks(unknown, BOTH) == {}


def test_unknown_vocabulary_leaves_a_lower_bound_of_the_model_and_an_upper_one_of_the_multiple() -> None:
    whole = outlooks(CHINCHILLA, BOTH)[BOTH[0]]
    rest = round(CHINCHILLA.total_params * 0.9)
    unknown = replace(CHINCHILLA, total_params=None, active_params=None, tokens_per_parameter=None, active_non_embedding_params=rest)
    bound = outlooks(unknown, BOTH)[BOTH[0]]
    assert is_bound(bound)
    assert not is_bound(whole)
    assert (bound.params, bound.params_convention) == (rest, "at least non_embedding")
    assert bound.multiple > whole.multiple


def test_laws_come_in_the_order_asked_for() -> None:
    assert tuple(outlooks(CHINCHILLA, BOTH[::-1])) == BOTH[::-1]


def test_unknown_law_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(PolicyError, match="Did you mean 'besiroglu2024'"):
        outlooks(CHINCHILLA, ["besiroglu2042"])


@pytest.mark.parametrize(
    ("params", "tokens"),
    [(10**301, 1), (1, 10**301), (10**200, 10**200), (10**5000, 10**5000)],
    ids=["params", "tokens", "flops", "everything"],
)
def test_counts_that_no_float_holds_are_unknown(params: int, tokens: int) -> None:
    assert outlooks(account(params, tokens), BOTH) == {}


@pytest.mark.parametrize(
    "law",
    [replace(HOFFMANN_A1, a=0.3), replace(HOFFMANN_A1, fitted_range=FittedRange(params=(1e-200, 1e-100)))],
    ids=["power_raises", "division_gives_infinity"],
)
def test_law_whose_answer_no_float_holds_is_left_out(monkeypatch: pytest.MonkeyPatch, law: Allocation) -> None:
    monkeypatch.setattr(registry, "load", lambda folder, name: SimpleNamespace(LAW=law))
    assert outlooks(account(10**290, 10**9), ["some_law"]) == {}


@pytest.mark.parametrize(("params", "tokens"), [(1, 1), (1, 10**30), (10**30, 1), (10**30, 10**30), (10**90, 10**60)])
def test_absurd_runs_are_compared_without_an_error(params: int, tokens: int) -> None:
    assert tuple(outlooks(account(params, tokens), BOTH)) == BOTH


@given(params=st.integers(1, 10**310), tokens=st.integers(1, 10**310))
def test_every_number_of_an_outlook_is_finite(params: int, tokens: int) -> None:
    for view in outlooks(account(params, tokens), BOTH).values():
        assert all(math.isfinite(number) for number in numbers(view))
        assert view.wasted_compute is None or 0 <= view.wasted_compute <= 1


@pytest.mark.parametrize("exponent", range(0, 300, 7))
def test_numbers_stay_finite_up_to_the_largest_count(exponent: int) -> None:
    for run in (account(10**exponent, 1), account(1, 10**exponent)):
        assert all(math.isfinite(number) for view in outlooks(run, BOTH).values() for number in numbers(view))


def numbers(view: Outlook) -> list[float]:
    values = [getattr(view, field.name) for field in fields(view)]
    return [number for value in values for number in (value if isinstance(value, tuple) else (value,)) if isinstance(number, float)]
