"""Keeps Pillow's remarks on odd metadata off the user's screen while a file is read."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_lock = threading.Lock()
_readers = 0
_filters = ExitStack()


@contextmanager
def without_pillow_warnings() -> Iterator[None]:
    """Ignore warnings raised inside Pillow; every other warning, and the filters afterwards, stay.

    Filters belong to the whole process. Two threads that each saved and restored them could do so in the
    wrong order and leave Pillow silenced for good; so the first one in sets the filter, the last one out
    removes it.
    """
    global _readers
    with _lock:
        if _readers == 0:
            _filters.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"PIL\.")
        _readers += 1
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if _readers == 0:
                _filters.close()
