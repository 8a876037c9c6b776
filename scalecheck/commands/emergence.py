"""``scalecheck emergence`` lists at how many FLOPs published models first showed an ability, beside a run's own C. Information only."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from scalecheck import __version__
from scalecheck.composing import add_options, checked, composed
from scalecheck.emergence import SOURCE, Ability, abilities, caveats, sentence, split
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.facts import Job, Unknown
from scalecheck.text import clean
from scalecheck.units import format_flops, parse_count
from scalecheck.values import dataclass

SUMMARY = "list the abilities that published models first showed above and below a run's FLOPs; information, never a finding"
EXAMPLES = (
    "scalecheck emergence --config-dir conf --config-name train model=large",
    "scalecheck emergence --flops 1e22",
)
_FORMATS = ("terminal", "json")
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Budget:
    """A run's C, an upper bound of it where ``is_at_most``; or why there is none to compare."""

    flops: float | None = None
    is_at_most: bool = False
    silence: str = ""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    made = argparse.ArgumentParser(
        prog="scalecheck emergence",
        description="List, from a published table, the abilities first reported above and below a run's training FLOPs.",
        epilog="exit codes: 0 listed, also where nothing applies to the run; 2 could not do its work, C unknown among it",
    )
    made.add_argument("overrides", nargs="*", metavar="override", help="overrides of the config")
    add_options(made)
    made.add_argument("--flops", metavar="C", help="a bare budget of training FLOPs, such as 1e22, instead of a config")
    made.add_argument("--format", default="terminal", metavar="F", help="terminal or json (default: terminal)")
    return made


def run(arguments: Sequence[str]) -> int:
    """List the table beside the run's C; returns 0.

    Raises:
        ScalecheckError: the config cannot be composed or read, or C of the run is unknown.
    """
    options = parser().parse_intermixed_args(arguments)
    if options.format not in _FORMATS:
        message = f"--format {options.format}: the table is shown as {' or '.join(_FORMATS)}.{did_you_mean(options.format, _FORMATS)}"
        raise ScalecheckError(message)
    budget = _of_config(options) if options.flops is None else _of_flops(options)
    if options.format == "json":
        print(json.dumps(_object(budget), indent=2))
    else:
        print("\n".join(_lines(budget)))
    return 0


def _of_flops(options: argparse.Namespace) -> _Budget:
    beside = next(iter(options.overrides), None) or getattr(options, "typed_for_hydra", None) or ("--config" if options.config else None)
    if beside:
        message = f"--flops is a budget by itself, and {beside} is of a config: leave one of them out."
        raise ScalecheckError(message)
    flops = float(parse_count(options.flops))
    if not (flops > 0 and math.isfinite(flops)):
        message = f"--flops {options.flops}: a budget is a number of FLOPs above zero, such as 1e22."
        raise ScalecheckError(message)
    return _Budget(flops=flops)


def _of_config(options: argparse.Namespace) -> _Budget:
    with composed(options, options.overrides) as main:
        job = checked(main)
    plan, flops = job.run.reading.plan, job.run.account.training_flops
    if plan.intent_reason:
        return _Budget(silence=plan.intent_reason)
    if flops is None:
        raise ScalecheckError(_why_unknown(job))
    if not 0 < flops < 10**300:
        message = "C of this run is no number that a run has, so nothing is listed; scalecheck explain C says how it came about."
        raise ScalecheckError(message)
    return _Budget(flops=float(flops), is_at_most=plan.tokens_status == "upper_bound")


def _why_unknown(job: Job) -> str:
    """Say what C lacks and, for each, the lines of which one would tell it."""
    reading = job.run.reading
    reasons = [f"{item.field}: {clean(item.reason).rstrip('.')}" for item in reading.impossible]
    reasons += [f"{item.field}: {clean(item.reason).rstrip('.')}{_remedies(item)}" for item in reading.unknowns]
    reasons = reasons or [clean(job.run.account.training_flops_because) or "the config does not tell N or D"]
    return f"C of this run is unknown, so nothing can be listed beside it: {'; '.join(reasons)}."


def _remedies(unknown: Unknown) -> str:
    return f" (to tell it: {' or '.join(map(clean, unknown.remedies))})" if unknown.remedies else ""


def _silence(budget: _Budget) -> str:
    table = "nothing is listed: the table is about language models pre-trained from scratch"
    return f"{table}, and this run is not one ({clean(budget.silence)})"


def _lines(budget: _Budget) -> Iterator[str]:
    if budget.flops is None:
        yield _silence(budget)
        return
    found = split(budget.flops, abilities())
    yield f"C {'at most ' if budget.is_at_most else ''}{format_flops(budget.flops)}, beside {SOURCE}"
    yield from _rows("first reported above this C", found.above)
    yield from _rows("first reported at or below this C, which does not say that this run will show them", found.below)
    yield from _rows("without a figure", found.without_figure)
    yield ""
    yield "how to read it (information only; no rule uses it):"
    yield from (f"  - {caveat}" for caveat in caveats())


def _rows(title: str, rows: Sequence[Ability]) -> Iterator[str]:
    yield ""
    yield f"{title}:"
    yield from (f"  {sentence(row)}" for row in rows)
    if not rows:
        yield "  none in the table"


def _object(budget: _Budget) -> dict[str, Any]:
    made: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "scalecheck_version": __version__, "source": SOURCE}
    made |= {"flops": budget.flops, "is_at_most": budget.is_at_most, "nothing_listed_because": budget.silence or None}
    if budget.flops is None:
        return made
    found = split(budget.flops, abilities())
    parts = {"above": found.above, "at_or_below": found.below, "without_figure": found.without_figure}
    made |= {name: [asdict(row) | {"sentence": sentence(row)} for row in rows] for name, rows in parts.items()}
    return made | {"caveats": caveats()}
