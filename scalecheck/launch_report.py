"""``report.html`` of a launch, drawn by a process of its own: a picture neither delays a launch nor fails it.

The process that launches imports no plotting library and waits for nothing but ``/bin/sh``, which starts the other one in the background
and is gone in some milliseconds. So the other is no child of the training process, which would have to wait for it or keep a zombie. It
has a session of its own, in which no Ctrl-C reaches it, the lowest priority and one thread, and reads the report from its standard
input: ``scalecheck.json``, or a file without a name, of which nothing can be left behind. The page appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from scalecheck.errors import ScalecheckError
from scalecheck.facts import Report
from scalecheck.formats.json import lines

REPORT_NAME = "report.html"
LOG_NAME = "report.html.log"
"""What went wrong with the drawing, in a line; gone with the next page that is drawn."""
LARGEST_SWEEP = 2000
"""Jobs of a sweep that are drawn at its launch: writing them down takes the launching process a third of a millisecond each."""
PATIENCE_S = 60.0
"""A sweep's directory is made by Hydra, after its jobs were checked and its launcher was set up."""
_LIBRARIES = ("matplotlib", "jinja2")
_IN_BACKGROUND = 'exec 3<&0; "$@" <&3 3<&- &'  # a shell gives what it starts in the background no standard input unless told to


def missing() -> str:
    """Return what is to be installed before anything can be drawn, a sentence without its point; empty: nothing. Imports none of it."""
    if all(find_spec(name) for name in _LIBRARIES):
        return ""
    from scalecheck.drawing.canvas import INSTALL

    return INSTALL


def draw_run(report: Path) -> None:
    """Have the report in a JSON file drawn beside it.

    Raises:
        OSError: the process that draws cannot be started.
    """
    with report.open("rb") as told:
        _start(told, report.parent)


def draw_sweep(report: Report, directory: Path) -> None:
    """Have a report drawn into the directory of a sweep once that is there; it is never made here.

    Raises:
        OSError: as ``draw_run``; or there is no room for the report in the directory of temporary files.
        ScalecheckError: the sweep has too many jobs.
    """
    if len(report.jobs) > LARGEST_SWEEP:
        draws = f"scalecheck check -m ... --output html:{REPORT_NAME} draws any number"
        message = f"the sweep has {len(report.jobs):,} jobs, and a launch has {LARGEST_SWEEP:,} drawn at most: {draws}"
        raise ScalecheckError(message)
    with tempfile.TemporaryFile() as told:
        told.writelines(line.encode() for line in lines(report))
        told.seek(0)
        _start(told, directory)


def _start(told: IO[bytes], directory: Path) -> None:
    command = ["/bin/sh", "-c", _IN_BACKGROUND, "sh", sys.executable, "-m", "scalecheck.launch_report", str(directory.absolute())]
    quiet = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    subprocess.run(  # noqa: S603 - our own module, by the interpreter that runs
        command,
        stdin=told,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=os.sep,  # python -m looks for modules there first, and the run's directory may hold a copy of its code
        env=os.environ | quiet,
        start_new_session=True,
        check=True,
    )


def main(arguments: Sequence[str]) -> int:
    """Draw the report on standard input into the directory that is named, or leave a line there that says why not."""
    warnings.simplefilter("ignore")
    os.nice(19)
    directory = Path(arguments[0])
    try:
        _draw(directory)
    except Exception as failure:  # noqa: BLE001 - nobody looks at this process
        return _log(failure, directory / LOG_NAME)
    return 0


def _draw(directory: Path) -> None:
    from scalecheck import registry
    from scalecheck.atomic import replace
    from scalecheck.report_file import report_of

    report = report_of(json.load(sys.stdin.buffer, parse_constant=lambda _: None))
    page: str = registry.load("formats", "html").render(report)
    until = time.monotonic() + PATIENCE_S
    while not directory.is_dir():
        if time.monotonic() > until:  # the launch has failed
            return
        time.sleep(0.1)
    replace(directory / REPORT_NAME, page.encode("utf-8", "backslashreplace"))
    (directory / LOG_NAME).unlink(missing_ok=True)


def _log(failure: Exception, path: Path) -> int:
    from scalecheck.text import clean

    name = "" if isinstance(failure, ScalecheckError | OSError) else f"internal error: {type(failure).__name__}: "
    try:
        path.write_text(
            f"scalecheck: {REPORT_NAME} is not drawn: {name}{clean(str(failure))}\n", encoding="utf-8", errors="backslashreplace"
        )
    except OSError:  # then the page could not be written either
        return 2
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
