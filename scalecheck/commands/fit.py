"""``scalecheck fit`` fits a scaling law to runs of one's own, says how sure it is, and writes it for policies to judge by."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scalecheck import __version__, fit_outputs, registry
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.law_file import PARAMS_CONVENTIONS, refuse_to_write, write_law
from scalecheck.options import count_or_none
from scalecheck.text import clean, table
from scalecheck.units import format_count, format_flops, format_ratio

if TYPE_CHECKING:
    from scalecheck.own_fit import OwnFit

SUMMARY = "fit a scaling law to a table of your own runs, with intervals, and write it for `law: path` of a policy"
EXAMPLES = (
    "scalecheck fit runs.csv --out conf/scalecheck/law/mine.yaml --units tokens=1e9",
    "scalecheck fit runs.csv --units tokens=1e9 --output html:fit.html --output svg:pictures/",
)
SCHEMA_VERSION = 1
_FORMATS = ("terminal", "json")
_LONG = 2_000_000  # runs times resamples: about a minute of one CPU
_INTERRUPTED = 130  # what a shell reports of a command that Ctrl-C ended
_MIN_RESAMPLES = 20
_MAX_RESAMPLES = 100_000


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    made = argparse.ArgumentParser(
        prog="scalecheck fit",
        description="Fit L(N, D) = E + A/N^alpha + B/D^beta to finished runs: Huber loss, delta 1e-3, of the log loss, summed.",
        epilog="exit codes: 0 fitted, and written where --out says so; 2 could not be fitted or written",
    )
    add = made.add_argument
    add("runs", metavar="RUNS", help="a CSV, TSV, JSON lines, JSON or Parquet file, one run a row; or a multirun directory")
    add("--out", metavar="FILE", help="the law, as YAML (default: it is only shown)")
    add("--force", action="store_true", help="replace --out even where it is no law")
    add("--params", metavar="COL", help="column of N (default: found by its name)")
    add("--tokens", metavar="COL", help="column of D, training tokens")
    add("--loss", metavar="COL", help="column of the final loss, nats per token; of a directory's metrics files too")
    add("--flops", metavar="COL", help="column of C, to take D = C/6N")
    add("--units", metavar="U", help="what a number counts, such as params=1e6,tokens=1e9")
    add("--max-tokens-per-parameter", metavar="X", help="fit only the runs up to this D/N")
    add("--resamples", metavar="K", default="1000", help="bootstrap resamples for the intervals (default: 1000)")
    add("--seed", metavar="S", default="0", help="of the resampling (default: 0)")
    add("--name", metavar="NAME", help="name of the law (default: that of --out, else mine)")
    add("--params-convention", metavar="P", default="total", help=f"which parameters N counts: {', '.join(PARAMS_CONVENTIONS)}")
    add("--format", metavar="F", default="terminal", help="terminal or json (default: terminal)")
    add("--output", metavar="FORM:PATH", action="append", default=[], help="draw it too: html:FILE, svg:FILE, png:FILE, svg:DIR/ for all")
    add("--picture", metavar="NAME", help=f"what svg and png files show: {', '.join(registry.names('fit_pictures'))} (default: surface)")
    return made


def run(arguments: Sequence[str]) -> int:
    """Fit, write and show; returns 0, or 130 where Ctrl-C ended the fit.

    Raises:
        ScalecheckError: the runs cannot be read or give no fit, or the law cannot be written: then nothing is; or a picture cannot.
    """
    options = parser().parse_args(arguments)
    _one_of(options.format, _FORMATS, "--format")
    _one_of(options.params_convention, PARAMS_CONVENTIONS, "--params-convention")
    resamples, seed = _whole(options.resamples, "--resamples", _MIN_RESAMPLES, _MAX_RESAMPLES), _whole(options.seed, "--seed", 0, 2**63)
    out = Path(options.out) if options.out is not None else None
    name = _name(options.name, out)
    outputs = fit_outputs.parsed(options.output, options.picture)
    if out is not None:
        refuse_to_write(out, replace=options.force)
    from scalecheck.own_fit import Asked, fit_object, fit_runs
    from scalecheck.runs_table import Columns, parse_units, read_runs

    columns = Columns(
        params=options.params,
        tokens=options.tokens,
        loss=options.loss,
        flops=options.flops,
        params_convention=options.params_convention,
        max_tokens_per_parameter=_positive(options.max_tokens_per_parameter, "--max-tokens-per-parameter"),
    )
    runs = read_runs(Path(options.runs), columns, parse_units(options.units))
    asked = Asked(name=name, source=options.runs, params_convention=options.params_convention, resamples=resamples, seed=seed)
    _say_where_long(len(runs.observations), resamples)
    try:
        found = fit_runs(runs, asked, _progress())
    except KeyboardInterrupt:
        print("\nscalecheck: interrupted; nothing was written.", file=sys.stderr)
        return _INTERRUPTED
    if out is not None:
        write_law(out, found.law, fit_object(found), replace=options.force)
    is_json = options.format == "json"
    print(json.dumps(_object(found, out), indent=2) if is_json else "\n".join(_lines(found, out)), flush=True)
    _draw(found, outputs, is_told=not is_json)
    return 0


def _draw(found: OwnFit, outputs: Sequence[fit_outputs.FitOutput], *, is_told: bool) -> None:
    """Write the pictures, last: where one cannot be written, the law and the text are there."""
    made = fit_outputs.written(found, outputs)
    if made and is_told:
        print(f"\nDrawn: {', '.join(clean(str(path)) for path in made)}")


def _say_where_long(num_runs: int, resamples: int) -> None:
    """Say before minutes of work that they are coming: a table that large is likely loss curves."""
    if num_runs * resamples > _LONG:
        sentence = f"{num_runs:,} runs and {resamples:,} resamples take minutes or more; --resamples {_MIN_RESAMPLES} is quicker."
        print(f"scalecheck: {sentence} A fit wants one row a run, its final loss, not a loss curve.", file=sys.stderr)


def _progress() -> Callable[[int, int], None] | None:
    """Return what draws a bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        return None

    def draw(done: int, total: int) -> None:
        filled = 30 * done // total
        end = "\r\033[K" if done >= total else ""
        print(f"\rbootstrap [{'#' * filled}{'.' * (30 - filled)}] {done:,}/{total:,}{end}", end="", file=sys.stderr, flush=True)

    return draw


def _one_of(value: str, choices: Sequence[str], option: str) -> None:
    if value not in choices:
        message = f"{option} {clean(value)}: it must be one of {', '.join(choices)}.{did_you_mean(value, choices).split(' Known: ')[0]}"
        raise ScalecheckError(message)


def _whole(text: str, option: str, least: int, most: int) -> int:
    count = count_or_none(text)
    if isinstance(count, int) and least <= count <= most:
        return count
    message = f"{option} {clean(text)}: it needs a whole number from {least} to {most}."
    raise ScalecheckError(message)


def _positive(text: str | None, option: str) -> float | None:
    count = count_or_none(text) if text is not None else None
    if text is not None and not count:
        message = f"{option} {clean(text)}: it needs a number above 0, such as 100."
        raise ScalecheckError(message)
    return None if count is None else float(count)


def _name(asked: str | None, out: Path | None) -> str:
    name = asked if asked is not None else out.stem if out is not None else "mine"
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        message = f"--name {clean(name)}: a law's name has letters, digits, and _ . or - between them."
        raise ScalecheckError(message)
    if name in registry.names("laws"):
        message = f"--name {name}: a shipped law is called so; give yours a name of its own."
        raise ScalecheckError(message)
    return name


def _object(found: OwnFit, out: Path | None) -> dict[str, Any]:
    from scalecheck.own_fit import NAMES, fit_object

    return {
        "schema_version": SCHEMA_VERSION,
        "scalecheck_version": __version__,
        "name": found.law.name,
        "written": None if out is None else str(out),
        "params_convention": found.law.params_convention,
        **{name: getattr(found.law, name) for name in NAMES},
        **fit_object(found),
    }


def _lines(found: OwnFit, out: Path | None) -> Iterator[str]:
    fit, runs = found.fit, found.table
    used = ", ".join(f"{name} from {clean(repr(column))}" for name, column in runs.used.items())
    yield f"{found.law.name}: L(N, D) = E + A/N^alpha + B/D^beta, fitted to {fit.num_rows} of {runs.num_rows} runs ({used})"
    yield from (f"note: {clean(note)}" for note in runs.notes)
    yield f"objective {fit.objective:.8g} (sum of Huber losses, delta 1e-3, of the log loss); largest gradient {fit.gradient_norm:.0e}"
    yield ""
    yield from _coefficients(found)
    yield ""
    yield f"N counts the {found.law.params_convention} parameters, C = 6ND; the loss is taken to be in nats per token."
    yield from _advice(found)
    yield ""
    yield from _second_opinions(found)
    yield ""
    yield from found.verdict.sentences
    if out is not None:
        yield ""
        yield f"The law is in {clean(str(out))}. To judge runs with it, in the policy or on the command line of the app:"
        yield f"  law: {clean(str(out))}"
        yield f"  hydra.callbacks.scalecheck.law={clean(str(out))}"
    else:
        yield "The law was not written; --out conf/scalecheck/law/mine.yaml writes a law that policies can name."


def _coefficients(found: OwnFit) -> Iterator[str]:
    rows = [("", "value", "95 % interval", "")]
    for name, (low, high) in found.intervals.items():
        value = found.fit.params_exponent if name == "a" else getattr(found.fit, name)
        edge = "at the edge of the search" if name in found.fit.at_edge else "of N* ~ C^a" if name == "a" else ""
        rows.append((name, f"{value:.6g}", f"{low:.4g} to {high:.4g}", edge))
    yield from (" ".join(("", *line)).rstrip() for line in table(rows, (0, 3)))


def _advice(found: OwnFit) -> Iterator[str]:
    if not found.advice:
        yield "No N* and D* are given: where a coefficient is at the edge of the search, the search decides them, not the runs."
        return
    has_isoflop = any(advice.isoflop is not None for advice in found.advice)
    second = ("approach 2",) if has_isoflop else ()
    rows: list[tuple[str, ...]] = [("budget C", "N*", "D*", "D*/N*", "95 % interval", *second, "")]
    for advice in found.advice:
        low, high = advice.interval
        rows.append(
            (
                format_flops(advice.flops),
                format_count(advice.params),
                format_count(advice.tokens),
                format_ratio(advice.tokens_per_parameter),
                f"{format_ratio(low)} to {format_ratio(high)}",
                *((format_ratio(advice.isoflop),) if advice.isoflop is not None else ()),
                f"{format_ratio(advice.beyond)}x beyond the runs" if advice.beyond > 1 else "",
            )
        )
    yield from (" ".join(("", *line)).rstrip() for line in table(rows, (len(rows[0]) - 1,)))


def _second_opinions(found: OwnFit) -> Iterator[str]:
    isoflop, held_out = found.isoflop, found.held_out
    if isinstance(isoflop, str):
        yield f"Approach 2: {isoflop}"
    else:
        number = len(isoflop.budgets)
        yield f"Approach 2 (parabolas at {number} budgets): N* ~ C^{isoflop.a:.3f}; the surface has {found.fit.params_exponent:.3f}."
    if held_out is None:
        yield "Held out: nothing, there are too few runs to fit the smaller ones and predict the others."
        return
    yield (
        f"Held out: fitted on the {held_out.num_fitted} runs up to {format_flops(held_out.cut_flops)}, the law predicts the "
        f"{held_out.num_predicted} larger ones (up to {format_ratio(held_out.factor)}x) with a relative error of the loss of "
        f"{held_out.rms_relative_error:.2%} (RMS), {held_out.max_relative_error:.2%} at most, {held_out.bias:+.2%} on average."
    )
