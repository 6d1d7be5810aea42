"""Work on many files at once, in order, without running far ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_THREADS = 8
_AHEAD_PER_THREAD = 2


def thread_count() -> int:
    """How many threads read files: one for each processor that this process may use, up to a few."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_THREADS, processors)


def in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`work(item)` for each item, in the order of the items; only a few results wait to be taken.

    Whatever `work` raises is raised here, and nothing further is begun.
    """
    threads = thread_count()
    remaining = iter(items)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
    try:
        running: deque[Future[Result]] = deque(
            pool.submit(work, item) for item in islice(remaining, threads * (1 + _AHEAD_PER_THREAD))
        )
        while running:
            result = running.popleft().result()
            running.extend(pool.submit(work, item) for item in islice(remaining, 1))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
