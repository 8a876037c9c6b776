"""The plane of N and D on log axes, as ``plane_scene`` has it, drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from scalecheck.drawing.curves import keep_apart
from scalecheck.drawing.palette import MARKERS, PALETTE
from scalecheck.drawing.plane_scene import PlanePoint, PlaneScene, band_line, budgets, fitted_polygon, is_inside, levels, optimum_line
from scalecheck.drawing.words import short
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN
from scalecheck.units import format_count

if TYPE_CHECKING:
    from scalecheck.drawing.canvas import Canvas

_GRID = 90
_NAME = 20
"""How many characters of a law's name a legend has room for."""
_LABELS = {True: 4, False: 12}
"""How many known runs are labelled at most, on a narrow picture and on a wide one."""


def draw(scene: PlaneScene, canvas: Canvas) -> None:
    """Draw the plane."""
    from scalecheck.drawing.canvas import log_axis, settle

    axes = canvas.axes()
    log_axis(axes.xaxis, *scene.params, most=5 if canvas.size.is_narrow else 7)
    log_axis(axes.yaxis, *scene.tokens)
    axes.set_xlabel("parameters N")
    axes.set_ylabel("training tokens D")
    polygon = fitted_polygon(scene)
    if polygon:
        axes.fill(*zip(*polygon, strict=True), color=PALETTE["fitted"].light, linewidth=0, zorder=0)
    contour_labels = _draw_losses(scene, axes)
    budget_labels = _draw_budgets(scene, canvas, axes)
    _draw_laws(scene, canvas, axes)
    of_points, of_known = _draw_points(scene, canvas, axes)
    _legend(scene, canvas)
    settle(canvas.figure)
    frame = axes.get_window_extent()
    inside = [label for label in of_points if _holds(frame, label.get_window_extent())]
    free = [label for label in (*inside, *budget_labels) if not _covers(label, scene.points, 4)]
    some = [label for label in of_known if _holds(frame, label.get_window_extent()) and not _covers(label, scene.points, 4)]
    some = [label for label in some if not _covers(label, _known(scene), 2)]
    free += some[: _LABELS[canvas.size.is_narrow]]
    free += [label for label in contour_labels if _holds(frame, label.get_window_extent()) and not _covers(label, scene.points, 4)]
    for label in (*of_points, *budget_labels, *of_known, *contour_labels):
        if label not in free:
            label.remove()
    keep_apart(canvas.figure, free)


def _known(scene: PlaneScene) -> list[PlanePoint]:
    """Return the well-known runs that lie within the plane."""
    return [point for point in scene.known if is_inside((point.params or 0, point.tokens or 0), scene)]


def _covers(label: Any, points: Sequence[PlanePoint], margin: float) -> bool:
    """Tell whether words, with a margin in pixels, lie on one of the marks."""
    places = [(point.params, point.tokens) for point in points if point.params and point.tokens]
    return bool(places) and bool(label.get_window_extent().padded(margin).count_contains(label.axes.transData.transform(places)))


def _holds(outer: Any, inner: Any) -> bool:
    return bool(outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0 and inner.y1 <= outer.y1)


def _draw_losses(scene: PlaneScene, axes: Any) -> list[Any]:
    import numpy as np

    found = levels(scene)
    if scene.surface is None or not found:
        return []
    law = scene.surface
    params, tokens = (np.geomspace(*bounds, _GRID) for bounds in (scene.params, scene.tokens))
    loss = law.E + law.A * params[None, :] ** -law.alpha + law.B * tokens[:, None] ** -law.beta
    drawn = axes.contour(params, tokens, loss, levels=sorted(found), colors=PALETTE["contour"].light, linewidths=0.8, zorder=2)
    # On a ground of their own, as a line that is broken for a label stays broken when the label is taken away.
    labels = axes.clabel(drawn, fontsize=10, fmt=lambda value: f"{value:.6g}", zorder=4, inline=False)
    for label in labels:
        label.set_bbox({"facecolor": PALETTE["ground"].light, "alpha": 0.8, "linewidth": 0, "pad": 0.5})
    return list(labels)


def _draw_budgets(scene: PlaneScene, canvas: Canvas, axes: Any) -> list[Any]:
    labels: list[Any] = []
    asked: dict[str, Any] = {"role": "remedy", "linewidth": 1.2, "linestyle": (0, (5, 2)), "zorder": 1.5}
    if scene.asked_params:
        canvas.line(axes, [scene.asked_params] * 2, list(scene.tokens), title=f"N = {format_count(scene.asked_params)}", **asked)
    if scene.asked_tokens:
        canvas.line(axes, list(scene.params), [scene.asked_tokens] * 2, title=f"D = {format_count(scene.asked_tokens)}", **asked)
    for flops in dict.fromkeys([*([scene.budget] if scene.budget else []), *budgets(scene, 4 if canvas.size.is_narrow else 6)]):
        product = flops / FLOPS_PER_PARAMETER_PER_TOKEN
        xs = [scene.params[0], scene.params[1]]
        mantissa, exponent = f"{flops:.2e}".split("e")
        words = f"{float(mantissa):g}e{int(exponent)}"
        style: dict[str, Any] = (
            asked if flops == scene.budget else {"role": "budget", "linewidth": 0.8, "linestyle": (0, (1, 2)), "zorder": 1.5}
        )
        canvas.line(axes, xs, [product / x for x in xs], title=f"C = 6ND = {words} FLOPs", **style)
        labels += _budget_label(scene, canvas, axes, product, words)
    return labels


def _budget_label(scene: PlaneScene, canvas: Canvas, axes: Any, product: float, words: str) -> Iterator[Any]:
    """Yield the words of a budget at the plane's upper edge, or at its left one where the line leaves there."""
    at_top = product / scene.tokens[1]
    is_at_top = scene.params[0] < at_top
    place = (at_top, scene.tokens[1]) if is_at_top else (scene.params[0], product / scene.params[0])
    if scene.params[0] <= place[0] <= scene.params[1]:
        style: dict[str, Any] = {"ha": "left", "va": "top"} if is_at_top else {"ha": "left", "va": "bottom"}
        yield canvas.text(axes, place, f" {words}", role="muted", fontsize=10, **style)


def _draw_laws(scene: PlaneScene, canvas: Canvas, axes: Any) -> None:
    if scene.band is not None:
        low, high = band_line(scene.band, scene)
        outline = [*low, *reversed(high)]
        if outline:
            axes.fill(*zip(*outline, strict=True), color=PALETTE["band"].light, alpha=0.6, linewidth=0, zorder=1)
    for number, law in reversed(list(enumerate(scene.laws))):
        places = optimum_line(law, scene)
        if len(places) > 1:
            role, width = ("law", 2.2) if number == 0 else ("other_law", 1.0)
            title = f"{short(law.name)}: compute-optimal N and D"
            canvas.line(axes, *zip(*places, strict=True), role=role, title=title, linewidth=width, zorder=3)


def _draw_points(scene: PlaneScene, canvas: Canvas, axes: Any) -> tuple[list[Any], list[Any]]:
    """Draw known runs, then what is unknown in one of two, then points; return the labels of points and of known runs."""
    known = _known(scene)
    for points in (known, scene.points):
        for role in reversed(dict.fromkeys(point.role for point in points)):  # the worst, which come first, above the others
            some = [point for point in points if point.role == role and point.params is not None and point.tokens is not None]
            size = 11 if role == "known" else 10 if len(scene.points) < 40 else 7
            if some:
                places = [(point.params or 0, point.tokens or 0) for point in some]
                canvas.points(axes, places, [point.title for point in some], role=role, size=size)
    for point in scene.points:
        if (point.params is None) is not (point.tokens is None):
            xs = list(scene.params) if point.params is None else [point.params] * 2
            ys = list(scene.tokens) if point.tokens is None else [point.tokens] * 2
            canvas.line(axes, xs, ys, role=point.role, title=point.title, linewidth=1.6, linestyle=(0, (6, 3)), zorder=4)
    return [_label(axes, scene, point) for point in scene.points if point.label], [_label(axes, scene, point) for point in known]


def _label(axes: Any, scene: PlaneScene, point: PlanePoint) -> Any:
    from scalecheck.drawing import svg

    place = (point.params or math.sqrt(math.prod(scene.params)), point.tokens or math.sqrt(math.prod(scene.tokens)))
    is_right = math.log(place[0] / scene.params[0]) > 0.72 * math.log(scene.params[1] / scene.params[0])
    is_known = point.role == "known"
    return axes.annotate(
        svg.harmless(point.label),
        place,
        xytext=(-7 if is_right else 7, 2),
        textcoords="offset points",
        ha="right" if is_right else "left",
        va="bottom",
        fontsize=10 if is_known else 11,
        color=PALETTE["muted" if is_known else "ink"].light,
        parse_math=False,
        bbox={"facecolor": PALETTE["ground"].light, "alpha": 0.65, "linewidth": 0, "pad": 0.6},
        zorder=5,
    )


def _legend(scene: PlaneScene, canvas: Canvas) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    color = {name: role.light for name, role in PALETTE.items()}
    entries: list[Any] = []
    num_others = len(scene.laws) - 1
    for number, law in enumerate(scene.laws[:2]):
        others = f"the same, {num_others} other law{'' if num_others == 1 else 's'}"
        words = others if number else f"compute-optimal, {short(law.name, _NAME)}"
        entries.append(Line2D([], [], color=color["other_law" if number else "law"], linewidth=1 if number else 2.2, label=words))
    if scene.band is not None:
        entries.append(Patch(color=color["band"], label=f"80 % interval, {short(scene.band.name, _NAME)}"))
    if scene.surface is not None and levels(scene):
        entries.append(Line2D([], [], color=color["contour"], linewidth=0.9, label=f"equal loss, {short(scene.surface.name, _NAME)}"))
    entries.append(Line2D([], [], color=color["budget"], linestyle=(0, (1, 2)), label="equal C = 6ND, FLOPs"))
    if scene.budget or scene.asked_params or scene.asked_tokens:
        entries.append(Line2D([], [], color=color["remedy"], linewidth=1.2, linestyle=(0, (5, 2)), label="what was asked for"))
    if fitted_polygon(scene):
        entries.append(Patch(facecolor=color["fitted"], edgecolor=color["grid"], label="range that was fitted"))
    entries += [_mark(role) for role in _WORDS if any(point.role == role for point in (*scene.points, *_known(scene)))]
    place: dict[str, Any] = {"loc": "outside lower center", "ncols": 1 if canvas.size.is_narrow else 3, "frameon": False, "fontsize": 11}
    if canvas.size.is_narrow:
        canvas.figure.set_size_inches(canvas.size.width / 72, (canvas.size.height - 20 + 19 * len(entries)) / 72)
    for text in canvas.figure.legend(handles=entries, **place).get_texts():
        text.set_color(color["ink"])


_WORDS = {
    "stop": "run that is stopped",
    "warn": "run with a warning",
    "pass": "run that passes",
    "silent": "run without a verdict",
    "remedy": "remedy, or optimum",
    "known": "well-known run",
}


def _mark(role: str) -> Any:
    from matplotlib.lines import Line2D

    style: dict[str, Any] = {"marker": MARKERS[role], "markerfacecolor": PALETTE[role].light, "markeredgecolor": PALETTE["ground"].light}
    return Line2D([], [], linestyle="none", markersize=9, label=_WORDS[role], **style)
