"""Pictures as files: one, or all of them into a directory, each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from scalecheck.atomic import replace
from scalecheck.drawing.scene import Picture
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.text import clean, shown

Form = Literal["svg", "png"]


def write_picture(pictures: Sequence[Picture], form: Form, path: Path | str, chosen: str | None = None) -> list[Path]:
    """Write the first picture, or the one that is ``chosen``, and return the files that were written.

    Where the path is a directory, or a string that ends in a slash, every picture that can be drawn (or the chosen one) is written there
    as ``NAME.svg``.

    Raises:
        ScalecheckError: there is no such picture, it cannot be drawn, or its file cannot be written; in a directory the others are.
    """
    if not is_directory(path):
        put(Path(path), content(pictures, form, chosen))
        return [Path(path)]
    wanted = [one_of(pictures, chosen)] if chosen is not None else [one for one in pictures if one.draw is not None]
    if not wanted:
        raise ScalecheckError(_nothing_drawn(pictures))
    made, failures = [], []
    for picture in wanted:
        file = Path(path) / f"{picture.name}.{form}"
        try:
            put(file, drawn(picture, form))
            made.append(file)
        except ScalecheckError as error:
            failures.append(error)
    for failure in failures:
        raise failure
    return made


def is_directory(path: Path | str) -> bool:
    """Tell whether a path names a directory: one that is there, or, typed with a slash at its end, one that is to be made."""
    try:
        return str(path).endswith(("/", os.sep)) or Path(path).is_dir()
    except ValueError:  # a NUL in the name
        return False


def content(pictures: Sequence[Picture], form: Form, chosen: str | None = None) -> bytes:
    """Return the file of the first picture, or of the chosen one.

    Raises:
        ScalecheckError: there is no such picture, or it cannot be drawn.
    """
    return drawn(one_of(pictures, chosen), form)


def one_of(pictures: Sequence[Picture], chosen: str | None) -> Picture:
    """Return the first picture, or the chosen one.

    Raises:
        ScalecheckError: there is none of that name; the nearest one.
    """
    by_name = {picture.name: picture for picture in pictures}
    if chosen is None and pictures:
        return pictures[0]
    if chosen not in by_name:
        message = f"there is no picture {shown(chosen)}.{did_you_mean(chosen or '', by_name)}"
        raise ScalecheckError(message)
    return by_name[chosen]


def drawn(picture: Picture, form: Form) -> bytes:
    """Return a picture as a file's content.

    Raises:
        ScalecheckError: it cannot be drawn, and why; or what to install.
    """
    from scalecheck.drawing import canvas, svg

    if picture.draw is None:
        raise ScalecheckError(_nothing_drawn([picture]))
    size = canvas.WIDE
    try:
        if form == "png":
            return canvas.png_of(picture.draw, size)
        element = canvas.svg_of(picture.draw, size, prefix=picture.name, description=picture.description)
    except ScalecheckError:
        raise
    except Exception as bug:
        message = f"the picture {shown(picture.name)} cannot be drawn: {type(bug).__name__}: {clean(str(bug))[:200]}."
        raise ScalecheckError(message) from bug
    note = f"{svg.harmless(picture.title)}, drawn by scalecheck"
    return svg.alone(element, (size.width, size.height), note).encode("utf-8", "backslashreplace")


def put(path: Path, made: bytes) -> None:
    """Write one file, whole or not at all.

    Raises:
        ScalecheckError: it cannot be written, and why.
    """
    try:
        replace(path, made)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = error.strerror or error if isinstance(error, OSError) else error
        message = f"{clean(str(path))}: the picture cannot be written: {why}."
        raise ScalecheckError(message) from None


def _nothing_drawn(pictures: Sequence[Picture]) -> str:
    said = " ".join(clean(note) for picture in pictures for note in picture.notes)
    return f"there is nothing to draw{f': {said}' if said else '.'}"
