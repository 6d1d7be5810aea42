"""Keeps the remarks of decoding libraries on odd files off the user's screen while a file is read."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_lock = threading.Lock()
_readers = 0
_changes = ExitStack()


@contextmanager
def without_remarks_of_libraries() -> Iterator[None]:
    """Ignore what Pillow warns of and tifffile logs; every other warning, and both afterwards, stay.

    Warning filters and loggers belong to the whole process. Two threads that each saved and restored them could
    do so in the wrong order and leave the libraries silenced for good; so the first one in changes them, the
    last one out restores them.
    """
    global _readers
    with _lock:
        if _readers == 0:
            _changes.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"PIL\.")
            logger = logging.getLogger("tifffile")
            logger.addFilter(_nothing)
            _changes.callback(logger.removeFilter, _nothing)
        _readers += 1
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if _readers == 0:
                _changes.close()


def _nothing(_: logging.LogRecord) -> bool:
    return False
