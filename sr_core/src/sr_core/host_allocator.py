"""The host's memory allocator: large tensors that come and go should not be fetched from the system each time."""

from __future__ import annotations

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of `mallopt`'s options in glibc's malloc.h."""
_KEEP = 2**30


def keep_freed_memory() -> bool:
    """Let this process keep the memory that tensors leave behind, for the tensors that come next.

    glibc gives every block of more than 32 MB back to the system at once, and each feature map of a large picture is
    one: on a CPU, a deep network then spends half its time on fresh pages. For programs, not for libraries: it is the
    whole process that changes.

    Returns:
        Whether anything changed; False where the C library is not glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    return bool(library.mallopt(_MMAP_THRESHOLD, _KEEP) and library.mallopt(_TRIM_THRESHOLD, 2 * _KEEP - 1))
