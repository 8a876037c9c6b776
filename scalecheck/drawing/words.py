"""Words of pictures: cut to the room that they have, and shares."""

from __future__ import annotations

from scalecheck.text import clean


def short(text: str, most: int = 80) -> str:
    """Return a text on one line, escaped, and cut to a number of characters."""
    text = clean(text)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def percent(share: float) -> str:
    """Return a share of 1 as ``31.0 %``."""
    return f"{100 * share:.1f} %"
