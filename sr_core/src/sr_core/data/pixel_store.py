"""Decoded pictures, one after another in one flat tensor on one device, and crops gathered out of it.

A crop is three numbers: the address of its first pixel, and how far it is to the next row and to the next column.
Flips and quarter turns are other such numbers, so they cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sr_core.data.depths import deepened, deepest

Numbers = NDArray[np.int64]


class PixelStore:
    """Pictures in one depth on one device.

    Args:
        sizes: (height, width) of each picture.
        planes: C of all of them.
        depth: dtype of their levels (see `depths`).
        device: where they lie.
    """

    def __init__(self, sizes: Sequence[tuple[int, int]], planes: int, depth: torch.dtype, device: torch.device) -> None:
        extents = np.asarray(sizes, dtype=np.int64).reshape(-1, 2)
        self._ends: Numbers = np.cumsum(extents.prod(axis=1))
        self._starts: Numbers = self._ends - extents.prod(axis=1)
        self._widths: Numbers = extents[:, 1].copy()
        pixels = int(self._ends[-1])
        self.planes = planes
        # Gathering from one dimension is several times faster than rows of one element.
        shape = (pixels,) if planes == 1 else (pixels, planes)
        self._pixels = torch.empty(shape, dtype=depth, device=device)
        self._counters: dict[tuple[int, torch.dtype], Tensor] = {}

    @classmethod
    def holding(cls, pictures: Sequence[Tensor], device: torch.device) -> PixelStore:
        """The store of these H×W×C levels, in the deepest of their depths."""
        sizes = [(picture.shape[0], picture.shape[1]) for picture in pictures]
        depth = deepest(*(picture.dtype for picture in pictures))
        store = cls(sizes, pictures[0].shape[2], depth, device)
        for index, picture in enumerate(pictures):
            store.put(index, picture)
        return store

    @property
    def depth(self) -> torch.dtype:
        """The dtype of the levels."""
        return self._pixels.dtype

    @property
    def device(self) -> torch.device:
        """Where they lie."""
        return self._pixels.device

    @property
    def has_narrow_addresses(self) -> bool:
        """Whether addresses fit int32, in which gathering is faster."""
        return len(self._pixels) < 2**31

    def put(self, index: int, levels: Tensor) -> None:
        """Store one picture, H×W×C, of this depth or a lesser one."""
        place = self._pixels[int(self._starts[index]) : int(self._ends[index])]
        place.copy_(deepened(levels, self.depth).reshape(place.shape))

    def addresses(
        self, pictures: Numbers, tops: Numbers, lefts: Numbers, turns: Numbers, crop: tuple[int, int]
    ) -> Numbers:
        """Where crops begin and how they go on: first pixel, step to the next row, step to the next column.

        Args:
            pictures: which picture each crop is from; arrays of one shape.
            tops: its first row there.
            lefts: its first column there.
            turns: how it is laid, 0 … 7: flips along both axes (bits 1 and 2) and an exchange of the axes (bit 4).
            crop: (height, width) of all crops; square where a turn exchanges the axes.

        Returns:
            3×shape, for `gather`.
        """
        height, width = crop
        upside_down, mirrored, exchanged = turns & 1, turns >> 1 & 1, (turns & 4) > 0
        row = self._widths[pictures]
        first = self._starts[pictures] + (tops + upside_down * (height - 1)) * row + lefts + mirrored * (width - 1)
        down, across = row * (1 - 2 * upside_down), 1 - 2 * mirrored
        steps = np.where(exchanged, across, down), np.where(exchanged, down, across)
        return np.stack([first, *steps])

    def gather(self, addresses: Tensor, crop: tuple[int, int]) -> Tensor:
        """Crops as levels, N×h×w×C, for addresses 3×N, int32 or int64, on the store's device."""
        first, row_step, column_step = addresses.unsqueeze(2).unbind(0)
        height, width = crop
        rows = first + row_step * self._count_to(height, addresses.dtype)
        columns = column_step * self._count_to(width, addresses.dtype)
        places = (rows.unsqueeze(2) + columns.unsqueeze(1)).view(-1)
        return self._pixels.index_select(0, places).view(-1, height, width, self.planes)

    def _count_to(self, end: int, kind: torch.dtype) -> Tensor:
        if (end, kind) not in self._counters:
            self._counters[end, kind] = torch.arange(end, dtype=kind, device=self._pixels.device)
        return self._counters[end, kind]


def cut(levels: Tensor, top: int, left: int, crop: tuple[int, int], turn: int) -> Tensor:
    """One crop h×w×C of one picture H×W×C, the same that `gather` would give."""
    piece = levels[top : top + crop[0], left : left + crop[1]]
    piece = piece.flip([axis for axis in (0, 1) if turn >> axis & 1])
    return piece.transpose(0, 1) if turn & 4 else piece
