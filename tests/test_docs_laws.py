"""The page of the laws is what the generator makes of the law files."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_page_of_the_laws_is_fresh() -> None:
    spec = importlib.util.spec_from_file_location("generate_laws", ROOT / "docs" / "generate_laws.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page(), "make docs rewrites it"
