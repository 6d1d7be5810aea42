"""Who is told what happens in a run: its log, every plugin that listens, and the person at the keyboard."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sr_core.discovery import Plugin
from sr_core.errors import ContractError
from sr_core.guard import guarded
from sr_core.hooks import RunEvent
from sr_core.run_directory import RunDirectory

_log = logging.getLogger("srkit")


class RunEvents:
    """Tells the log and every plugin what happens; a plugin that fails at listening is told of once."""

    def __init__(self, directory: RunDirectory, plugins: Sequence[Plugin]) -> None:
        self._directory = directory
        self._plugins = plugins
        self._deaf: set[int] = set()

    def tell(self, event: RunEvent, **details: object) -> None:
        """Pass on one event."""
        self._directory.log(event, **details)
        self.tell_plugins(event, **details)

    def tell_plugins(self, event: RunEvent, **details: object) -> None:
        """Pass on one event that is kept elsewhere than in the log: a `step`'s values are in `metrics.csv`."""
        for plugin in self._plugins:
            if id(plugin) in self._deaf:
                continue
            try:
                with guarded("srkit_run_event failed and is not called again"):
                    told = copy.deepcopy(details)  # what one listener does to it is its own affair
                    plugin.hooks.srkit_run_event(event=event, run_directory=self._directory.path, details=told)
            except ContractError as error:
                self._deaf.add(id(plugin))
                _log.warning("%s: %s", plugin.distribution, error)

    @contextmanager
    def keeping_warnings(self) -> Iterator[None]:
        """For the time of a block, every warning of the tool also goes into the run's log.

        With `extra={"details": {…}}` a warning brings details of its event, as the `step` it belongs to.
        """
        handler = _IntoLog(self._directory)
        _log.addHandler(handler)
        try:
            yield
        finally:
            _log.removeHandler(handler)


class _IntoLog(logging.Handler):
    def __init__(self, directory: RunDirectory) -> None:
        super().__init__(logging.WARNING)
        self._directory = directory

    def emit(self, record: logging.LogRecord) -> None:
        self._directory.log("warning", **getattr(record, "details", {}), message=record.getMessage())
