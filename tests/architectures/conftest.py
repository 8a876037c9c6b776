"""Shared by tests of families that have a ``SMALL`` config: counting it with changes, or hearing why it is refused."""

from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.config_file import read_config
from scalecheck.facts import Workload


@pytest.fixture
def account(request):
    """``account(tokens, attention, **changes)`` counts the test's own ``SMALL`` config with these keys changed."""

    def counted(tokens=8, attention="full", **changes):
        reading = read_config(request.module.SMALL | changes)
        assert reading.shape is not None, (reading.unknowns, reading.impossible)
        return totals(ledger(reading.shape, Workload(sequence_length=tokens, attention=attention)))

    return counted


@pytest.fixture
def refusal(request):
    """``refusal(**changes)`` is the sentence that refuses the test's own ``SMALL`` config with these keys changed."""

    def refused(**changes):
        reading = read_config(request.module.SMALL | changes)
        assert reading.shape is None
        return reading.impossible[0].reason

    return refused
