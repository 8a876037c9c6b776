"""``scalecheck explain`` prints the arithmetic behind N, D and C, and where every number of it was read; or a rule's manual page."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from scalecheck import __version__, manual
from scalecheck.arithmetic import value_of
from scalecheck.composing import add_options, checked, composed
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.explain import explain, fields_of
from scalecheck.facts import Job

SUMMARY = "say how N, D, C or any other number came about, and which file and line each factor was read from; or what a rule is about"
EXAMPLES = (
    "scalecheck explain D --config-dir conf --config-name train trainer.max_steps=5000",
    "scalecheck explain model.n_layer --config-dir conf --config-name train model=large",
    "scalecheck explain undertrained",
)
_FORMATS = ("terminal", "json")
SCHEMA_VERSION = 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    made = argparse.ArgumentParser(
        prog="scalecheck explain",
        description="Compose a config as the app would and say where its numbers come from. Options and overrides may stand in any order. "
        f"The name of a rule alone prints its manual page, without any config: {', '.join(manual.names())}.",
        epilog="exit codes: 0 explained, also where the answer is that nothing is known by that name; 2 could not do its work",
    )
    words = "a rule; N, D, C, tokens_per_parameter, laws, intent, a field such as num_steps, a config key, or all (default); and overrides"
    made.add_argument("words", nargs="*", metavar="KEY|override", help=words)
    add_options(made)
    made.add_argument("--format", default="terminal", metavar="F", help="terminal or json (default: terminal)")
    return made


def run(arguments: Sequence[str]) -> int:
    """Explain what the arguments name; returns 0.

    Raises:
        ScalecheckError: the config cannot be composed or read.
    """
    options = parser().parse_intermixed_args(arguments)
    if options.format not in _FORMATS:
        message = f"--format {options.format}: an explanation is shown as {' or '.join(_FORMATS)}.{did_you_mean(options.format, _FORMATS)}"
        raise ScalecheckError(message)
    overrides = [word for word in options.words if _is_override(word)]
    asked = [word for word in options.words if not _is_override(word)] or ["all"]
    if all(what in manual.names() for what in asked) and not overrides:
        print(_pages(asked, options.format))
        return 0
    try:
        with composed(options, overrides) as main:
            job = checked(main)
    except ScalecheckError as broken:
        message = f"{broken}{_nearest_rule(asked)}"
        raise ScalecheckError(message) from None
    if options.format == "json":
        print(json.dumps([_object(job, what) for what in asked], indent=2))
    else:
        print("\n".join(line for what in asked for line in explain(job, what)))
    return 0


def _pages(names: Sequence[str], form: str) -> str:
    """Return manual pages, which need no config."""
    if form == "json":
        versions = {"schema_version": SCHEMA_VERSION, "scalecheck_version": __version__}
        return json.dumps([versions | {"asked": name, "page": manual.page(name)} for name in names], indent=2)
    return "\n".join(manual.page(name) for name in names).rstrip("\n")


def _nearest_rule(asked: Sequence[str]) -> str:
    """Return what may have been meant where no config can be composed, which the page of a rule does not need."""
    near = next((hint for name in asked if (hint := did_you_mean(name, manual.names())).startswith(" Did")), "")
    return near.replace(" Did you mean", " Did you mean the rule", 1)


def _is_override(word: str) -> bool:
    return "=" in word or word.startswith(("~", "+"))


def _object(job: Job, what: str) -> dict[str, Any]:
    origins = job.run.reading.origins
    return {
        "schema_version": SCHEMA_VERSION,
        "scalecheck_version": __version__,
        "asked": what,
        "name": job.name,
        "lines": list(explain(job, what)),
        "values": {name: {"value": _plain(value_of(job, name)), **asdict(origins[name])} for name in fields_of(job, what)},
    }


def _plain(value: object) -> Any:
    return value if isinstance(value, str | int | float | None) else list(value) if isinstance(value, tuple) else str(value)
