"""Progress bars for what takes longer than two seconds; nothing for what does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

DELAY_SECONDS = 2.0


class Bar:
    """One bar that shows itself once the work has taken `DELAY_SECONDS`."""

    def __init__(self, console: Console, description: str, total: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task(description, total=total)
        self._begun = time.monotonic()

    def advance(self, description: str | None = None) -> None:
        """One piece of work is done; `description` says what is next."""
        self._progress.update(self._task, advance=1, description=description)
        if not self._progress.live.is_started and time.monotonic() - self._begun > DELAY_SECONDS:
            self._progress.start()

    def stop(self) -> None:
        """Take the bar away."""
        if self._progress.live.is_started:
            self._progress.stop()


@contextmanager
def bar(console: Console, description: str, total: int) -> Iterator[Bar]:
    """A bar for the time of a block."""
    shown = Bar(console, description, total)
    try:
        yield shown
    finally:
        shown.stop()
