"""The answers of ``scalecheck optimal`` as pictures: each law's optimum in the plane of N and D, drawn or as text."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from scalecheck.drawing.plane import draw
from scalecheck.drawing.plane_known import known_points
from scalecheck.drawing.plane_limits import limits
from scalecheck.drawing.plane_scene import PlanePoint, PlaneScene, has_interval
from scalecheck.drawing.scene import Picture, Table
from scalecheck.drawing.words import short
from scalecheck.errors import ScalecheckError
from scalecheck.forms import Law, LossSurface
from scalecheck.outlook import law_named
from scalecheck.planning import Answers, LawPlan
from scalecheck.text import clean, shown
from scalecheck.units import format_count, format_ratio, format_scientific

FORMS: Mapping[str, Literal["svg", "png"]] = {".svg": "svg", ".png": "png"}
_LINES = {"flops": "budget", "params": "asked_params", "tokens": "asked_tokens"}
"""Which line of the plane a question is; a loss to reach is none, as each law has its own."""


def picture(found: Answers, laws: Sequence[Law]) -> Picture:
    """Return the plane with the optimum of every law that answered."""
    scene = scene_of(found, laws)
    rows = tuple(_row(plan) for plan in found.plans)
    question = f"{found.question.quantity} {format_scientific(found.question.value)}"
    return Picture(
        name="plane",
        title="Compute-optimal parameters and tokens",
        description=f"The optimum of {len(found.plans)} laws for {question}, in the plane of parameters N and training tokens D.",
        table=Table(head=("law", "N*", "D*", "D*/N*", "C FLOPs"), rows=rows, words=(0,)),
        draw=partial(draw, scene),
        notes=("Each law's optimum is in its own N.",),
    )


def scene_of(found: Answers, laws: Sequence[Law]) -> PlaneScene:
    """Return what is drawn; of laws that have no answer nothing is."""
    answered = {plan.law: plan for plan in found.plans}
    drawn = [law for law in laws if law.name in answered]
    points = tuple(_point(answered[law.name], is_named=number == 0) for number, law in enumerate(drawn))
    params, tokens = limits(points, drawn[0])
    loss_law = law_named(found.loss_law, {law.name: law for law in laws})
    return PlaneScene(
        params=params,
        tokens=tokens,
        points=points,
        known=known_points(),
        laws=tuple(drawn),
        band=next((law for law in (*drawn, loss_law) if has_interval(law)), None),
        surface=loss_law if isinstance(loss_law, LossSurface) else None,
        fitted=drawn[0].fitted_range,
        **{_LINES[found.question.quantity]: found.question.value} if found.question.quantity in _LINES else {},
    )


def write(found: Answers, laws: Sequence[Law], path: Path) -> None:
    """Draw the plane into a file; ``-`` prints it as text.

    Raises:
        ScalecheckError: the libraries are missing, or the file cannot be written.
    """
    if str(path) == "-":
        sys.stdout.write(f"\n{as_text(found, laws)}\n")
        return
    from scalecheck.drawing.files import write_picture

    write_picture([picture(found, laws)], form_of(path), path, None)


def as_text(found: Answers, laws: Sequence[Law]) -> str:
    """Return the plane as text, as wide as the terminal.

    Raises:
        ScalecheckError: plotext is not installed.
    """
    from scalecheck import text_plot

    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    width = min(shutil.get_terminal_size().columns, 100)
    return text_plot.plane_text(scene_of(found, laws), width, is_ascii="utf" not in encoding)


def form_of(path: Path) -> Literal["svg", "png"]:
    """Return the format that a file's name asks for.

    Raises:
        ScalecheckError: it asks for another one.
    """
    if path.suffix not in FORMS:
        message = f"--plot {shown(str(path))[1:-1]}: a plane is drawn into a file whose name ends in {' or '.join(FORMS)}."
        raise ScalecheckError(message)
    return FORMS[path.suffix]


def _point(plan: LawPlan, *, is_named: bool) -> PlanePoint:
    figures = (
        f"N* {format_count(plan.optimal_params)}, D* {format_count(plan.optimal_tokens)}, D*/N* {format_ratio(plan.tokens_per_parameter)}"
    )
    return PlanePoint(
        params=plan.optimal_params,
        tokens=plan.optimal_tokens,
        role="remedy",
        label=short(plan.law, 40) if is_named else "",
        title=f"{short(plan.law)}\n{figures}",
    )


def _row(plan: LawPlan) -> tuple[str, ...]:
    return (
        clean(plan.law),
        format_count(plan.optimal_params),
        format_count(plan.optimal_tokens),
        format_ratio(plan.tokens_per_parameter),
        format_scientific(plan.training_flops),
    )
