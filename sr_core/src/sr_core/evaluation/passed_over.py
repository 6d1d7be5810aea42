"""What measuring passes over in the pictures of a data set, said once for each set."""

from __future__ import annotations

import logging
from pathlib import Path

from sr_core.imaging.picture import Picture

_log = logging.getLogger("srkit")


class PassedOver:
    """Looks at pictures as they are read, and warns of what no figure will show."""

    def __init__(self) -> None:
        self._said: set[tuple[str, str]] = set()

    def look_at(self, picture: Picture, file: Path, dataset: str) -> None:
        """Warn of opacity and of values outside [0, 1], unless the data set was warned of already."""
        if picture.alpha is not None and bool((picture.alpha < 1).any()):
            self._say("opacity", dataset, file, "its opacity is not measured, its colours are")
        low, high = float(picture.image.min()), float(picture.image.max())
        if low < 0 or high > 1:
            found = f"its values, {low:g} to {high:g},"
            self._say("values", dataset, file, f"{found} are clipped to 0 … 1 and rounded to 8 bits to be measured")

    def _say(self, kind: str, dataset: str, file: Path, what: str) -> None:
        if (kind, dataset) not in self._said:
            self._said.add((kind, dataset))
            _log.warning("%s: %s; likewise in other pictures of '%s'", file, what, dataset)
