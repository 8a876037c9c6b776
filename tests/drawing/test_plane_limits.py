"""From where to where the plane goes: everything on it lies inside with room, the optimum too, and no bound is zero or infinite."""

from __future__ import annotations

import math

import pytest

from scalecheck.drawing.plane_limits import limits
from scalecheck.drawing.plane_scene import PlanePoint
from scalecheck.laws import besiroglu2024

LAW = besiroglu2024.LAW


def point(params, tokens):
    return PlanePoint(params=params, tokens=tokens, role="pass")


class Failing:
    """A law that has no answer to anything."""

    def optimum(self, _):
        raise OverflowError

    tokens_for_model = params_for_tokens = optimum


@pytest.mark.parametrize("place", [(1e9, 2e10), (35_700, 41_000), (1e11, 1e7), (1e13, 1e15)])
def test_a_run_and_its_optimum_lie_inside_with_most_of_a_decade_around(place):
    (x_low, x_high), (y_low, y_high) = limits([point(*place)], LAW)
    best = LAW.optimum(6 * place[0] * place[1])
    for params, tokens in (place, (best.params, best.tokens)):
        assert 7.9 * x_low <= params <= x_high / 7.9
        assert 7.9 * y_low <= tokens <= y_high / 7.9


def test_no_plane_is_narrower_than_four_decades():
    for low, high in limits([point(1e9, 2e10)], None):
        assert math.log10(high / low) == pytest.approx(4)


def test_what_is_unknown_of_all_is_laid_around_what_the_law_would_pair_with_it():
    _, (low, high) = limits([point(1e9, None)], LAW)
    assert math.sqrt(low * high) == pytest.approx(LAW.tokens_for_model(1e9))
    (low, high), _ = limits([point(None, 1e10)], LAW)
    assert math.sqrt(low * high) == pytest.approx(LAW.params_for_tokens(1e10))


@pytest.mark.parametrize("law", [None, Failing()], ids=["no law", "a law that fails"])
def test_where_no_law_tells_it_is_laid_around_twenty_tokens_each(law):
    _, (low, high) = limits([point(1e9, None)], law)
    assert math.sqrt(low * high) == pytest.approx(20e9)
    (low, high), _ = limits([point(None, 1e10), point(None, 1e10)], law)
    assert math.sqrt(low * high) == pytest.approx(5e8)
    assert all(0 < low < high < math.inf for low, high in limits([point(1e9, 2e10)], law))
