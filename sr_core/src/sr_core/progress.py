"""Progress bars for what takes longer than two seconds; nothing for what does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column

DELAY_SECONDS = 2.0


class Bar:
    """One bar, not seen before the work has taken `DELAY_SECONDS`; nothing where the console is no terminal."""

    def __init__(self, console: Console, description: str, total: int) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),  # on a narrow terminal the bar itself gives way
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
            TimeRemainingColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[figures]}", markup=False),
        )
        self._progress = Progress(
            *columns,
            console=console,
            transient=True,
            redirect_stdout=False,  # a plugin's call may have it redirected in the moment the bar appears
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(description, total=total, figures="")
        self._timer = threading.Timer(DELAY_SECONDS, self._progress.start)
        self._timer.daemon = True
        self._timer.start()

    def advance(self, description: str | None = None) -> None:
        """One piece of work is done; `description` says which."""
        self._progress.update(self._task, advance=1, description=description)

    def update(self, completed: int, figures: str | None = None) -> None:
        """So many pieces of work are done; `figures`, where given, stand behind the bar from now on."""
        self._progress.update(self._task, completed=completed)
        if figures is not None:
            self._progress.update(self._task, figures=figures)

    def begin_at(self, completed: int) -> None:
        """So many pieces were done before: they tell nothing of the speed."""
        self._progress.reset(self._task, completed=completed)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bar away for the time of a block that prints."""
        is_shown = self._progress.live.is_started
        if is_shown:
            self._progress.stop()
        yield
        if is_shown:
            self._progress.start()

    def stop(self) -> None:
        """Take the bar away."""
        self._timer.cancel()
        self._timer.join()
        self._progress.stop()


@contextmanager
def bar(console: Console, description: str, total: int) -> Iterator[Bar]:
    """A bar for the time of a block."""
    shown = Bar(console, description, total)
    try:
        yield shown
    finally:
        shown.stop()
