"""The laws that a policy names: shipped ones by name, and the user's own by the path of the file that ``scalecheck fit`` writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scalecheck import registry
from scalecheck.errors import PolicyError, ScalecheckError, did_you_mean
from scalecheck.forms import Law
from scalecheck.text import shown

DEFAULT_LAW = "hoffmann2022_a1"
DEFAULT_LAWS = (
    "hoffmann2022_a1", "besiroglu2024", "hoffmann2022_a3", "muennighoff2023", "deepseek2024", "llama3_2024", "porian2024",
)  # fmt: skip
"""The seven published laws whose range is shown; hoffmann2022_a2 and kaplan2020 are there to be chosen."""
_FILE_ENDINGS = (".yaml", ".yml")


class Laws:
    """Reads the names and paths of a policy; ``own`` collects the laws of files by their names."""

    def __init__(self, base: Path) -> None:
        self.own: dict[str, Law] = {}
        self._base = base

    def name(self, value: Any, key: str) -> str:
        """Return a law's name; of a path, that of the law in the file, which is read.

        Raises:
            PolicyError: no such law, or a file that holds none.
        """
        known = registry.names("laws")
        if not isinstance(value, str):
            message = f"{key} is {shown(value)}; it needs the name of a law, or the path of a law's file.{did_you_mean('', known)}"
            raise PolicyError(message)
        if value.endswith(_FILE_ENDINGS):
            return self._of_file(value, key)
        if value not in known:
            message = f"{key}: no '{value}' in scalecheck/laws/.{did_you_mean(value, known)}"
            raise PolicyError(message)
        return value

    def names(self, value: Any, key: str) -> tuple[str, ...]:
        """Return the names of a list of laws."""
        if value is None:
            return ()
        if isinstance(value, str) or not isinstance(value, Sequence):
            message = f"{key} is {shown(value)}; it needs a list of laws, such as [{', '.join(DEFAULT_LAWS[:2])}]."
            raise PolicyError(message)
        return tuple(self.name(item, f"{key}[{place}]") for place, item in enumerate(value))

    def _of_file(self, value: str, key: str) -> str:
        from scalecheck.law_file import read_law

        path = self._base / value
        if not path.is_file():
            message = f"{key}: there is no file {value} (looked in {self._base})."
            raise PolicyError(message)
        try:
            law = read_law(path)
        except ScalecheckError as broken:
            message = f"{key}: {broken}"
            raise PolicyError(message) from None
        if law.name in registry.names("laws") or self.own.get(law.name, law) != law:
            message = f"{key}: {value} calls its law {law.name}, as another law is called; give it a name of its own."
            raise PolicyError(message)
        self.own[law.name] = law
        return law.name
