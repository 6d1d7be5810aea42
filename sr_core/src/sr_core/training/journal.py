"""What the loop tells while it works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sr_core.evaluation.benchmark import Comparison
from sr_core.record import Record


class Journal(Protocol):
    """Whoever keeps the curves and pictures of a training."""

    def advanced(self, step: int) -> None:
        """A step is done."""

    def logged(self, step: int, values: Mapping[str, float]) -> None:
        """The curves' values at a step."""

    def validated(self, step: int, records: Sequence[Record]) -> None:
        """The figures of a validation."""

    def pictured(self, step: int, comparison: Comparison) -> None:
        """A validation picture as the network makes it now."""

    def cut_back(self, step: int) -> None:
        """Everything after a step is forgotten."""
