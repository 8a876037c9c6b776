"""The pictures of a fit of one's own: each file has ``ORDER`` and ``picture(found)``; a file that is added is a picture."""

from __future__ import annotations

from collections.abc import Iterator

from scalecheck.drawing import fitted_runs, sets
from scalecheck.drawing.scene import Picture
from scalecheck.fitting import predict
from scalecheck.own_fit import NAMES, OwnFit
from scalecheck.text import clean

FOLDER = "fit_pictures"


def pictures_of(found: OwnFit) -> tuple[Picture, ...]:
    """Return every picture of a fit in its order; one that cannot be made is in its place, with a note that says so."""
    return sets.pictures_of(FOLDER, found)


def runs_of(found: OwnFit) -> tuple[fitted_runs.FittedRun, ...]:
    """Return the runs beside what the fit has for them, those of least C first."""
    seen = found.table.observations
    return fitted_runs.fitted_runs(seen.params, seen.tokens, seen.loss, predict(found.fit, seen.params, seen.tokens))


def lead(found: OwnFit) -> str:
    """Return the verdict on identifiability and its reasons."""
    return " ".join(found.verdict.sentences)


def about(found: OwnFit) -> Iterator[tuple[str, str]]:
    """Yield lines of name and value: the runs, their columns, the coefficients with their intervals, and what was assumed."""
    table, law = found.table, found.law
    yield "runs", f"{found.fit.num_rows:,} of {table.num_rows:,} of {clean(law.citation.where)}"
    yield "columns", ", ".join(f"{name} from {clean(repr(column))}" for name, column in table.used.items())
    yield "law", "L(N, D) = E + A/N^alpha + B/D^beta, by the Huber loss, delta 1e-3, of the log loss, summed"
    for name, (low, high) in found.intervals.items():
        value = getattr(found.fit, name) if name in NAMES else found.fit.params_exponent
        edge = ", at the edge of the search" if name in found.fit.at_edge else ""
        words = name if name in NAMES else "a of N* ~ C^a"
        yield words, f"{value:.6g} (95 % interval {low:.4g} to {high:.4g}{edge})"
    yield "intervals", f"from {found.resamples:,} bootstrap resamples of the runs, seed {found.seed}"
    yield "units", f"N counts the {law.params_convention} parameters, C = 6ND; the loss is taken to be in nats per token"
    yield from (("note", clean(note)) for note in table.notes)
