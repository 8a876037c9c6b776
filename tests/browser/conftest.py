"""One Chromium for each worker, and the documents that it opens, each made once."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _beside(name: str) -> ModuleType:
    """Return a module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(f"scalecheck_browser_{name}", Path(__file__).parent / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


harness, documents = _beside("harness"), _beside("documents")
VIEWS = [pytest.param((screen, scheme), id=f"{screen.name}-{scheme}") for screen in harness.SCREENS for scheme in harness.SCHEMES]


def pytest_collection_modifyitems(items):
    """Everything here opens a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """The tab that all tests of a worker use. Without a browser they are skipped, or fail where SCALECHECK_BROWSER=required."""
    if missing := harness.missing():
        (pytest.fail if os.environ.get("SCALECHECK_BROWSER") == "required" else pytest.skip)(missing)
    with harness.started(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """``pages(name)``: the file of a document, made by the command that a user types."""
    made = {}

    def page(name):
        if name not in made:
            made[name] = documents.PAGES[name](tmp_path_factory.mktemp(name))
        return made[name]

    return page


@pytest.fixture(scope="session")
def made():
    """Return the module that makes documents."""
    return documents


@pytest.fixture(scope="module", params=VIEWS)
def view(request):
    """A screen and a colour scheme."""
    return request.param


@pytest.fixture(scope="session", params=harness.SCREENS, ids=lambda screen: screen.name)
def screen(request):
    """A screen."""
    return request.param


@pytest.fixture
def phone():
    return harness.PHONE


@pytest.fixture
def desktop():
    return harness.DESKTOP
