"""What every picture is before it is drawn: words, a table for those who cannot see it, and a function that draws. No matplotlib here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from scalecheck.values import dataclass

if TYPE_CHECKING:
    from scalecheck.drawing.canvas import Canvas


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The values of a picture in rows of text; ``words`` are the columns that are no figures."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture. ``description`` says in a sentence what it shows, ``notes`` what is left out of it or assumed, a sentence each.

    ``draw`` is ``None`` where nothing can be drawn, and a note says why. ``scene`` is what it draws, for another medium to draw.
    """

    name: str
    title: str
    description: str
    table: Table
    draw: Callable[[Canvas], None] | None
    notes: tuple[str, ...] = ()
    scene: Any = None
