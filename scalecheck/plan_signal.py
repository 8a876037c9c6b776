"""How a planned launch tells ``scalecheck plan``, which started its process, that the report really came: one byte through a pipe.

An exit code alone would not do: a script that never reaches Hydra ends with 0 too.
"""

from __future__ import annotations

import contextlib
import os

ENVIRONMENT_VARIABLE = "SCALECHECK_PLAN_FD"


def tell(code: int) -> None:
    """Tell the exit code of a plan whose report was printed; nothing happens where no ``scalecheck plan`` listens."""
    listener = os.environ.get(ENVIRONMENT_VARIABLE, "")
    if listener.isdecimal():
        with contextlib.suppress(OSError):  # closed on the way here: then the command says that no report came
            os.write(int(listener), str(code).encode())


def told(read_end: int) -> int | None:
    """Return what was told through the pipe, ``None`` where nothing was, also while somebody still holds its other end."""
    os.set_blocking(read_end, False)
    try:
        text = os.read(read_end, 16)
    except BlockingIOError:
        return None
    return int(text[:1]) if text[:1].isdigit() else None
