"""Well-known runs as points of the plane."""

from __future__ import annotations

from scalecheck.drawing.plane_scene import PlanePoint
from scalecheck.known_runs import known_runs
from scalecheck.units import format_count


def known_points() -> tuple[PlanePoint, ...]:
    """Return the well-known runs, landmarks first; N is what a token meets."""
    return tuple(
        PlanePoint(
            params=float(run.active_params),
            tokens=float(run.training_tokens),
            role="known",
            label=run.model,
            title=f"{run.model} ({run.year})\nN {format_count(run.active_params)}"
            f"{' active' if run.active_params != run.total_params else ''}, D {format_count(run.training_tokens)}\n{run.source}",
        )
        for run in known_runs()
    )
