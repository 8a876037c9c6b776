"""docs/reference/ is what the code says: a page per command, the policy's keys, the keys of the JSON report, the formats."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from scalecheck import registry

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The script, which finds its own neighbours beside it."""
    sys.path.insert(0, str(ROOT / "docs"))
    spec = importlib.util.spec_from_file_location("generate_reference", ROOT / "docs" / "generate_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(ROOT / "docs"))
    return module


def test_pages_are_what_the_generator_writes(generator):
    wanted = generator.pages()
    stale = [path.relative_to(ROOT).as_posix() for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    assert stale == [], "run make docs"
    cli = ROOT / "docs" / "reference" / "cli"
    assert set(cli.glob("*.md")) == {path for path in wanted if path.parent == cli}, "a page is left of a command that is gone"


@pytest.mark.parametrize("name", registry.names("commands"))
def test_every_option_and_example_of_a_command_is_on_its_page(name):
    module, text = registry.load("commands", name), (ROOT / "docs" / "reference" / "cli" / f"{name}.md").read_text()
    options = [option for action in module.parser()._actions for option in action.option_strings if option not in ("-h", "--help")]
    assert [option for option in options if f"`{option}" not in text] == []
    assert all(example.split("  ")[0] in text for example in module.EXAMPLES)


def test_every_format_is_on_the_page_of_formats():
    text = (ROOT / "docs" / "reference" / "formats.md").read_text()
    assert [name for name in registry.names("formats") if f"`{name}`" not in text] == []
