"""The folder is the registry: a file's name in a plural folder is its public name; nothing is listed twice."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

from scalecheck.errors import PolicyError, did_you_mean

_HERE = Path(__file__).parent


@cache
def names(folder: str) -> tuple[str, ...]:
    """Return the names in an open set such as ``"laws"`` or ``"dialects/models"``, sorted."""
    files = os.listdir(_HERE / folder)  # noqa: PTH208 - glob compiles a pattern for each folder
    return tuple(sorted(file.removesuffix(".py") for file in files if file.endswith(".py") and not file.startswith("_")))


@cache
def load(folder: str, name: str) -> ModuleType:
    """Import one member of an open set.

    Raises:
        PolicyError: no such file; names the nearest one.
    """
    if name not in names(folder):
        message = f"no '{name}' in scalecheck/{folder}/.{did_you_mean(name, names(folder))}"
        raise PolicyError(message)
    return importlib.import_module(f"scalecheck.{folder.replace('/', '.')}.{name}")


def load_all(folder: str) -> tuple[ModuleType, ...]:
    """Import every member of an open set, in the order of their names."""
    return tuple(load(folder, name) for name in names(folder))


@contextmanager
def no_modules_of_the_repo() -> Iterator[None]:
    """Let modules be imported from the environment, not from the working directory, which ``python -m`` puts before everything."""
    kept = sys.path
    own = _HERE.parent
    sys.path = [entry for entry in kept if entry and (Path(entry).resolve() != Path.cwd() or Path(entry).resolve() == own)]
    try:
        yield
    finally:
        sys.path = kept
