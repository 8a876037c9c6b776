"""The command line: finds the command, and turns what goes wrong into one sentence and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from scalecheck import __version__, registry
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.redaction import redacted

EXIT_CLEAN, EXIT_FINDINGS, EXIT_CANNOT = 0, 1, 2
EXIT_INTERRUPTED = 130  # what a shell reports of a command that Ctrl-C ended
_INTRODUCTION = """\
scalecheck reads a composed Hydra training config, computes parameters N, training tokens D and
training FLOPs C, and compares them with published scaling laws and with your budgets.
"""
_IN_AN_APP = """\
in a Hydra app, check every launch by adding one line to the defaults list of the primary config:
  - scalecheck: default      (warns)      or      - scalecheck: strict      (stops, exit 3)

exit codes: 0 clean, 1 findings at the fail level, 2 scalecheck could not do its work or checked nothing
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # config text that the terminal cannot show is no reason to fail
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_help(), end="")
        return EXIT_CLEAN if arguments else EXIT_CANNOT
    if arguments[0] in ("-V", "--version"):
        print(f"scalecheck {__version__}")
        return EXIT_CLEAN
    if arguments[0] not in registry.names("commands"):
        return _cannot(f"no command '{arguments[0]}'.{did_you_mean(arguments[0], registry.names('commands'))} See scalecheck --help.")
    return _run(arguments[0], arguments[1:])


def _run(command: str, arguments: list[str]) -> int:
    is_untrusted = "--untrusted" in arguments  # asked here, as what is imported to read the options looks for its own modules too
    try:
        with registry.no_modules_of_the_repo() if is_untrusted else nullcontext():
            code: int = registry.load("commands", command).run(arguments)
    except SystemExit as leaving:  # argparse has printed its help or its error
        return leaving.code if isinstance(leaving.code, int) else EXIT_CANNOT
    except ScalecheckError as error:
        return _cannot(str(error))
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - the reader of our output has gone; say no more
        return EXIT_CLEAN
    except KeyboardInterrupt:
        print("\nscalecheck: interrupted.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Exception as bug:
        return _cannot(f"internal error: {type(bug).__name__}: {str(bug)[:300]}. Please report it with the command you typed.")
    return code


def _help() -> str:
    commands = registry.load_all("commands")
    names = registry.names("commands")
    width = max(len(name) for name in names)
    lines = [f"  {name:{width}}  {module.SUMMARY}" for name, module in zip(names, commands, strict=True)]
    examples = [f"  {example}" for module in commands for example in module.EXAMPLES]
    return "\n".join([_INTRODUCTION, "commands:", *lines, "", "examples:", *examples, "", _IN_AN_APP])


def _cannot(sentence: str) -> int:
    print(f"scalecheck: error: {redacted(sentence)}", file=sys.stderr)
    return EXIT_CANNOT


if __name__ == "__main__":
    sys.exit(main())
