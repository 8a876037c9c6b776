"""docs/reading.md is what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from scalecheck import registry

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_reading", ROOT / "docs" / "generate_reading.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_is_what_the_generator_writes(generator):
    assert generator.PAGE.read_text() == generator.page(), "docs/reading.md is stale: run make docs"


@pytest.mark.parametrize("folder", ["dialects/models", "dialects/schedules"])
def test_every_dialect_is_in_the_page(generator, folder):
    text = generator.PAGE.read_text()
    assert all(f"| {name} | " in text for name in registry.names(folder))


def test_cases_are_explained_with_file_and_line(generator):
    text = generator.PAGE.read_text()
    assert text.count("scalecheck explain all") == 3
    assert "conf/configs/tiny/OLMo-20M.yaml:80" in text
