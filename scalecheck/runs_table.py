"""Finished runs on disk -> ``Observations`` of a fit, or one sentence that says what is wrong with them, and in which rows.

Nothing is repaired in silence: what is kept once, kept twice or left out stands in ``notes``. Tokens in billions would fit as
well as tokens do, and give a law that is off by the unit, so numbers that no run has are asked about instead.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.fitting import MIN_DISTINCT_RUNS, Observations
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN
from scalecheck.identifiability import design_problems
from scalecheck.options import count_or_none
from scalecheck.runs_directory import read_directory
from scalecheck.runs_rows import CONVENTION_NAMES, Row, column, column_names, labels, read_rows, required
from scalecheck.text import clean
from scalecheck.units import format_ratio
from scalecheck.values import dataclass

UNITS = ("params", "tokens", "flops")
MIN_PARAMS = 1e4
"""Below this a column of parameters is taken to be in thousands, millions or billions: no ladder starts with smaller models."""
MIN_TOKENS = 1e6
"""Below this a column of tokens is taken to be in millions or billions."""
_RISES = 0.5
"""A correlation of log C and loss above this is no noise about a falling loss."""
PLAUSIBLE_RATIO = (0.02, 1e5)
"""Tokens per parameter, the median of a table: 20 is where published laws are, and a unit is off by 1e3 or more."""
_REMEDY = "a fit takes the logarithm, so correct or remove what did not train"
MAX_LOSS_NATS = 13.0
"""A uniform guess over 400,000 words has a loss of 13 nats; what is above is a perplexity, or not per token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns that were asked for, and what is wanted of them; ``None``: found by their names."""

    params: str | None = None
    tokens: str | None = None
    loss: str | None = None
    flops: str | None = None
    params_convention: str = "total"
    max_tokens_per_parameter: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsTable:
    """The runs of a table: ``num_rows`` were read, ``observations`` are those that a fit gets, ``used`` says which columns they are."""

    observations: Observations
    num_rows: int
    used: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    label: str
    params: float
    tokens: float
    loss: float


def parse_units(text: str | None) -> dict[str, float]:
    """Return what a number of a column counts: ``params=1e6,tokens=1e9`` says millions of parameters, billions of tokens.

    Raises:
        ScalecheckError: another name, or no number above zero.
    """
    units: dict[str, float] = {}
    for part in (text or "").split(",") if text is not None else ():
        name, _, number = (word.strip() for word in part.partition("="))
        if name not in UNITS:
            message = f"--units {part.strip()[:60]}: units are given as name=number, such as tokens=1e9.{did_you_mean(name, UNITS)}"
            raise ScalecheckError(message)
        count = count_or_none(number)
        if not count:
            message = f"--units {part.strip()[:60]}: a unit is a number above 0, such as {name}=1e9."
            raise ScalecheckError(message)
        units[name] = float(count)
    return units


def read_runs(path: Path, columns: Columns, units: Mapping[str, float]) -> RunsTable:
    """Return the runs of a table (``runs_rows``) or of a multirun directory (``runs_directory``).

    ``units`` are factors by name; a unit that is given, be it 1, is believed. D is C/6N where a table has C in its place.

    Raises:
        ScalecheckError: the file cannot be read, or its runs can give no fit; one sentence, with the rows and what is missing.
    """
    notes: tuple[str, ...] = ()
    if path.is_dir():
        directory = read_directory(path, columns.loss, columns.params_convention)
        rows: Sequence[Row] = directory.rows
        notes = directory.notes
        used = {name: name for name in ("params", "tokens", "loss")}
        units = dict.fromkeys(UNITS, 1.0)  # a report counts single parameters and tokens
        if not rows:
            message = f"{path}: no run in it can be used. {' '.join(notes[1:])}"
            raise ScalecheckError(message)
    else:
        rows = read_rows(path)
        if not rows:
            message = f"{path}: there are no runs in it; a fit needs at least {MIN_DISTINCT_RUNS}, one a row."
            raise ScalecheckError(message)
        used = _columns(rows, columns, str(path))
    runs = _numbers(rows, used, units, str(path))
    _refuse_other_units(runs, used, units, str(path))
    kept, dropped = _without_duplicates(runs)
    kept, cut = _within(kept, columns.max_tokens_per_parameter)
    observations = _observations(kept, " ".join((str(path) + ":", *cut)))
    return RunsTable(observations=observations, num_rows=len(rows), used=used, notes=(*notes, *dropped, *cut, *_loss_note(kept)))


def _observations(runs: Sequence[_Run], where: str) -> Observations:
    """Return the runs as a fit takes them; of a design that identifies nothing there is no fit, only what is missing."""
    if not runs:
        message = f"{where} no runs are left to fit."
        raise ScalecheckError(message)
    observations = Observations(
        params=np.array([run.params for run in runs]),
        tokens=np.array([run.tokens for run in runs]),
        loss=np.array([run.loss for run in runs]),
    )
    problems = design_problems(observations)
    if problems:
        message = f"{where} these runs cannot give a law. {' '.join(problems)}"
        raise ScalecheckError(message)
    return observations


def _columns(rows: Sequence[Row], asked: Columns, where: str) -> dict[str, str]:
    """Return the column of N, of the loss, and of D or else of C."""
    names = column_names(rows)
    if asked.tokens is not None and asked.flops is not None:
        message = f"{where}: --tokens and --flops are both given; D is a column, or C/6N, not both."
        raise ScalecheckError(message)
    used = {"params": _params_column(names, asked, where)}
    tokens = None if asked.flops is not None else column("tokens", asked.tokens, names, where)
    flops = column("flops", asked.flops, names, where) if tokens is None else None
    used |= {"flops": flops} if flops is not None else {"tokens": required(tokens, "tokens", names, where)}
    return {**used, "loss": required(column("loss", asked.loss, names, where), "loss", names, where)}


def _params_column(names: Sequence[str], asked: Columns, where: str) -> str:
    own = CONVENTION_NAMES.get(asked.params_convention, ())
    found = column("params", asked.params, names, where, own) if own else None
    found = found or column("params", asked.params, names, where)
    if found is not None:
        return found
    for convention, others in CONVENTION_NAMES.items():
        other = column("params", None, names, where, others)
        if other is not None:
            message = (
                f"{where}: the only column of parameters is {clean(repr(other))}, and N is to be {asked.params_convention}; "
                f"to fit on it: --params-convention {convention}"
            )
            raise ScalecheckError(message)
    return required(None, "params", names, where)


def _numbers(rows: Sequence[Row], used: Mapping[str, str], units: Mapping[str, float], where: str) -> list[_Run]:
    values: dict[str, list[float]] = {}
    for quantity, name in used.items():
        numbers = [_number(row.values.get(name)) for row in rows]
        bad = [row.label for row, number in zip(rows, numbers, strict=True) if not (math.isfinite(number) and number > 0)]
        if bad:
            shown = clean(repr(next(row for row in rows if row.label == bad[0]).values.get(name))[:60])
            is_comma = re.search(r"\d,\d", shown) is not None
            remedy = "write numbers with a decimal point, and without a comma" if is_comma else _REMEDY
            message = f"{where}: {clean(repr(name))} is no number above 0 in {labels(bad)} (there: {shown}); {remedy}."
            raise ScalecheckError(message)
        values[quantity] = [number * units.get(quantity, 1.0) for number in numbers]
    if "flops" in values:
        pairs = zip(values["flops"], values["params"], strict=True)
        values["tokens"] = [flops / FLOPS_PER_PARAMETER_PER_TOKEN / params for flops, params in pairs]
    quadruples = zip(rows, values["params"], values["tokens"], values["loss"], strict=True)
    return [_Run(label=row.label, params=params, tokens=tokens, loss=loss) for row, params, tokens, loss in quadruples]


def _number(value: Any) -> float:
    """Return a number, NaN for what is none; counts may be written as people write them, ``150M``."""
    if isinstance(value, bool) or value is None:
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        if isinstance(value, str) and re.fullmatch(r"\s*\d{1,3}(,\d{3}){2,}(\.\d*)?\s*", value):
            return float(value.replace(",", ""))  # with two commas they can only separate thousands
        count = count_or_none(value) if isinstance(value, str) else None
        return math.nan if count is None else float(count)


def _refuse_other_units(runs: Sequence[_Run], used: Mapping[str, str], units: Mapping[str, float], where: str) -> None:
    """Ask about numbers that no run has; what ``units`` names was said by a person and is believed."""
    params, tokens = (float(np.median([getattr(run, name) for run in runs])) for name in ("params", "tokens"))
    if "params" not in units and params < MIN_PARAMS:
        scale = "1e9" if params < 20 else "1e6"
        beside = ",tokens=1e9" if tokens < MIN_TOKENS and "tokens" in used else ""
        message = (
            f"{where}: {clean(repr(used['params']))} has a median of {params:,.4g}, too little for parameters. "
            f"In {'billions' if scale == '1e9' else 'millions'}: --units params={scale}{beside}; as it is: --units params=1"
        )
        raise ScalecheckError(message)
    second = "tokens" if "tokens" in used else "flops"
    ratio = tokens / params
    is_plausible = tokens >= MIN_TOKENS and PLAUSIBLE_RATIO[0] <= ratio <= PLAUSIBLE_RATIO[1]
    if second in units:
        return
    if is_plausible:
        _refuse_mixed_units(runs, clean(repr(used[second])), second, where)
        return
    low = ratio < PLAUSIBLE_RATIO[0] or tokens < MIN_TOKENS
    factors = (1e3, 1e6, 1e9, 1e12, 1e15, 1e18, 1e21)
    best = min(factors, key=lambda factor: abs(math.log(ratio * factor / 20))) if low else None
    name, median = clean(repr(used[second])), tokens if second == "tokens" else tokens * params * FLOPS_PER_PARAMETER_PER_TOKEN
    remedy = f"--units {second}=1e{round(math.log10(best))}" if best else "--units params=1e3, 1e6 or 1e9"
    if not best and "params" in units:
        remedy = f"correct --units params={units['params']:g}"
    message = (
        f"{where}: {name} has a median of {median:,.4g}, which is {format_ratio(ratio)} tokens per parameter; "
        f"a unit seems to be off. Try {remedy}; if it is right as it is: --units {second}=1"
    )
    raise ScalecheckError(message)


def _refuse_mixed_units(runs: Sequence[_Run], name: str, quantity: str, where: str) -> None:
    """Ask about single rows that no run has in a table that is plausible as a whole: two tables put together, say."""
    low, high = PLAUSIBLE_RATIO
    odd = [run for run in runs if not (run.tokens >= MIN_TOKENS and low <= run.tokens / run.params <= high)]
    if odd:
        ratio = format_ratio(odd[0].tokens / odd[0].params)
        message = (
            f"{where}: {labels([run.label for run in odd])} may be in another unit than the other rows (there: {ratio} tokens per "
            f"parameter); correct the rows, or if they are right as they are: --units {quantity}=1 ({name})"
        )
        raise ScalecheckError(message)


def _without_duplicates(runs: Sequence[_Run]) -> tuple[list[_Run], list[str]]:
    """Return each run once, and notes of those that were there again, and of those that differ in the loss alone."""
    kept: dict[tuple[float, float, float], _Run] = {}
    again: list[str] = []
    losses: dict[tuple[float, float], list[str]] = {}
    for run in runs:
        key = (run.params, run.tokens, run.loss)
        if key in kept:
            again.append(run.label)
        else:
            kept[key] = run
            losses.setdefault((run.params, run.tokens), []).append(run.label)
    notes = [f"Of runs that are there more than once, each counts once; not counted again: {labels(again)}."] if again else []
    differing = [label for group in losses.values() if len(group) > 1 for label in group]
    if differing:
        notes.append(f"The same N and D with different losses, all kept: {labels(differing)}.")
    return list(kept.values()), notes


def _within(runs: Sequence[_Run], most: float | None) -> tuple[list[_Run], list[str]]:
    if most is None:
        return list(runs), []
    kept = [run for run in runs if run.tokens / run.params <= most * (1 + 1e-9)]
    return kept, [f"{len(kept)} of {len(runs)} runs have at most {most:g} tokens per parameter; the others are left out."]


def _loss_note(runs: Sequence[_Run]) -> list[str]:
    log_flops, losses = np.log([run.params * run.tokens for run in runs]), np.array([run.loss for run in runs])
    if np.ptp(losses) > 0 and np.ptp(log_flops) > 0 and np.corrcoef(log_flops, losses)[0, 1] > _RISES:
        return ["The loss rises with compute, where a law has it fall; is it an accuracy?"]
    high = [run.label for run in runs if run.loss > MAX_LOSS_NATS]
    if not high:
        return []
    return [f"A loss above {MAX_LOSS_NATS:g} nats per token is worse than a uniform guess; is it a perplexity? {labels(high)}."]
