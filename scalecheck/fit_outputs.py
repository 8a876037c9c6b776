"""Where a fit's pictures go: ``--output FORM:PATH`` of ``scalecheck fit``, each file whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from scalecheck import registry
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.text import clean, shown
from scalecheck.values import dataclass

if TYPE_CHECKING:
    from scalecheck.drawing.scene import Picture
    from scalecheck.own_fit import OwnFit

Form = Literal["html", "svg", "png"]
FORMS: tuple[Form, ...] = get_args(Form)
FOLDER = "fit_pictures"


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOutput:
    """A form, and where it goes as it was typed: a slash at its end makes it a directory. ``picture`` is the one chosen."""

    form: Form
    path: str
    picture: str | None = None


def parsed(texts: Sequence[str], picture: str | None = None) -> tuple[FitOutput, ...]:
    """Return what ``--output`` and ``--picture`` ask for, before any work is done.

    Raises:
        ScalecheckError: there is no such form or picture, no file is named, no output draws the picture, or a library is missing.
    """
    found = tuple(_parsed(text, picture) for text in texts)
    if picture is not None:
        known = registry.names(FOLDER)
        if picture not in known:
            message = f"--picture {shown(picture)[1:-1]}: a fit has no such picture.{did_you_mean(picture, known)}"
            raise ScalecheckError(message)
        if not any(output.form != "html" for output in found):
            message = f"--picture {picture}: no output draws one; add --output svg:{picture}.svg or --output png:{picture}.png."
            raise ScalecheckError(message)
    if found and not (find_spec("matplotlib") and find_spec("jinja2")):
        from scalecheck.drawing.canvas import INSTALL

        raise ScalecheckError(INSTALL)
    return found


def _parsed(text: str, picture: str | None) -> FitOutput:
    form, _, path = text.partition(":")
    for known in FORMS:
        if form == known:
            if path in ("", "-"):
                message = f"--output {shown(text)[1:-1]}: pictures of a fit go to a file; write {form}:FILE."
                raise ScalecheckError(message)
            if form == "html" and path.endswith("/"):
                message = f"--output {shown(text)[1:-1]}: a page is one file, no directory; write html:{shown(path)[1:-1]}fit.html."
                raise ScalecheckError(message)
            return FitOutput(form=known, path=path, picture=None if known == "html" else picture)
    message = f"--output {shown(text)[1:-1]}: a fit is drawn as {', '.join(FORMS)}.{did_you_mean(form, FORMS).split(' Known: ')[0]}"
    raise ScalecheckError(message)


def written(found: OwnFit, outputs: Sequence[FitOutput]) -> list[Path]:
    """Write the outputs and return their files.

    Raises:
        ScalecheckError: one cannot be drawn or written, and why; the others are.
    """
    if not outputs:
        return []
    from scalecheck.fit_pictures import pictures_of

    pictures = pictures_of(found)
    made: list[Path] = []
    failures: list[str] = []
    for output in outputs:
        try:
            made += _written(found, pictures, output)
        except ScalecheckError as error:  # noqa: PERF203 - the others are still written
            failures.append(f"--output {output.form}:{shown(output.path)[1:-1]}: {error}")
    if failures:
        raise ScalecheckError(" ".join(failures))
    return made


def _written(found: OwnFit, pictures: Sequence[Picture], output: FitOutput) -> list[Path]:
    from scalecheck.drawing import files
    from scalecheck.fit_pictures import about, lead

    if output.form != "html":
        return files.write_picture(pictures, output.form, output.path, output.picture)
    from scalecheck import page

    text = page.html_of_pictures(f"Scaling law {clean(found.law.name)}", lead(found), pictures, tuple(about(found)))
    files.put(Path(output.path), text.encode("utf-8", "backslashreplace"))
    return [Path(output.path)]
