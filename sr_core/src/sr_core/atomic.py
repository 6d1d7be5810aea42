"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Lend a temporary path to write to; on success it takes the name `path`, otherwise it is removed.

    The temporary file is hidden, lies in the folder of `path` and has its suffix. Missing folders are made.
    Ctrl-C counts as a failure, and a file that was there before then stays as it was.

    Raises:
        OSError: the folder cannot be created or written to, or `path` is a folder.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A short name of its own: a long `path.name` with an addition could pass the file system's limit.
    temporary = path.parent / f".{uuid4().hex}{path.suffix}"
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk and would outlast a power cut.

    Raises:
        OSError: the disk is full or failing.
    """
    if os.name == "nt":  # there, neither folders nor files opened to read can be waited for
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
