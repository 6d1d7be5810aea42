"""Out of memory: what was tried, and what would fit."""

from __future__ import annotations

import gc
from collections.abc import Callable

import torch

from sr_core.errors import SrkitError

_CPU_MESSAGES = ("can't allocate memory", "not enough memory", "Cannot allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception, or what it comes from, means that the device's or the host's memory was too small."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if isinstance(error, RuntimeError) and any(text in str(error) for text in _CPU_MESSAGES):
        return True
    return error.__cause__ is not None and is_out_of_memory(error.__cause__)


def parts_that_fit(attempt: Callable[[int], object], batch: int, tried: int) -> int | None:
    """The smallest number of parts, larger than `tried`, in which a batch's step works; None where not even one crop.

    Args:
        attempt: takes a number of crops through forward and backward.
        batch: crops a device takes in one step.
        tried: the number of parts that was too few.
    """
    parts = tried * 2
    while parts <= batch:
        if batch % parts == 0 and _works(attempt, batch // parts):
            return parts
        parts *= 2
    return batch if batch > tried and _works(attempt, 1) else None


def _works(attempt: Callable[[int], object], crops: int) -> bool:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    try:
        attempt(crops)
    except (RuntimeError, MemoryError, SrkitError) as error:
        if is_out_of_memory(error):
            return False
        raise
    return True
