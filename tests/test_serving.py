"""The cheapest model over its life: training plus serving, at a given loss."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalecheck.errors import ScalecheckError
from scalecheck.forms import LossSurface
from scalecheck.laws.besiroglu2024 import LAW as BESIROGLU
from scalecheck.laws.hoffmann2022_a3 import LAW as HOFFMANN_A3
from scalecheck.serving import cheapest, implied_inference_tokens

LAWS = pytest.mark.parametrize("law", [BESIROGLU, HOFFMANN_A3], ids=lambda law: law.name)
VOLUMES = st.one_of(st.just(0.0), st.floats(6, 18).map(lambda exponent: 10**exponent))


@LAWS
@given(excess=st.floats(0.02, 1.5), volume=VOLUMES)
def test_cheapest_reaches_the_loss(law: LossSurface, excess: float, volume: float) -> None:
    best = cheapest(law, law.E + excess, volume)
    assert law.loss(best.params, best.tokens) - law.E == pytest.approx(excess, rel=1e-9)


@LAWS
@given(excess=st.floats(0.02, 1.5), volume=VOLUMES, shift=st.floats(0.5, 2))
def test_no_other_size_reaches_the_loss_for_less(law: LossSurface, excess: float, volume: float, shift: float) -> None:
    best = cheapest(law, law.E + excess, volume)
    params = best.params * shift
    rest = excess - law.A * params**-law.alpha
    if rest > 0:
        tokens = (law.B / rest) ** (1 / law.beta)
        assert 6 * params * tokens + 2 * params * volume >= best.flops * (1 - 1e-9)


@LAWS
def test_without_serving_it_is_the_training_optimum(law: LossSurface) -> None:
    optimum = law.optimum(1e22)
    best = cheapest(law, law.loss(optimum.params, optimum.tokens), 0)
    assert (best.params, best.tokens) == pytest.approx((optimum.params, optimum.tokens), rel=1e-6)
    assert best.training_flops == pytest.approx(1e22, rel=1e-6)
    assert best.inference_flops == 0


@LAWS
def test_more_serving_asks_for_fewer_parameters_and_more_tokens(law: LossSurface) -> None:
    few, many = (cheapest(law, 2.1, volume) for volume in (1e11, 1e14))
    assert many.params < few.params
    assert many.tokens > few.tokens
    assert many.inference_flops == pytest.approx(2 * many.params * 1e14)


@LAWS
@given(excess=st.floats(0.02, 1.5), exponent=st.floats(9, 16))
def test_implied_volume_undoes_cheapest(law: LossSurface, excess: float, exponent: float) -> None:
    best = cheapest(law, law.E + excess, 10**exponent)
    implied = implied_inference_tokens(law, best.params, best.tokens)
    assert implied is not None
    assert implied == pytest.approx(10**exponent, rel=1e-6, abs=1e-9 * best.tokens)


def test_llama3_8b_is_the_cheapest_for_about_190_trillion_served_tokens() -> None:
    assert implied_inference_tokens(BESIROGLU, 8.03e9, 15e12) == pytest.approx(190e12, rel=0.01)


def test_no_serving_volume_accounts_for_gpt3() -> None:
    assert implied_inference_tokens(BESIROGLU, 175e9, 300e9) is None


@LAWS
@pytest.mark.parametrize("multiple", [0.99, 0.1])
def test_no_serving_volume_accounts_for_too_few_tokens(law: LossSurface, multiple: float) -> None:
    assert implied_inference_tokens(law, 1e9, law.tokens_for_model(1e9) * multiple) is None


@pytest.mark.parametrize("loss", [BESIROGLU.E, 1.0, math.nan])
def test_loss_that_no_model_reaches_is_refused_by_name(loss: float) -> None:
    with pytest.raises(ScalecheckError, match=r"besiroglu2024: its irreducible loss is 1\.817"):
        cheapest(BESIROGLU, loss, 1e12)


@pytest.mark.parametrize("volume", [-1.0, math.nan, math.inf])
def test_inference_tokens_that_are_no_count_are_refused(volume: float) -> None:
    with pytest.raises(ScalecheckError, match="inference tokens"):
        cheapest(BESIROGLU, 2.0, volume)
