"""``scalecheck count`` prints the ledger of a model: its parameters and FLOPs part by part, from a ``config.json`` or a Hydra config."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from scalecheck import registry
from scalecheck.account import count
from scalecheck.composing import add_options, checked, composed
from scalecheck.config_file import read_config_file
from scalecheck.errors import ConfigError, ScalecheckError
from scalecheck.facts import PLAN_FIELDS, AttentionConvention, Counted, Origin, Reading
from scalecheck.survey import whole
from scalecheck.text import shown, wants_color

SUMMARY = "count a model's parameters and FLOPs, part by part: of a config.json on disk, or of a repo's config"
EXAMPLES = (
    "scalecheck count path/to/config.json --sequence-length 4096",
    "scalecheck count --config-dir conf --config-name train model=large --format json",
    "scalecheck count path/to/config.json --plot ledger.svg",
)
DEFAULT_LENGTH = 2048
PLOTS = (".svg", ".png", ".html")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    made = argparse.ArgumentParser(
        prog="scalecheck count",
        description="Count a model's parameters and matmul FLOPs, part by part. Options and overrides may stand in any order.",
        epilog="exit codes: 0 counted, 2 could not be counted",
    )
    add = made.add_argument
    add("what", nargs="*", metavar="PATH|override", help="a Hugging Face config.json, or a directory that has one; else Hydra overrides")
    add_options(made)
    add("--format", default="terminal", metavar="F", help="terminal or json (default: terminal)")
    add(
        "--sequence-length",
        metavar="T",
        help=f"tokens of one sequence (default: what the config trains on, else {DEFAULT_LENGTH}, assumed)",
    )
    add("--source-length", metavar="T", help="tokens of the encoder's sequence in an encoder-decoder (default: as long)")
    add("--instantiate", action="store_true", help="build the model with the repo's own code too, and count it; runs that code")
    add("--attention", choices=get_args(AttentionConvention), help="pairs that are counted: full TxT (default), causal, within windows")
    add("--plot", metavar="FILE", type=Path, help="draw the ledger too, into a .svg, .png or .html file; needs scalecheck[report]")
    return made


def run(arguments: Sequence[str]) -> int:
    """Count what the arguments name; returns 0, or 2 where the reasons why not were printed.

    Raises:
        ScalecheckError: a file or config that cannot be read, a format that has no ledger.
    """
    options = parser().parse_intermixed_args(arguments)
    renderer = registry.load("formats", options.format)
    if not hasattr(renderer, "render_count"):
        message = f"--format {options.format}: a ledger is shown as terminal or json."
        raise ScalecheckError(message)
    if options.plot is not None and options.plot.suffix not in PLOTS:
        message = f"--plot {shown(str(options.plot))[1:-1]}: a ledger is drawn into a file whose name ends in {' or '.join(PLOTS)}."
        raise ScalecheckError(message)
    counted = _counted(options)
    problems = _problems(counted)
    if counted.account.parts or counted.account.total_params is not None:
        color = options.format == "terminal" and wants_color(sys.stdout)
        print(renderer.render_count(counted, color=color).rstrip("\n"))
        if options.plot is not None:
            _plot(counted, options.plot)
    for problem in problems:
        print(f"scalecheck: error: {problem}", file=sys.stderr)
    return 2 if problems else 0


def _plot(counted: Counted, path: Path) -> None:
    """Draw the ledger into a file.

    Raises:
        ScalecheckError: nothing is known of the model's parts, the libraries are missing, or the file cannot be written.
    """
    from scalecheck.drawing import files
    from scalecheck.drawing.ledger import picture_of_account
    from scalecheck.notebook import account_sentence

    name = counted.reading.shape.family if counted.reading.shape else "model"
    picture = picture_of_account(counted.account, name)
    if picture.draw is None:
        message = f"--plot {path}: {' '.join(picture.notes)}"
        raise ScalecheckError(message)
    if path.suffix != ".html":
        files.write_picture([picture], "svg" if path.suffix == ".svg" else "png", path)
        return
    from scalecheck import page

    about = [("config", counted.source)]
    text = page.html_of_pictures(f"The ledger of {name}", account_sentence(counted.account, name), [picture], about)
    files.put(path, text.encode("utf-8", "backslashreplace"))


def _problems(counted: Counted) -> list[str]:
    """Return what is wrong with the model, else what is untold about it; what the training plan lacks is no matter here."""
    reading = counted.reading
    found = [(item.field, item.reason) for item in reading.impossible if item.field not in PLAN_FIELDS]
    found += [(item.field, item.reason) for item in reading.unknowns if item.field == "module"]
    if not found and counted.account.total_params is None:
        found = [(item.field, item.reason) for item in reading.unknowns if item.field not in PLAN_FIELDS]
        found = found or [("", "no model was found in it")]
    places = [reading.origins.get(field, Origin()) for field, _ in found]
    where = [f"{origin.file}:{origin.line}" if origin.file and origin.line else counted.source for origin in places]
    return [f"{place}: {reason}" for place, (_, reason) in zip(where, found, strict=True)]


def _counted(options: argparse.Namespace) -> Counted:
    paths = [word for word in options.what if _is_path(word)]
    if paths and len(options.what) > 1:
        beside = next((word for word in options.what if word != paths[0]), paths[0])
        message = f"{paths[0]} is a path, and beside it stands {beside!r}: give one path, or overrides of a repo's config."
        raise ScalecheckError(message)
    if not paths:
        return _of_repo(options)
    if options.instantiate:
        message = f"--instantiate builds what a repo's config names with _target_, and {paths[0]} names no code."
        raise ScalecheckError(message)
    return _count(paths[0], read_config_file(Path(paths[0])), options, "full")


def _is_path(word: str) -> bool:
    return word.endswith(".json") or ("=" not in word and not word.startswith("~") and (os.sep in word or Path(word).exists()))


def _of_repo(options: argparse.Namespace) -> Counted:
    from scalecheck import launch
    from scalecheck.pipeline import with_module

    with composed(options, options.what) as main:
        job = checked(main)
        # What the policy wants built at a launch is no matter here, unless it is asked for.
        unknowns = tuple(unknown for unknown in job.run.reading.unknowns if unknown.field != "module")
        reading = replace(job.run.reading, unknowns=unknowns)
        if options.instantiate:
            length = _with_lengths(reading, options)[0].plan.sequence_length
            reading = with_module(reading, launch.count_user_code(main.config, main.policy, main.prefix, length))
    source = main.name if options.config else f"{options.config_dir}/{options.config_name}"
    return _count(source, reading, options, job.run.account.attention)


def _count(source: str, reading: Reading, options: argparse.Namespace, attention: AttentionConvention) -> Counted:
    reading, source_length = _with_lengths(reading, options)
    account = count(reading, options.attention or attention, source_length=source_length)
    if account.sequence_length is not None and account.sequence_length != reading.plan.sequence_length:
        own = Origin(because=f"{account.sequence_length} tokens: the model's own, whatever is asked for")
        reading = replace(reading, origins={**reading.origins, "sequence_length": own})
    return Counted(source=source, reading=reading, account=account)


def _with_lengths(reading: Reading, options: argparse.Namespace) -> tuple[Reading, int | None]:
    """Put the asked lengths in, or the default one, which is marked assumed."""
    length, source_length = (_length(name, getattr(options, name)) for name in ("sequence_length", "source_length"))
    origin = Origin(because=f"--sequence-length {length}")
    if length is None and reading.plan.sequence_length is None:
        origin = Origin(assumed=True, because=f"{DEFAULT_LENGTH} tokens: not set, and FLOPs depend on it; --sequence-length tells")
        length = DEFAULT_LENGTH
    if length is None:
        return reading, source_length
    plan = replace(reading.plan, sequence_length=length)
    return replace(reading, plan=plan, origins={**reading.origins, "sequence_length": origin}), source_length


def _length(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    option = f"--{name.replace('_', '-')}"
    told = whole(name, option, int(text) if text.isdecimal() and len(text) < 20 else text)
    if not isinstance(told, int):
        message = f"{option} {text[:40]}: it needs a whole number of tokens above zero, such as 4096."
        raise ConfigError(message)
    return told
