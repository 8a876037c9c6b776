"""The pictures of an open folder, in their order: each of its files has ``ORDER`` and ``picture(subject)``."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from scalecheck import registry
from scalecheck.drawing.scene import Picture, Table
from scalecheck.errors import ScalecheckError
from scalecheck.text import clean


def ordered(folder: str) -> list[ModuleType]:
    """Return the members of a folder of pictures in the order in which they are shown."""
    return sorted(registry.load_all(folder), key=lambda module: int(module.ORDER))


def pictures_of(folder: str, subject: Any) -> tuple[Picture, ...]:
    """Return every picture of a subject; one that fails is in its place, cannot be drawn, and a note says so."""
    return tuple(_made(module, subject) for module in ordered(folder))


def failure(bug: Exception) -> str:
    """Return why something could not be made, as a clause: our own sentence, else the kind of the failure."""
    return clean(str(bug)).rstrip(".") if isinstance(bug, ScalecheckError) else type(bug).__name__


def _made(module: ModuleType, subject: Any) -> Picture:
    try:
        made: Picture = module.picture(subject)
    except Exception as bug:  # noqa: BLE001 - one picture never costs the others
        name = module.__name__.rpartition(".")[2]
        note = f"This picture could not be made ({failure(bug)}); the others do not depend on it."
        title = name.replace("_", " ").capitalize()
        return Picture(name=name, title=title, description="", table=Table(head=(), rows=()), draw=None, notes=(note,))
    return made
