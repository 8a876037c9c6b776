"""Paired horizontal bars: what a share of the parameters and of the training FLOPs looks like, for one model or a few beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from scalecheck.drawing.palette import PALETTE
from scalecheck.drawing.words import percent, short
from scalecheck.values import dataclass

if TYPE_CHECKING:
    from scalecheck.drawing.canvas import Canvas

_BAR = 0.3
"""The height of a bar, where a part with its bars and the space around them is 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A part, or several drawn as one; shares lie in [0, 1], ``None`` where nothing is known. ``active`` is met by one token."""

    name: str
    params: float | None
    active: float | None
    flops: float | None
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One model as it is drawn."""

    title: str
    bars: tuple[Bar, ...]
    is_sparse: bool


def draw(panels: Sequence[Panel], canvas: Canvas) -> None:
    """Draw the bars; the figure is as tall as they need."""
    narrow = canvas.size.is_narrow
    columns = 1 if narrow or len(panels) == 1 else 2
    rows = -(-len(panels) // columns)
    is_beside = not narrow and columns == 1  # names at the left of the bars; else above them
    most = [max(len(panel.bars) for panel in panels[row * columns : (row + 1) * columns]) for row in range(rows)]
    heights = [bars * (34 if is_beside else 46) + 84 for bars in most]
    canvas.figure.set_size_inches(canvas.size.width / 72, (sum(heights) + 60) / 72)
    places = list(canvas.axes(rows, columns, squeeze=False, height_ratios=heights).flat)
    for number, (axes, panel) in enumerate(zip(places, panels, strict=False)):
        _panel(canvas, axes, panel, number, is_beside=is_beside)
        axes.set_ylim(most[number // columns], 0)
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    _legend(canvas, any(panel.is_sparse for panel in panels))


def _panel(canvas: Canvas, axes: Any, panel: Panel, number: int, *, is_beside: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    from scalecheck.drawing import svg

    first = 0.32 if is_beside else 0.48
    for row, bar in enumerate(panel.bars):
        for place, (kind, share, role) in enumerate(_drawn(bar, is_sparse=panel.is_sparse)):
            center = row + first + (_BAR if kind == "flops" else 0)
            patch = axes.barh([center], [share], height=_BAR * 0.92, color=PALETTE[role].light, linewidth=0, zorder=2 + place)[0]
            gid = f"bar-{number}-{row}-{kind}"
            patch.set_gid(gid)
            canvas.titles[gid] = (bar.title,)
            if kind != "active":
                _say(axes, (share, center), percent(share), (4, 0), va="center", color=PALETTE["muted"].light)
        if not is_beside:
            _say(axes, (0, row + 0.17), short(bar.name, 40), (2, 0), va="center", color=PALETTE["ink"].light)
    longest = max((share for bar in panel.bars for _, share, _ in _drawn(bar, is_sparse=panel.is_sparse)), default=1.0)
    axes.set_xlim(0, longest * (1.2 if canvas.size.is_narrow or not is_beside else 1.1))
    names = [svg.harmless(short(bar.name, 40)) for bar in panel.bars]
    axes.set_yticks([row + first + _BAR / 2 for row in range(len(names))] if is_beside else [], names if is_beside else [])
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, labelcolor=PALETTE["ink"].light)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
    axes.set_title(svg.harmless(panel.title), loc="left", fontsize=11, color=PALETTE["ink"].light, parse_math=False)


def _drawn(bar: Bar, *, is_sparse: bool) -> Iterator[tuple[str, float, str]]:
    """Yield what is drawn of a bar: its kind, its share, and the role that colours it."""
    if bar.params is not None:
        yield "params", bar.params, "band" if is_sparse else "part_1"
    if is_sparse and bar.active:
        yield "active", bar.active, "part_1"
    if bar.flops is not None:
        yield "flops", bar.flops, "part_2"


def _say(axes: Any, place: tuple[float, float], words: str, offset: tuple[int, int], **style: Any) -> None:
    from scalecheck.drawing import svg

    axes.annotate(
        svg.harmless(words),
        place,
        xytext=offset,
        textcoords="offset points",
        fontsize=10.5,
        parse_math=False,
        annotation_clip=False,
        **style,
    )


def _legend(canvas: Canvas, is_sparse: bool) -> None:
    from matplotlib.patches import Patch

    rows = [("part_1", "of parameters N: met by one token"), ("band", "stored beside")] if is_sparse else [("part_1", "of parameters N")]
    rows.append(("part_2", "of training FLOPs C"))
    handles = [Patch(facecolor=PALETTE[role].light, linewidth=0, label=label) for role, label in rows]
    columns = 1 if canvas.size.is_narrow else 3
    legend = canvas.figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=11)
    for text in legend.get_texts():
        text.set_color(PALETTE["ink"].light)
