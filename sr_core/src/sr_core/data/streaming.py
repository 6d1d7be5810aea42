"""Crops cut out of pictures that are read for each step, for training sets that fit into no memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sr_core.data.crop_shapes import CropShape, Grid
from sr_core.data.crops import Crops
from sr_core.data.depths import deepened, to_values
from sr_core.data.draws import BLOCK, Draws
from sr_core.data.pixel_store import cut
from sr_core.data.preparation import Copy, Preparation

_EVERY_PIXEL = Grid(1, 1)


class PictureReader:
    """Makes the crops of a step by reading its pictures; the same crops as a store of all pictures would give.

    LR of a deterministic degradation is made of each whole picture, then cut. What the preparation keeps is not
    decoded again.

    Args:
        draws: what is drawn.
        shapes: the crops, one for each scale.
        copies: what they are cut from.
        preparation: how pictures become HR and LR.
        depth: of HR: the deepest of all pictures.
    """

    def __init__(
        self,
        draws: Draws,
        shapes: Sequence[CropShape],
        copies: Sequence[Copy],
        preparation: Preparation,
        depth: torch.dtype,
    ) -> None:
        self._draws, self._shapes, self._copies = draws, shapes, copies
        self._preparation, self._depth = preparation, depth

    def crops(self, stream: int, step: int) -> Crops:
        """The crops of one step, on the host; LR in floating point.

        Raises:
            PictureError: a file cannot be read any more.
            ContractError: the degradation failed.
        """
        number, place = divmod(step, BLOCK)
        block = self._draws.block(stream, number)
        shape = self._shapes[block.scales[place]]
        drawn = zip(
            *(each[place].tolist() for each in (block.copies, block.rows, block.columns, block.turns)), strict=True
        )
        pairs = [self._pair(self._copies[copy], shape, row, column, turn) for copy, row, column, turn in drawn]
        lr = [pair[0] for pair in pairs if pair[0] is not None]
        return torch.stack(lr) if lr else None, torch.stack([pair[1] for pair in pairs])

    def _pair(self, copy: Copy, shape: CropShape, row: int, column: int, turn: int) -> tuple[Tensor | None, Tensor]:
        vertical, horizontal = shape.grids or (_EVERY_PIXEL, _EVERY_PIXEL)
        own = self._preparation.own(copy)
        piece = cut(own, row * vertical.hr, column * horizontal.hr, shape.hr, turn)
        hr = deepened(self._preparation.hr(piece), self._depth)
        if shape.grids is None:
            return None, hr
        lr = self._preparation.lr(own, copy, shape.scale)
        return to_values(cut(lr, row * vertical.lr, column * horizontal.lr, shape.lr, turn)), hr
