"""Collect what is wrong while work goes on, so that several faults are reported together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sr_core.errors import Fault, ParameterError, SpecError, SrkitError
from sr_core.spec.document import Document


class FaultCollector:
    """The faults of one spec so far."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._faults: list[Fault] = []

    @contextmanager
    def at(self, *path: str | int) -> Iterator[None]:
        """Note the error that a block ends with as a fault of the spec's `path`, and go on behind the block."""
        try:
            yield
        except ParameterError as error:
            for inner, message in error.problems:
                at_key = message.startswith("unknown key")
                self._faults.append(self._document.fault((*path, *inner), message, at_key=at_key))
        except SrkitError as error:
            self._faults.append(self._document.fault(path, str(error)))

    def stop_if_any(self) -> None:
        """End here if anything was noted.

        Raises:
            SpecError: with every fault, in the order of the file.
        """
        if self._faults:
            once = dict.fromkeys(self._faults)  # phases share what they take over from each other
            raise SpecError(sorted(once, key=lambda fault: (fault.line or 0, fault.column or 0)))
