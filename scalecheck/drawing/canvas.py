"""A matplotlib figure in this project's manner: two sizes, log axes with counts on them, marks that carry titles. Imports matplotlib.

Everything is drawn with the object interface, never pyplot: no window, no global state, safe beside a user's own figures.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scalecheck.drawing import svg
from scalecheck.drawing.palette import MARKERS, PALETTE
from scalecheck.errors import ScalecheckError
from scalecheck.units import format_count
from scalecheck.values import dataclass

INSTALL = "pictures need matplotlib and jinja2: pip install 'scalecheck[report]'"
_FONT = 12
_SETTINGS: Mapping[str, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and shaped by the browser
    "svg.hashsalt": "scalecheck",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": _FONT,
    "axes.unicode_minus": False,
    "path.simplify": True,
    "text.usetex": False,
    "text.parse_math": False,  # a job's name may hold dollar signs
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The size of a picture in CSS pixels; ``is_narrow`` is for a phone: fewer words, the same marks."""

    name: str
    width: float
    height: float
    is_narrow: bool = False


WIDE = Size(name="wide", width=800, height=520)
NARROW = Size(name="narrow", width=360, height=420, is_narrow=True)
SIZES = (WIDE, NARROW)


class Canvas:
    """One figure while it is drawn; ``titles`` collects what its marks tell a pointer, by gid."""

    def __init__(self, figure: Any, size: Size) -> None:
        self.figure = figure
        self.size = size
        self.titles: dict[str, tuple[str, ...]] = {}

    def axes(self, rows: int = 1, columns: int = 1, **options: Any) -> Any:
        """Return new axes, or an array of them, without frame, in the ink of text."""
        made = self.figure.subplots(rows, columns, **options)
        for one in made.flat if hasattr(made, "flat") else [made]:
            _dress(one)
        return made

    def points(self, axes: Any, places: Sequence[tuple[float, float]], titles: Sequence[str], *, role: str, size: float = 9) -> None:
        """Draw one mark at each place, in the colour and shape of its role, each with a title."""
        gid = self._gid(titles)
        axes.plot(
            [place[0] for place in places],
            [place[1] for place in places],
            linestyle="none",
            marker=MARKERS[role],
            markersize=size,
            markerfacecolor=PALETTE[role].light,
            markeredgecolor=PALETTE["ground"].light,
            markeredgewidth=0.8,
            zorder=6,
            gid=gid,
        )

    def line(self, axes: Any, xs: Sequence[float], ys: Sequence[float], *, role: str, title: str = "", **style: Any) -> None:
        """Draw a line in the colour of a role; a title is what a pointer is told on it."""
        gid = self._gid([title]) if title else None
        axes.plot(xs, ys, color=PALETTE[role].light, gid=gid, **({"linewidth": 1.5, "zorder": 3} | style))

    def text(self, axes: Any, place: tuple[float, float], words: str, *, role: str = "muted", **style: Any) -> Any:
        """Write words at a place of the data; nothing in them is markup."""
        return axes.text(
            *place, svg.harmless(words), color=PALETTE[role].light, parse_math=False, **({"fontsize": 11, "zorder": 7} | style)
        )

    def _gid(self, titles: Sequence[str]) -> str:
        gid = f"titled-{len(self.titles)}"
        self.titles[gid] = tuple(titles)
        return gid


def tick(value: float) -> str:
    """Return a count as a tick shows it: ``100M``, ``1T``, ``1e21``."""
    text = format_count(value)
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{float(mantissa):g}e{exponent}"
    digits, suffix = (text[:-1], text[-1]) if text[-1].isalpha() else (text, "")
    return f"{digits.rstrip('0').rstrip('.') if '.' in digits else digits}{suffix}"


def log_axis(axis: Any, low: float, high: float, shown: Callable[[float], str] = tick, most: int = 6) -> None:
    """Make an axis logarithmic from ``low`` to ``high``, with at most so many powers of ten on it, written by ``shown``."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis._set_axes_scale("log")  # noqa: SLF001 - the one call that serves x and y alike
    axis.axes.set(**{f"{axis.axis_name}lim": (low, high)})
    axis.set_major_locator(LogLocator(base=10, numticks=most))
    axis.set_major_formatter(FuncFormatter(lambda value, _: shown(float(f"{value:.3g}"))))
    axis.set_minor_locator(NullLocator())


def settle(figure: Any) -> None:
    """Lay a figure out once and for all, so that extents can be measured; laying it out at each use is most of the work of drawing."""
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
        figure.set_layout_engine("none")


def svg_of(draw: Callable[[Canvas], None], size: Size, *, prefix: str, description: str) -> str:
    """Draw a picture and return it as an ``<svg>`` element for a page.

    Raises:
        ScalecheckError: matplotlib is not installed; what to install.
    """
    made = io.StringIO()
    canvas = _drawn(draw, size, lambda figure: figure.savefig(made, format="svg", metadata={"Date": None, "Creator": None}))
    return svg.finished(made.getvalue(), canvas.titles, prefix=f"{prefix}-{size.name}", description=description)


def png_of(draw: Callable[[Canvas], None], size: Size, *, pixels_per_unit: float = 2) -> bytes:
    """Draw a picture and return it as PNG, in the light theme.

    Raises:
        ScalecheckError: as ``svg_of``.
    """
    made = io.BytesIO()

    def save(figure: Any) -> None:
        figure.patch.set_alpha(1)  # an image has the ground of its theme, wherever it is shown
        figure.savefig(made, format="png", dpi=72 * pixels_per_unit, facecolor=PALETTE["ground"].light)

    _drawn(draw, size, save)
    return made.getvalue()


def _drawn(draw: Callable[[Canvas], None], size: Size, save: Callable[[Any], None]) -> Canvas:
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of its font cache on the first use
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise ScalecheckError(INSTALL) from None
    with warnings.catch_warnings(), mpl.rc_context():
        warnings.simplefilter("ignore")  # of glyphs that the measuring font has not, and the browser has
        mpl.rcdefaults()  # a user's matplotlibrc is for their figures
        settings: Any = mpl.rcParams
        settings.update(_SETTINGS)
        figure = Figure(figsize=(size.width / 72, size.height / 72), dpi=72, layout="constrained")
        figure.patch.set_alpha(0)
        canvas = Canvas(figure, size)
        draw(canvas)
        save(figure)
    return canvas


def _dress(axes: Any) -> None:
    ink, muted, grid = (PALETTE[name].light for name in ("ink", "muted", "grid"))
    axes.patch.set_alpha(0)
    axes.set_axisbelow(True)
    axes.grid(visible=True, which="major", color=grid, linewidth=0.6)
    axes.tick_params(which="both", colors=muted, labelsize=11, length=3)
    axes.tick_params(which="minor", length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(muted)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color(ink)
