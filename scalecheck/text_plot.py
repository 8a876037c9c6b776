"""The plane of N and D as text for a terminal, drawn by plotext on a figure of its own: a user's plots are not touched.

Both axes are logarithmic: plotext is given decimal logarithms and the words at its ticks, which it draws alike in its versions 5 and 6.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from scalecheck import registry
from scalecheck.drawing.plane_scene import PlaneScene, optimum_line
from scalecheck.drawing.scene import Picture
from scalecheck.errors import ScalecheckError
from scalecheck.facts import Report
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN
from scalecheck.text import clean
from scalecheck.units import format_scientific
from scalecheck.values import dataclass

INSTALL = "tables and plots in the terminal need rich and plotext: pip install 'scalecheck[report]'"
MOST_LINES = 24
ROLES = {
    "remedy": ("+", "remedy, or optimum"),
    "silent": ("?", "no verdict"),
    "pass": ("o", "pass"),
    "warn": ("!", "warn"),
    "stop": ("x", "stop"),
}
"""The character of a point's role, and what the legend calls it; the later ones are drawn above the earlier."""
_MOST_UNKNOWNS = 12
_STEPS = 120
_TOLD = ("Nothing is drawn", "left out", "at most what is drawn", "places are drawn")
"""What is said below the plot: the notes of the picture with one of these, as the others are about what is not in the text."""
_TO_ASCII = str.maketrans({"│": "|", "─": "-", "·": "."} | dict.fromkeys("┌┐└┘├┤┬┴┼", "+"))
Place = tuple[float, float]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """Points, or a line through them; coordinates are decimal logarithms. ``marker`` is plotext's, where it is not the character."""

    places: Sequence[Place]
    character: str
    name: str = ""
    marker: str = ""
    is_line: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """From where to where in decimal logarithms, and what stands at which place."""

    span: Span
    ticks: Sequence[tuple[float, str]]


def report_text(report: Report, width: int, height: int = MOST_LINES, *, is_ascii: bool = False) -> str:
    """Return the plane of a report's jobs as text, as ``plane_text`` does, and below it what is left out.

    Raises:
        ScalecheckError: as ``plane_text``.
    """
    made: Picture = registry.load("pictures", "plane").picture(report)
    notes = [line for note in made.notes if any(words in note for words in _TOLD) for line in textwrap.wrap(note, width)]
    drawn = [plane_text(made.scene, width, height - len(notes), is_ascii=is_ascii)] if isinstance(made.scene, PlaneScene) else []
    return "\n".join([*drawn, *notes])


def plane_text(scene: PlaneScene, width: int, height: int = MOST_LINES, *, is_ascii: bool = False) -> str:
    """Return the plane as at most ``height`` lines, of 10 at least, and of at most ``width`` columns, with its legend below.

    It has the optimum of the judging law, the C of the run, or of the largest, and the points; ``is_ascii`` draws with ASCII alone.

    Raises:
        ScalecheckError: plotext is not installed; what to install.
    """
    spans = [(math.log10(low), math.log10(high)) for low, high in (scene.params, scene.tokens)]
    marks = list(_marks(scene, spans[0], spans[1], is_ascii=is_ascii))
    below = _legend([f"{mark.character} {mark.name}" for mark in marks if mark.name], width)
    lines = max(height - len(below) - 2, 6)
    x, y = (_Axis(span=span, ticks=_ticks(span, most)) for span, most in zip(spans, (width // 12, lines // 3), strict=True))
    drawn = [line.rstrip() for line in _drawn(marks, (x, y), (width, lines)).rstrip().split("\n")]
    text = "\n".join(["D, training tokens", *drawn, "N, parameters".rjust(width), *below])
    return text.translate(_TO_ASCII) if is_ascii else text


def _ticks(span: Span, most: int) -> list[tuple[float, str]]:
    """Return powers of ten within a span, at most about so many, with how they are written."""
    from scalecheck.drawing.canvas import tick

    powers = range(math.ceil(span[0]), math.floor(span[1]) + 1)
    step = math.ceil(len(powers) / max(most, 1))
    return [(float(power), tick(10.0**power)) for power in powers if power % max(step, 1) == 0]


def _marks(scene: PlaneScene, x: Span, y: Span, *, is_ascii: bool) -> Iterator[_Mark]:
    """Yield what is drawn, the later above the earlier: lines, then points, the worst last."""
    yield from _budget(scene, x, y)
    for law in scene.laws[:1]:
        places = [(math.log10(params), math.log10(tokens)) for params, tokens in optimum_line(law, scene)]
        if len(places) > 1:
            style = {"character": "*"} if is_ascii else {"character": "⠤", "marker": "braille"}
            yield _Mark(places=places, name=f"compute-optimal ({clean(law.name)})", is_line=True, **style)
    alone = {
        "N known, D unknown": [point.params for point in scene.points if point.params is not None and point.tokens is None],
        "D known, N unknown": [point.tokens for point in scene.points if point.tokens is not None and point.params is None],
    }
    for (name, values), character in zip(alone.items(), "|-", strict=True):
        for number, place in enumerate(map(math.log10, list(dict.fromkeys(values))[:_MOST_UNKNOWNS])):
            ends = [(place, y[0]), (place, y[1])] if character == "|" else [(x[0], place), (x[1], place)]
            yield _Mark(places=ends, character=character, name="" if number else name, is_line=True)
    for role, (character, name) in ROLES.items():
        found = [(point.params, point.tokens) for point in scene.points if point.role == role]
        known = [(math.log10(params), math.log10(tokens)) for params, tokens in found if params is not None and tokens is not None]
        if known:
            yield _Mark(places=known, character=character, name=name)


def _budget(scene: PlaneScene, x: Span, y: Span) -> Iterator[_Mark]:
    """Yield the line of equal C = 6ND through the run, or through the largest one."""
    runs = [point for point in scene.points if point.role != "remedy" and point.params is not None and point.tokens is not None]
    products = [math.log10(point.params or 1) + math.log10(point.tokens or 1) for point in runs]
    if not products and not scene.budget:
        return
    six = math.log10(FLOPS_PER_PARAMETER_PER_TOKEN)
    level = math.log10(scene.budget) - six if scene.budget else max(products)
    steps = [x[0] + (x[1] - x[0]) * step / _STEPS for step in range(_STEPS + 1)]
    inside = [(place, level - place) for place in steps if y[0] <= level - place <= y[1]]
    if len(inside) > 1:
        flops = format_scientific(10 ** (level + six)) if level + six < 300 else f"1e{level + six:.0f}"
        yield _Mark(places=inside, character="·", name=f"C = 6ND = {flops} FLOPs{', the largest' if len(runs) > 1 else ''}", is_line=True)


def _legend(entries: Sequence[str], width: int) -> list[str]:
    """Return a legend's entries on as many lines as they need."""
    lines: list[str] = []
    for entry in entries:
        if lines and len(lines[-1]) + 3 + len(entry) <= width:
            lines[-1] += f"   {entry}"
        else:
            lines += textwrap.wrap(entry, width)
    return lines


def _drawn(marks: Sequence[_Mark], axes: tuple[_Axis, _Axis], size: tuple[int, int]) -> str:
    """Return a frame with ticks and marks in it, the later ones above the earlier, as lines of ``size``'s columns without colours.

    Raises:
        ScalecheckError: plotext is not installed; what to install.
    """
    try:
        import plotext  # type: ignore[import-untyped]
    except ImportError:
        raise ScalecheckError(INSTALL) from None
    draw = _drawn_by_6 if hasattr(plotext, "figure") else _drawn_by_5
    return draw(plotext, marks, axes, size)


def _drawn_by_6(plotext: Any, marks: Sequence[_Mark], axes: tuple[_Axis, _Axis], size: tuple[int, int]) -> str:
    terminal = type(plotext.terminal)()
    figure = type(plotext.figure)(parent=terminal.limit(False, False))  # as large as it is asked to be
    figure.legend(False)
    figure.plot_size(*size)
    for mark in marks:
        signal = figure.signal(*zip(*mark.places, strict=True), marker=mark.marker or mark.character)
        figure.draw(signal.lines(mark.is_line))
    for number, axis in enumerate(axes):
        ruler = figure.ruler(number, 0)
        ruler.lim(*axis.span)
        ruler.ticks([place for place, _ in axis.ticks], [word for _, word in axis.ticks])
    return str(figure.build().string(True))


def _drawn_by_5(plotext: Any, marks: Sequence[_Mark], axes: tuple[_Axis, _Axis], size: tuple[int, int]) -> str:
    from plotext._figure import _figure_class as figure_class  # type: ignore[import-untyped]

    figure = figure_class()
    figure._limit_size(False, False)  # noqa: SLF001 - there is a public one for the shared figure alone
    figure.plot_size(*size)
    for mark in marks:
        draw = figure.plot if mark.is_line else figure.scatter
        draw(*map(list, zip(*mark.places, strict=True)), marker=mark.marker or mark.character)
    x, y = axes
    figure.xlim(*x.span)
    figure.ylim(*y.span)
    figure.xticks([place for place, _ in x.ticks], [word for _, word in x.ticks])
    figure.yticks([place for place, _ in y.ticks], [word for _, word in y.ticks])
    return str(plotext.uncolorize(figure.build()))
