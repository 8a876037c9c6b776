"""Values of a JSON report, read by what stands there and where: what is not of its kind is one sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NoReturn, get_args

from scalecheck.errors import ScalecheckError
from scalecheck.text import shown
from scalecheck.values import dataclass

WRITE_ONE = "scalecheck check --output json:FILE writes one"


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """A value of the file and the place where it stands, for a sentence on it. A key that is missing is null: older reports have fewer."""

    value: Any
    where: str

    def refuse(self, wanted: str) -> NoReturn:
        """Say that something else was to stand here."""
        message = f"it is not a report of scalecheck: {self.where or 'it'} is {shown(self.value)}, not {wanted}; {WRITE_ONE}."
        raise ScalecheckError(message)

    def get(self, key: str) -> Any:
        """Return what stands at a key."""
        return self.value.get(key) if isinstance(self.value, dict) else self.refuse("an object")

    def at(self, key: str) -> At:
        """Return what stands at a key, with its place: a report has a hundred values a job, so only where the place is of use."""
        return At(value=self.get(key), where=f"{self.where}.{key}" if self.where else key)

    def text(self, key: str, default: str | None = "") -> str:
        """Return a text; where it is null the default, unless that is ``None``."""
        found = self.get(key)
        value = default if found is None else found
        return value if isinstance(value, str) else self.at(key).refuse("a text")

    def text_or_none(self, key: str) -> str | None:
        """Return a text or null."""
        return None if self.get(key) is None else self.text(key)

    def one_of(self, key: str, literal: Any, default: str | None = None) -> Any:
        """Return one of the words of a Literal; where it is null the default, unless that is ``None``."""
        found = self.text(key, default)
        return found if found in get_args(literal) else self.at(key).refuse(f"one of {', '.join(get_args(literal))}")

    def flag(self, key: str) -> bool:
        """Return true or false; null is false."""
        found = self.get(key)
        return bool(found) if isinstance(found, bool | None) else self.at(key).refuse("true or false")

    def number(self, key: str) -> Any:
        """Return a number or null, as an int where it was written as one."""
        found = self.get(key)
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        if found is not None and (not is_number or (isinstance(found, float) and not math.isfinite(found))):
            self.at(key).refuse("a number or null")
        return found

    def whole(self, key: str) -> int | None:
        """Return an int or null."""
        found = self.number(key)
        return found if isinstance(found, int | None) else self.at(key).refuse("a whole number or null")

    def figure(self, key: str) -> Any:
        """Return a number; null, which an infinity was written as, is NaN, which is written as null again."""
        found = self.number(key)
        return math.nan if found is None else found

    def entries(self, key: str) -> Iterator[At]:
        """Yield the items of a list; null is an empty one."""
        found = self.at(key)
        if not isinstance(found.value, list | None):
            found.refuse("a list")
        for number, item in enumerate(found.value or ()):
            yield At(value=item, where=f"{found.where}[{number}]")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(item.value if isinstance(item.value, str) else item.refuse("a text") for item in self.entries(key))

    def items(self, key: str) -> Iterator[tuple[str, At]]:
        """Yield the names and values of an object; null is an empty one."""
        found = self.at(key)
        if not isinstance(found.value, dict | None):
            found.refuse("an object")
        for name in found.value or ():
            yield name, found.at(name)
