"""What chance decides for each training step: the scale, and for each crop its picture, its place and how it lies.

Everything is a function of (seed, stream, step): numbers come from the counter-based Philox generator, for a block
of steps at once, so that a step costs nothing and a resumed run, or one of several devices, draws the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sr_core.data.crop_shapes import CropShape
from sr_core.data.pixel_store import Numbers
from sr_core.data.preparation import Copy

BLOCK = 256
"""Steps that are drawn at once."""


@dataclass(frozen=True, eq=False)
class Block:
    """What was drawn for `BLOCK` steps, for the samples of one device.

    Attributes:
        scales: for each step, which of the scales.
        copies: BLOCK×n, which copy each crop is from.
        rows: BLOCK×n, its place from above, in steps of its scale's grid.
        columns: BLOCK×n, its place from the left, likewise.
        turns: BLOCK×n, how it is laid (see `PixelStore.addresses`).
    """

    scales: list[int]
    copies: Numbers
    rows: Numbers
    columns: Numbers
    turns: Numbers


class Draws:
    """The drawing of crops: each place of each copy is as likely as any other.

    Args:
        shapes: the crops, one for each scale.
        copies: what they are cut from.
        batch: crops in the global batch, a multiple of `world`.
        augment: whether crops are flipped and turned.
        seed: of the run.
        rank: which part of the global batch is this device's.
        world: how many devices there are.
    """

    def __init__(
        self,
        shapes: Sequence[CropShape],
        copies: Sequence[Copy],
        batch: int,
        augment: bool,
        seed: int,
        rank: int,
        world: int,
    ) -> None:
        self._tables = [_Places(shape, copies, augment) for shape in shapes]
        self._batch, self._seed = batch, seed
        share = batch // world
        self.indices = range(rank * share, (rank + 1) * share)
        self.block = lru_cache(maxsize=64)(self._block)
        """The `Block` (stream, number), steps number · BLOCK onwards."""

    def _block(self, stream: int, number: int) -> Block:
        key = hashlib.blake2b(f"crops/{self._seed}/{stream}".encode(), digest_size=16).digest()
        generator = np.random.Philox(counter=number << 192, key=int.from_bytes(key, "little"))
        numbers = generator.random_raw(BLOCK * (1 + 2 * self._batch)).reshape(BLOCK, -1)
        scales = np.asarray(_uniform(numbers[:, 0]) * len(self._tables)).astype(np.int64)
        mine = slice(self.indices.start, self.indices.stop)
        places = _uniform(numbers[:, 1 : 1 + self._batch][:, mine])
        turns = _uniform(numbers[:, 1 + self._batch :][:, mine])
        drawn = np.empty((4, *places.shape), dtype=np.int64)
        for index, table in enumerate(self._tables):
            steps = scales == index
            drawn[:, steps] = table.pick(places[steps], turns[steps])
        return Block(scales.tolist(), *drawn)


class _Places:
    """All places of one scale's crops, counted through."""

    def __init__(self, shape: CropShape, copies: Sequence[Copy], augment: bool) -> None:
        rows_and_columns = [shape.places(copy.size, copy.lr_size(shape.scale)) for copy in copies]
        extents = np.asarray(rows_and_columns, dtype=np.int64).reshape(-1, 2)
        self._ends: Numbers = np.cumsum(extents.prod(axis=1))
        self._starts: Numbers = self._ends - extents.prod(axis=1)
        self._columns: Numbers = extents[:, 1]
        self._turns = shape.turns if augment else 1

    def pick(self, places: NDArray[np.float64], turns: NDArray[np.float64]) -> Numbers:
        """(copy, row, column, turn) for numbers in [0, 1); 4×shape."""
        place = (places * self._ends[-1]).astype(np.int64)
        copy = np.searchsorted(self._ends, place, side="right")
        row, column = np.divmod(place - self._starts[copy], self._columns[copy])
        return np.stack([copy, row, column, (turns * self._turns).astype(np.int64)])


def _uniform(raw: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Random bits as numbers in [0, 1), always short of 1 however they are scaled and rounded down."""
    return np.asarray((raw >> np.uint64(11)) * 2.0**-53)
