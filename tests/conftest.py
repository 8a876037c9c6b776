"""Shared by all tests: a view over a plain dict."""

from __future__ import annotations

from typing import Any

import pytest

from scalecheck.extract import extract
from scalecheck.facts import Reading, Unreadable

PREFIX = "hydra.callbacks.scalecheck"


class DictView:
    """A ``facts.View`` over a nested dict; a value of ``"???"`` is unreadable."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self._read: set[str] = set()

    def get(self, key: str) -> Any:
        self._read.add(key)
        node: Any = self.config
        for step in key.split(".") if key else ():
            if not isinstance(node, dict) or step not in node:
                return None
            node = node[step]
        return Unreadable(reason="it is ???") if node == "???" else node

    def keys(self, key: str) -> tuple[str, ...]:
        node: Any = self.config
        for step in key.split(".") if key else ():
            node = node.get(step) if isinstance(node, dict) else None
        return tuple(str(name) for name in node) if isinstance(node, dict) else ()

    @property
    def read_keys(self) -> frozenset[str]:
        return frozenset(self._read)


@pytest.fixture
def view_of():
    return DictView


@pytest.fixture
def read():
    """``read(config, **mapping)`` is stage 1 on a dict."""

    def reading(
        config: dict[str, Any], *, environ: dict[str, str] | None = None, assume: dict[str, Any] | None = None, **mapping: Any
    ) -> Reading:
        return extract(DictView(config), mapping, assume or {}, environ or {}, PREFIX)

    return reading
