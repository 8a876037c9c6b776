"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_beside(path: Path, content: str | bytes) -> Iterator[str]:
    """Write into a temporary file of the same directory and yield its name, for the caller to rename or link; then it is gone."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        yield temporary
    finally:
        Path(temporary).unlink(missing_ok=True)


def replace(path: Path, content: bytes) -> None:
    """Write a file, its directory too where there is none, and keep its mode; a device or a pipe is written as it is.

    Raises:
        OSError: it cannot be written; what was there is kept.
        ValueError: a NUL in the name.
    """
    target = Path(os.path.realpath(path))  # a link stays one
    found = target.stat() if target.exists() else None
    if found and stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(21, "it is a directory")
    if found and not stat.S_ISREG(found.st_mode):
        with target.open("wb") as device:
            device.write(content)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(target, content) as temporary:
        Path(temporary).chmod(stat.S_IMODE(found.st_mode) if found else 0o666 & ~umask())
        Path(temporary).replace(target)


def umask() -> int:
    """Return the permissions that new files of this process do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
