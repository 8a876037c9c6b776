"""Tests that need torch and transformers: ``make test-torch`` installs them and runs these."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalecheck import instantiate

USERCODE = Path(__file__).parent / "usercode"


@pytest.fixture(autouse=True)
def usercode(monkeypatch):
    """Put the user's code on Python's path, and let nothing be remembered from another test."""
    monkeypatch.syspath_prepend(str(USERCODE))
    monkeypatch.setattr(instantiate, "_counted", {})
    return USERCODE
