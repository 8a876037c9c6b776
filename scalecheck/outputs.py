"""Where reports go: ``--output FORM[:PATH]``, several at once; a file appears whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from scalecheck import registry
from scalecheck.atomic import written_beside
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.facts import Report
from scalecheck.text import shown, wants_color
from scalecheck.values import dataclass

SUMMARY_PATH = Path("github-summary")
"""It stands for the file that a job summary of GitHub Actions is added to."""
SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
_SUMMARY_NAMES = (f"${SUMMARY_VARIABLE}", f"${{{SUMMARY_VARIABLE}}}")  # as in a file of settings, where no shell puts it in


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A format, and the file that it is written to; ``None`` is standard output."""

    form: str
    path: Path | None = None


def parse_output(text: str) -> Output:
    """Return what ``sarif:out.sarif`` or ``terminal`` asks for; ``-`` is standard output.

    Raises:
        ScalecheckError: there is no such format, or no path after the colon.
    """
    form, colon, path = text.partition(":")
    known = registry.names("formats")
    if form not in known:
        message = f"--output {shown(text)}: there is no format {shown(form)}.{did_you_mean(form, known)}"
        raise ScalecheckError(message)
    if colon and not path:
        message = f"--output {shown(text)}: no file after the colon; write {form}:FILE, or {form} alone for standard output."
        raise ScalecheckError(message)
    if path in ("", "-"):
        return Output(form=form)
    return Output(form=form, path=SUMMARY_PATH if path in _SUMMARY_NAMES else Path(path))


def written(report: Report, outputs: Iterable[Output]) -> None:
    """Print the report in each format without a file, then write the files, each whole or not at all.

    The file ``github-summary`` is the one that GITHUB_STEP_SUMMARY names; that one is added to, as other steps write there too.

    Raises:
        ScalecheckError: a file cannot be written, or standard output; those that can be are.
    """
    failures = [_failure(report, output) for output in sorted(outputs, key=lambda output: output.path is not None)]
    for failure in failures:
        if failure is not None:
            raise failure


def _failure(report: Report, output: Output) -> ScalecheckError | None:
    try:
        _put(report, output)
    except ScalecheckError as error:
        return error
    return None


def _put(report: Report, output: Output) -> None:
    color = output.form == "terminal" and output.path is None and wants_color(sys.stdout)
    text = registry.load("formats", output.form).render(report, color=color)
    # Formats escape what is no UTF-8; were one to forget, an escape is better than no file.
    text = text.encode("utf-8", "backslashreplace").decode()
    if output.path is None:
        _print(text)
        return
    path = _real_path(output, os.environ)
    try:
        if _is_summary(path, os.environ):
            _add(path, text)
        else:
            _replace(path, text)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = error.strerror or error if isinstance(error, OSError) else error
        message = f"--output {output.form}:{shown(str(output.path))[1:-1]}: it cannot be written: {why}."
        raise ScalecheckError(message) from None


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        message = f"standard output cannot be written: {error.strerror or error}."
        raise ScalecheckError(message) from None


def _real_path(output: Output, environ: Mapping[str, str]) -> Path:
    """Return the file of an output.

    Raises:
        ScalecheckError: it is the job summary's, and there is none.
    """
    path = output.path or SUMMARY_PATH
    if path != SUMMARY_PATH:
        return path
    named = environ.get(SUMMARY_VARIABLE)
    if not named:
        message = (
            f"--output {output.form}:{SUMMARY_PATH}: {SUMMARY_VARIABLE} is not set, so this is no step of GitHub Actions; "
            f"elsewhere name a file: --output {output.form}:summary.md."
        )
        raise ScalecheckError(message)
    return Path(named)


def _is_summary(path: Path, environ: Mapping[str, str]) -> bool:
    """Tell whether it is the job summary's file, also where a shell has put its name in."""
    return bool(environ.get(SUMMARY_VARIABLE)) and path == Path(environ[SUMMARY_VARIABLE])


def _add(path: Path, text: str) -> None:
    """Add to a file; where that fails half-way, what was added is taken away again."""
    with path.open("ab") as file:
        before = file.tell()
        try:
            file.write(text.encode())
            file.flush()
        except OSError:
            file.truncate(before)
            raise


def _replace(path: Path, text: str) -> None:
    """Write a file, its directory too where there is none, and keep its mode; a device or a pipe is written as it is."""
    target = Path(os.path.realpath(path))  # a link stays one
    found = target.stat() if target.exists() else None
    if found and stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(21, "it is a directory")
    if found and not stat.S_ISREG(found.st_mode):
        with target.open("w", encoding="utf-8") as device:
            device.write(text)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(target, text) as temporary:
        Path(temporary).chmod(stat.S_IMODE(found.st_mode) if found else 0o666 & ~_umask())
        Path(temporary).replace(target)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
