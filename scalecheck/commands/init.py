"""``scalecheck init`` writes a policy file for a repo: what was found in its config, and a line to fill in for all that was not."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from scalecheck.atomic import umask, written_beside
from scalecheck.composing import Composed, add_options, checked, composed
from scalecheck.errors import ScalecheckError
from scalecheck.mapping_file import Sketch, mapping_file
from scalecheck.survey import survey

SUMMARY = "write a policy file for a repo, with a line to fill in for every number that its config does not tell"
EXAMPLES = ("scalecheck init --config-dir conf --config-name train --output conf/scalecheck/ours.yaml",)
_SHIPPED = ("default", "strict")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    made = argparse.ArgumentParser(
        prog="scalecheck init",
        description="Compose a config as the app would and write a policy file for it. Options and overrides may stand in any order.",
        epilog="exit codes: 0 written, 2 could not do its work",
    )
    made.add_argument("overrides", nargs="*", metavar="override", help="overrides as you would type them: model=large +x=1 ~y")
    add_options(made)
    made.add_argument("--output", "-o", metavar="FILE", help="where to write it, such as conf/scalecheck/ours.yaml (default: print it)")
    made.add_argument("--force", action="store_true", help="replace a file that is there")
    return made


def run(arguments: Sequence[str]) -> int:
    """Write or print the file; returns 0.

    Raises:
        ScalecheckError: the config cannot be composed, or the file is there already or cannot be written.
    """
    options = parser().parse_intermixed_args(arguments)
    output = Path(options.output) if options.output else None
    if output is not None and output.exists() and not options.force:
        raise ScalecheckError(_is_there(output))
    with composed(options, options.overrides) as main:
        text = _text(main)
    if output is None:
        print(text, end="")
        return 0
    try:
        _write(output, text, replaces=options.force)
    except OSError as failure:
        message = _is_there(output) if output.exists() and not options.force else f"cannot write {output}: {failure.strerror}."
        raise ScalecheckError(message) from failure
    print(f"wrote {output}; {_how_to_use(main, output)}", file=sys.stderr)
    return 0


def _text(main: Composed) -> str:
    from scalecheck.locating import locator
    from scalecheck.views import ConfigView

    job = checked(main)
    is_of_hydra = main.locate is None
    return mapping_file(
        Sketch(
            job=job,
            survey=survey(ConfigView(main.config)),
            locate=main.locate or locator(main.config),
            mapped=main.policy.read,
            intent=main.policy.intent,
            base=_base(main) if is_of_hydra else None,
        )
    )


def _chosen(main: Composed) -> str | None:
    """Return the option of the group ``scalecheck`` that the config has; ``None`` where it has no such line."""
    choices = main.config.hydra.runtime.choices if main.locate is None else {}
    return str(choices["scalecheck"]) if "scalecheck" in choices else None


def _base(main: Composed) -> str:
    chosen = _chosen(main)
    return chosen if chosen in _SHIPPED else _SHIPPED[0]


def _how_to_use(main: Composed, output: Path) -> str:
    if main.locate is not None:
        return f"fill in its empty lines and give it last: --config {output}"
    sign = "" if _chosen(main) else "+"
    return f"fill in its empty lines; in the group scalecheck of the config directory it is chosen by {sign}scalecheck={output.stem}"


def _is_there(output: Path) -> str:
    return f"{output} is there already and is not replaced; --force does that."


def _write(path: Path, text: str, *, replaces: bool) -> None:
    """Write a whole file or none, and never over another one unless it is to be replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(path, text) as temporary:
        Path(temporary).chmod(0o666 & ~umask())  # a temporary file is its owner's alone
        if not replaces:
            _link(temporary, path)
        else:
            os.replace(temporary, path)  # noqa: PTH105 - atomic on every platform


def _link(temporary: str, path: Path) -> None:
    """Give a file its name, which fails where one is there by now; on a file system without links, where one was there just before."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise
        os.replace(temporary, path)  # noqa: PTH105
