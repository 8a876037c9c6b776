"""Where reports go: ``--output FORM[:PATH]``, several at once; a file appears whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace as replaced
from pathlib import Path

from scalecheck import registry
from scalecheck.atomic import replace
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.facts import Report
from scalecheck.text import shown, wants_color
from scalecheck.values import dataclass

SUMMARY_PATH = Path("github-summary")
"""It stands for the file that a job summary of GitHub Actions is added to."""
SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
_SUMMARY_NAMES = (f"${SUMMARY_VARIABLE}", f"${{{SUMMARY_VARIABLE}}}")  # as in a file of settings, where no shell puts it in
_PICTURES = ("svg", "png")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A format, and the file that it is written to; ``None`` is standard output. ``picture`` names the one that svg and png draw.

    ``is_directory``: the path was typed with a slash at its end.
    """

    form: str
    path: Path | None = None
    is_directory: bool = False
    picture: str | None = None


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
    if path in _SUMMARY_NAMES:
        return Output(form=form, path=SUMMARY_PATH)
    return Output(form=form, path=Path(path), is_directory=path.endswith(("/", os.sep)))


def of_picture(outputs: Iterable[Output], name: str | None) -> list[Output]:
    """Return the outputs with the picture that ``--picture`` names in those that draw one.

    Raises:
        ScalecheckError: there is no such picture, or no output that draws one.
    """
    found = list(outputs)
    if name is None:
        return found
    known = registry.names("pictures")
    if name not in known:
        message = f"--picture {shown(name)[1:-1]}: there is no such picture.{did_you_mean(name, known)}"
        raise ScalecheckError(message)
    if not any(output.form in _PICTURES for output in found):
        message = f"--picture {name}: no output draws one; add --output svg:{name}.svg or --output png:{name}.png."
        raise ScalecheckError(message)
    return [replaced(output, picture=name) if output.form in _PICTURES else output for output in found]


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
    if output.form == "png" and output.path is None and sys.stdout.isatty():
        message = "--output png: a picture is not printed to a terminal; name a file: --output png:FILE."
        raise ScalecheckError(message)
    if output.form in _PICTURES and _is_many(output):
        _put_all(report, output)
        return
    content = _content(report, output)
    if output.path is None:
        _print(content)
        return
    content = content.encode() if isinstance(content, str) else content
    path = _real_path(output, os.environ)
    if output.form == "png" and _is_summary(path, os.environ):
        message = f"--output {_typed(output)}: a job summary is text and takes no picture; name a file: --output png:FILE."
        raise ScalecheckError(message)
    try:
        if _is_summary(path, os.environ):
            _add(path, content)
        else:
            replace(path, content)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = error.strerror or error if isinstance(error, OSError) else error
        message = f"--output {_typed(output)}: it cannot be written: {why}."
        raise ScalecheckError(message) from None


def _content(report: Report, output: Output) -> str | bytes:
    if output.picture is not None:
        from scalecheck import page
        from scalecheck.drawing import files

        made = files.content(page.pictures_of(report), "png" if output.form == "png" else "svg", output.picture)
        return made if output.form == "png" else made.decode()
    color = output.form == "terminal" and output.path is None and wants_color(sys.stdout)
    text: str | bytes = registry.load("formats", output.form).render(report, color=color)
    # Formats escape what is no UTF-8; were one to forget, an escape is better than no file.
    return text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace").decode()


def _is_many(output: Output) -> bool:
    from scalecheck.drawing import files

    return output.path is not None and (output.is_directory or files.is_directory(output.path))


def _put_all(report: Report, output: Output) -> None:
    from scalecheck import page
    from scalecheck.drawing import files

    try:
        files.write_picture(page.pictures_of(report), "png" if output.form == "png" else "svg", f"{output.path}/", output.picture)
    except ScalecheckError as error:
        message = f"--output {_typed(output)}: {error}"
        raise ScalecheckError(message) from None


def _typed(output: Output) -> str:
    return f"{output.form}:{shown(str(output.path))[1:-1]}"


def _print(content: str | bytes) -> None:
    try:
        if isinstance(content, bytes):
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
        else:
            sys.stdout.write(content)
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


def _add(path: Path, content: bytes) -> None:
    """Add to a file; where that fails half-way, what was added is taken away again."""
    with path.open("ab") as file:
        before = file.tell()
        try:
            file.write(content)
            file.flush()
        except OSError:
            file.truncate(before)
            raise
