"""Well-known training runs, as data with sources: what a picture shows in grey, so that a reader sees where their own run stands."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRun:
    """One published run: parameters (``active_params`` are met by one token), tokens seen, and the FLOPs that were published, if any.

    ``is_landmark``: most readers know it, so it is labelled first.
    """

    model: str
    year: int
    total_params: int
    active_params: int
    training_tokens: int
    published_training_flops: float | None
    is_landmark: bool
    source: str


@cache
def known_runs() -> tuple[KnownRun, ...]:
    """Return the runs of ``data/runs.csv``, landmarks first, otherwise in the file's order."""
    text = files("scalecheck").joinpath("data/runs.csv").read_text(encoding="utf-8")
    found = [_run(row) for row in csv.DictReader(text.splitlines())]
    return tuple(sorted(found, key=lambda run: not run.is_landmark))


def _run(row: dict[str, str]) -> KnownRun:
    published = row["published_training_flops"]
    return KnownRun(
        model=row["model"],
        year=int(row["year"]),
        total_params=int(row["total_params"]),
        active_params=int(row["active_params"]),
        training_tokens=int(row["training_tokens"]),
        published_training_flops=float(published) if published else None,
        is_landmark=row["landmark"] == "yes",
        source=row["source"],
    )
