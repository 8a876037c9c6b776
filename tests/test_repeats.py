"""What repeated tokens are worth under Muennighoff et al. 2023, and where a constrained budget is best spent."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalecheck.facts import TrainingPlan
from scalecheck.laws.muennighoff2023 import LAW
from scalecheck.repeats import constrained_loss, constrained_optimum, effective_share, effective_tokens, unique_tokens

SCALED = st.floats(0, 4).map(lambda exponent: 10**exponent)


@pytest.mark.parametrize("tokens", [1.0, 5e8, 1e9])
def test_up_to_one_epoch_every_token_is_worth_itself(tokens: float) -> None:
    assert effective_tokens(1e9, tokens) == tokens


@pytest.mark.parametrize(("epochs", "share"), [(0.5, 1.0), (1, 1.0), (2, 0.9841), (4, 0.9314), (6, 0.8782), (8, 0.8280), (40, 0.3792)])
def test_share_of_a_repeated_token_falls_with_the_epochs(epochs: float, share: float) -> None:
    assert effective_share(epochs) == pytest.approx(share, abs=5e-5)


@given(epochs=SCALED)
def test_share_is_effective_tokens_over_tokens(epochs: float) -> None:
    assert effective_share(epochs) == pytest.approx(effective_tokens(3e9, 3e9 * epochs) / (3e9 * epochs), rel=1e-9)


@given(epochs=SCALED)
def test_no_number_of_epochs_is_worth_more_than_sixteen_and_a_bit(epochs: float) -> None:
    assert effective_tokens(1.0, epochs) <= 1 + 15.387756


@pytest.mark.parametrize("epochs", [1e6, 1e300])
def test_endless_repetition_is_worth_the_bound(epochs: float) -> None:
    assert effective_tokens(1.0, epochs) == pytest.approx(16.387756)


@given(flops=st.floats(18, 26).map(lambda exponent: 10**exponent))
def test_loss_of_one_epoch_at_the_optimum_is_the_laws_own(flops: float) -> None:
    optimum = LAW.optimum(flops)
    assert constrained_loss(optimum.params, optimum.tokens, optimum.tokens) == pytest.approx(
        LAW.loss(optimum.params, optimum.tokens), rel=1e-9
    )


def test_tokens_that_are_not_seen_do_not_help() -> None:
    too_large = 10 * LAW.params_for_tokens(2e10)
    assert constrained_loss(too_large, 2e10, 1e15) == constrained_loss(too_large, 2e10, 2e10) > LAW.loss(too_large, 2e10)


@pytest.mark.parametrize(("flops", "rise"), [(1e21, 0.0098), (1e22, 0.0070), (1e24, 0.0034)])
def test_four_epochs_instead_of_one_raise_the_loss_at_the_optimum(flops: float, rise: float) -> None:
    optimum = LAW.optimum(flops)
    repeated = constrained_loss(optimum.params, optimum.tokens, optimum.tokens / 4)
    assert repeated / LAW.loss(optimum.params, optimum.tokens) - 1 == pytest.approx(rise, abs=5e-5)


def test_parameters_beyond_what_the_unique_tokens_feed_help_less() -> None:
    enough = LAW.params_for_tokens(25e9)
    assert enough == pytest.approx(0.0509865 * 25e9, rel=1e-5)
    assert constrained_loss(enough * 0.9, 100e9, 25e9) < LAW.loss(enough * 0.9, 100e9) * 1.02
    assert constrained_loss(enough * 50, 100e9, 25e9) > LAW.loss(enough * 50, 100e9) * 1.02


def test_optimum_is_the_laws_own_where_the_data_suffice() -> None:
    assert constrained_optimum(1e22, 1e13) == LAW.optimum(1e22)


@given(flops=st.floats(18, 26).map(lambda exponent: 10**exponent), shortage=SCALED, shift=st.floats(0.02, 50))
def test_no_split_of_the_budget_has_a_lower_constrained_loss(flops: float, shortage: float, shift: float) -> None:
    unique = LAW.optimum(flops).tokens / shortage
    best = constrained_optimum(flops, unique)
    assert 6 * best.params * best.tokens == pytest.approx(flops, rel=1e-9)
    other = constrained_loss(best.params * shift, best.tokens / shift, unique)
    assert other >= constrained_loss(best.params, best.tokens, unique) * (1 - 1e-12)


@given(flops=st.floats(18, 26).map(lambda exponent: 10**exponent), shortage=st.floats(1.01, 100))
def test_shortage_of_data_shifts_the_optimum_to_more_parameters_or_more_epochs(flops: float, shortage: float) -> None:
    free = LAW.optimum(flops)
    unique = free.tokens / shortage
    best = constrained_optimum(flops, unique)
    assert unique < best.tokens < flops / 6 / LAW.params_for_tokens(unique)


@pytest.mark.parametrize(("flops", "unique"), [(1e26, 1e3), (1e60, 1e9), (1e18, 1e300)])
def test_extreme_shortage_still_has_a_finite_optimum(flops: float, unique: float) -> None:
    best = constrained_optimum(flops, unique)
    assert math.isfinite(best.params)
    assert math.isfinite(best.tokens)
    assert 6 * best.params * best.tokens == pytest.approx(flops, rel=1e-9)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({"unique_tokens": 300, "training_tokens": 1000, "epochs": 2.0}, 300),
        ({"training_tokens": 1000, "epochs": 4.0}, 250),
        ({"training_tokens": 1000}, None),
        ({"training_tokens": 1000, "epochs": 4.0, "tokens_status": "per_device"}, None),
        ({"training_tokens": 10**400, "epochs": 4.0}, None),
        ({"unique_tokens": 10**400}, None),
    ],
)
def test_what_the_data_hold_is_told_or_follows_from_epochs(plan, expected):
    assert unique_tokens(TrainingPlan(**plan)) == expected
