"""Ctrl-C and SIGTERM: finish the step, save, then stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether somebody asked the run to stop, and by which signal."""

    signal: signal.Signals | None = None

    def __bool__(self) -> bool:
        return self.signal is not None


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """A block in which the first SIGINT or SIGTERM is noted; a second one ends the program at once.

    Only the main thread can listen; elsewhere, and where the program's caller ignores a signal, nothing changes.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        if request:
            signal.signal(number, before[signal.Signals(number)])
            signal.raise_signal(number)
        request.signal = signal.Signals(number)

    before = {}
    for name in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(name) is not signal.SIG_IGN:
            before[name] = signal.signal(name, note)
    try:
        yield request
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
