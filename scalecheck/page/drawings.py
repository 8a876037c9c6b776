"""Pictures as a page shows them: drawn in both sizes with their table and notes, or a sentence where one cannot be made."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scalecheck.drawing import sets, svg
from scalecheck.drawing.scene import Picture, Table
from scalecheck.values import dataclass

if TYPE_CHECKING:
    from scalecheck.drawing.canvas import Size
    from scalecheck.facts import Report

MOST_ROWS = 300
"""Rows of a table that a page shows; the json format has all that was found."""
MOST_CHARACTERS = 240_000
"""A drawing of more is put in as an image, whose size does not grow with what is in it."""
_MARK = re.compile(r'(class="mark"[^>]*)><title>([^<]*)</title>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One size of a picture: markup that is safe as it is. ``is_image``: it is pixels, with no values under a pointer."""

    size: str
    markup: Any
    is_image: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture as a page shows it; no drawing where none could be made, and the notes say why."""

    name: str
    title: str
    description: str
    drawings: tuple[Drawing, ...]
    table: Table
    num_rows_left_out: int
    notes: tuple[str, ...]


def of_report(report: Report) -> tuple[Picture, ...]:
    """Return every picture of a report in its order; one that fails is a picture that cannot be drawn, whose note says so."""
    return sets.pictures_of("pictures", report)


def shown(pictures: Sequence[Picture], sizes: Sequence[Size], suffix: str = "") -> tuple[Shown, ...]:
    """Draw pictures in these sizes; ``suffix`` keeps the ids of one page's pictures apart from those of another in one document."""
    return tuple(_shown(picture, sizes, suffix) for picture in pictures)


def _shown(picture: Picture, sizes: Sequence[Size], suffix: str) -> Shown:
    notes = list(picture.notes)
    drawings: tuple[Drawing, ...] = ()
    if picture.draw is not None:
        try:
            drawings = _said_once([_drawing(picture, size, suffix) for size in sizes])
        except Exception as bug:  # noqa: BLE001 - a picture never fails a report
            notes.append(f"This picture could not be drawn ({sets.failure(bug)}); its values stand in the table.")
    if any(drawing.is_image for drawing in drawings):
        notes.append("There is so much in this picture that it is an image here, with no values under the pointer.")
    table, rows = picture.table, picture.table.rows
    return Shown(
        name=picture.name,
        title=picture.title,
        description=picture.description,
        drawings=drawings,
        table=Table(head=table.head, rows=tuple(tuple(map(_cell, row)) for row in rows[:MOST_ROWS]), words=table.words),
        num_rows_left_out=max(0, len(rows) - MOST_ROWS),
        notes=tuple(notes),
    )


def _drawing(picture: Picture, size: Size, suffix: str) -> Drawing:
    from markupsafe import Markup

    from scalecheck.drawing import canvas

    assert picture.draw is not None
    element = canvas.svg_of(picture.draw, size, prefix=f"{picture.name}{suffix}", description=svg.harmless(picture.description))
    if len(element) <= MOST_CHARACTERS:
        return Drawing(size=size.name, markup=Markup(element))  # noqa: S704 - written as XML by drawing.svg
    pixels = base64.b64encode(canvas.png_of(picture.draw, size)).decode()
    image = Markup('<img src="data:image/png;base64,{}" alt="{}" width="{}" height="{}">')
    return Drawing(size=size.name, markup=image.format(pixels, picture.description, int(size.width), int(size.height)), is_image=True)


def _said_once(made: Sequence[Drawing]) -> tuple[Drawing, ...]:
    """Leave what a mark tells out of all drawings but the first where that one says it too: the script finds it there by its number.

    Only the first is what a reader without script has under the pointer; the narrow ones are for screens that are touched.
    """
    if not made or any(drawing.is_image for drawing in made):
        return tuple(made)
    numbers = {text: number for number, (_, text) in enumerate(_MARK.findall(made[0].markup))}

    def shorter(found: re.Match[str]) -> str:
        number = numbers.get(found[2])
        return found[0] if number is None else f'{found[1]} data-of="{number}">'

    rest = [replace(drawing, markup=type(drawing.markup)(_MARK.sub(shorter, drawing.markup))) for drawing in made[1:]]
    return (made[0], *rest)


def _cell(text: str) -> str:
    return svg.harmless(text)
