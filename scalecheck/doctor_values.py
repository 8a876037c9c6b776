"""What `scalecheck doctor` finds: ways past the guard, and notes, each with its place and the line to change."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """One way past the guard. A ``fault`` lets no run past it and keeps apps from starting; a ``note`` is good to know."""

    name: str
    what: str
    where: str
    change: str
    kind: Literal["way out", "fault", "note"] = "way out"

    @property
    def is_note(self) -> bool:
        """Tell whether nothing has to be changed."""
        return self.kind == "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Whether the guard is active for a run and for a sweep (yes, no, or ``only ...``), and what was found."""

    run: str
    multirun: str
    hydra_version: str
    found: tuple[WayOut, ...]

    @property
    def is_sound(self) -> bool:
        """Tell whether the guard is active for both and no way past it was found."""
        return self.run == self.multirun == "yes" and all(item.is_note for item in self.found)


def shown(path: Path, line: int | None = None) -> str:
    """Return a path as it is typed from here, with its line."""
    relative = os.path.relpath(path)
    name = str(path) if relative.startswith("..") else relative
    return name if line is None else f"{name}:{line}"
