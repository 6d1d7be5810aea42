"""Every error srkit raises for a cause outside its own code.

SrkitError                    a mistake a user can mend; the program prints it and exits with status 2
├── SpecError                 the spec file: carries one Fault for each thing wrong in it
├── PluginError               a plugin could not be read, imported or registered
├── UnknownComponentError     no component of that kind and name
├── ParameterError            a component's parameters do not fit its constructor
├── ContractError             a component broke its contract (wrong size, wrong channels, its own exception)
├── PictureError              a picture file cannot be read or written
├── DatasetError              a data set is empty, missing or does not fit together
└── RunDirectoryError         the run directory cannot be used
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class SrkitError(Exception):
    """A mistake that the person at the keyboard can mend; its text says what, where and how."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a spec.

    Attributes:
        where: the key path, as `evaluate.metrics[0]`; empty for the file as a whole.
        message: what is wrong, what was expected, and the nearest valid name if there is one.
        source: the file, or `--set` for a value from the command line.
        line: 1-based line in the file, or None.
        column: 1-based column in the file, or None.
    """

    where: str
    message: str
    source: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = self.source
        if self.line is not None:
            place += f":{self.line}:{self.column}"
        return f"{place}: {self.where}: {self.message}" if self.where else f"{place}: {self.message}"


class SpecError(SrkitError):
    """A spec that cannot be run; `faults` holds everything found wrong, in the order of the file."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class PluginError(SrkitError):
    """A plugin could not be read, imported or registered."""


class UnknownComponentError(SrkitError):
    """No component of that kind and name is installed, or the name does not say which one is meant."""


class ParameterError(SrkitError):
    """A component's parameters do not fit its constructor.

    Attributes:
        problems: pairs of (path inside the parameters, message).
    """

    def __init__(self, component: str, problems: Sequence[tuple[tuple[str | int, ...], str]]) -> None:
        self.component = component
        self.problems = tuple(problems)
        lines = (f"{'.'.join(map(str, path)) or 'parameters'}: {text}" for path, text in self.problems)
        super().__init__(f"{component}: " + "; ".join(lines))


class ContractError(SrkitError):
    """A component did not do what its contract promises."""


class PictureError(SrkitError):
    """A picture file cannot be read or written; the message names the file."""


class DatasetError(SrkitError):
    """A data set is missing, empty, or its pictures do not fit together."""


class RunDirectoryError(SrkitError):
    """The run directory cannot be used."""


class RunStopped(KeyboardInterrupt):
    """Somebody asked the run to stop, and what it had done is saved; not a mistake, so no `SrkitError`.

    Attributes:
        status: what the program ends with, as a shell expects it (128 and the signal's number).
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
