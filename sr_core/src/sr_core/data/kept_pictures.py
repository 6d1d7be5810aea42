"""Decoded training pictures, kept while they fit."""

from __future__ import annotations

import threading
from pathlib import Path

from torch import Tensor

from sr_core.data.depths import DEPTH_OF_BITS, to_levels
from sr_core.errors import PictureError
from sr_core.imaging.files import read_picture
from sr_core.imaging.picture import FLOAT_BITS


def read_levels(path: Path) -> tuple[Tensor, bool]:
    """The H×W×C levels of a picture file in their own depth, and whether there was opacity, which is left out.

    Raises:
        PictureError: it cannot be read, or holds values that are no pixels in [0, 1].
    """
    picture = read_picture(path)
    if picture.bits == FLOAT_BITS:
        if not picture.image.isfinite().all():
            raise PictureError(f"{path}: holds samples that are not finite (NaN or infinity)")
        low, high = (float(value) for value in picture.image.aminmax())
        if low < 0 or high > 1:
            raise PictureError(f"{path}: holds values from {low:g} to {high:g}; training takes [0, 1]")
    return to_levels(picture.image, DEPTH_OF_BITS[picture.bits]), picture.alpha is not None


class KeptPictures:
    """Levels of picture files, safe to use from several threads.

    Args:
        budget: bytes that what is kept may take together; what does not fit is decoded again each time.
    """

    def __init__(self, budget: float) -> None:
        self._budget = budget
        self._pictures: dict[Path, Tensor] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def read(self, path: Path) -> Tensor:
        """The H×W×C levels of a file; nobody may write into them.

        Raises:
            PictureError: as `read_levels`.
        """
        kept = self._pictures.get(path)
        if kept is not None:
            return kept
        levels, _ = read_levels(path)
        self.keep(path, levels)
        return levels

    def keep(self, path: Path, levels: Tensor) -> None:
        """Keep a picture if there is room."""
        with self._lock:
            if path not in self._pictures and self._bytes + levels.nbytes <= self._budget:
                self._pictures[path] = levels
                self._bytes += levels.nbytes

    def set_budget(self, budget: float) -> None:
        """Change what they may take; pictures that no longer fit are kept no longer."""
        with self._lock:
            self._budget = budget
            while self._bytes > budget:
                self._bytes -= self._pictures.popitem()[1].nbytes

    def release(self, path: Path) -> None:
        """Keep a picture no longer."""
        with self._lock:
            levels = self._pictures.pop(path, None)
            self._bytes -= 0 if levels is None else levels.nbytes
