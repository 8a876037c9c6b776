"""Text for a terminal: escaped, padded by the columns that it takes, and laid out in columns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from scalecheck.facts import Origin


def wants_color(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal whose user has not asked for plain text (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def shown(value: Any) -> str:
    """Return a value for a sentence, cut short; integers of any size."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to print integers of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def place(origin: Origin) -> str:
    """Return ``file:line``, or the override as typed; empty where neither is known."""
    if origin.file:
        return clean(origin.file) if origin.line is None else f"{clean(origin.file)}:{origin.line}"
    return f"override {clean(origin.override)}" if origin.override else ""


def where(origin: Origin) -> str:
    """Return ``file:line``, the override as typed, or the key."""
    return place(origin) or clean(origin.key or "")


def table(lines: Sequence[Sequence[str]], left_aligned: Sequence[int]) -> Iterator[list[str]]:
    """Yield each line with its cells padded to the width of their column; ``left_aligned`` are the columns of words."""
    widths = [max(columns_of(line[number]) for line in lines) for number in range(len(lines[0]))]
    for line in lines:
        yield [padded(cell, width, left=number in left_aligned) for number, (cell, width) in enumerate(zip(line, widths, strict=True))]


def columns_of(text: str) -> int:
    """Return the columns that a terminal gives to a text: two to a wide character, none to a combining one."""
    if text.isascii():
        return len(text)
    import unicodedata

    wide = sum(unicodedata.east_asian_width(character) in ("W", "F") for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def padded(text: str, width: int, *, left: bool = True) -> str:
    """Fill a text up to a width, on the right or, not ``left``, on the left."""
    fill = " " * (width - columns_of(text))
    return text + fill if left else fill + text


def clean(text: str) -> str:
    """Escape control characters, so that config text cannot forge lines or colours, nor, by ``##[``, commands of a CI's log."""
    escaped = "".join(character if character.isprintable() else character.encode("unicode_escape").decode() for character in text)
    escaped = escaped.replace("##[", "#\\x23[")
    return escaped if len(escaped) <= 600 else f"{escaped[:597]}..."
