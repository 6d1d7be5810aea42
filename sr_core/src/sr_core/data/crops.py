"""The crops of training steps: gathered out of stores, or made by threads ahead of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from sr_core.data.crop_shapes import CropShape, Grid
from sr_core.data.draws import BLOCK, Draws
from sr_core.data.pixel_store import PixelStore

Crops = tuple[Tensor | None, Tensor]
"""Levels of LR (None where LR is made of HR crops) and of HR, n×h×w×C."""

_EVERY_PIXEL = Grid(1, 1)


class CropSource(Protocol):
    """Gives the crops that were drawn for a step."""

    def crops(self, stream: int, step: int, count: int) -> Crops:
        """The crops of `count` steps of one scale from `step` on, on the training device, in order."""

    def close(self) -> None:
        """End what runs in the background."""


class StoredCrops:
    """Crops out of pictures that lie on a device.

    Args:
        draws: what is drawn.
        shapes: the crops, one for each scale.
        hr: the HR pictures.
        lr: the LR pictures of each scale, on the same device; None where LR is made of HR crops.
    """

    def __init__(
        self,
        draws: Draws,
        shapes: Sequence[CropShape],
        hr: PixelStore,
        lr: Sequence[PixelStore | None],
    ) -> None:
        self._draws, self._shapes, self._hr, self._lr = draws, shapes, hr, lr
        stores = [store for store in (hr, *lr) if store is not None]
        self._address_kind = torch.int32 if all(store.has_narrow_addresses for store in stores) else torch.int64
        self._addresses: dict[int, tuple[int, Tensor]] = {}
        """Of each stream, the block that was asked for last, and its addresses."""

    def crops(self, stream: int, step: int, count: int) -> Crops:
        """As in `CropSource`; nothing waits for the device."""
        number, place = divmod(step, BLOCK)
        scale = self._draws.block(stream, number).scales[place]
        shape, lr = self._shapes[scale], self._lr[scale]
        if stream not in self._addresses or self._addresses[stream][0] != number:
            self._addresses[stream] = (number, self._addresses_of_block(stream, number))
        lr_at, hr_at = self._addresses[stream][1][:, :, place : place + count].flatten(2)
        return None if lr is None else lr.gather(lr_at, shape.lr), self._hr.gather(hr_at, shape.hr)

    def of_step(self, stream: int, step: int) -> Crops:
        """The crops of one step."""
        return self.crops(stream, step, 1)

    def close(self) -> None:
        """Nothing runs in the background."""

    def _addresses_of_block(self, stream: int, number: int) -> Tensor:
        """2×3×BLOCK×n on the device: for LR and HR the addresses of all steps of a block."""
        block = self._draws.block(stream, number)
        addresses = np.zeros((2, 3, *block.copies.shape), dtype=np.int64)
        for index, (shape, lr) in enumerate(zip(self._shapes, self._lr, strict=True)):
            steps = np.asarray(block.scales) == index
            copies, rows, columns, turns = (
                each[steps] for each in (block.copies, block.rows, block.columns, block.turns)
            )
            vertical, horizontal = shape.grids or (_EVERY_PIXEL, _EVERY_PIXEL)
            tops, lefts = rows * vertical.hr, columns * horizontal.hr
            addresses[1][:, steps] = self._hr.addresses(copies, tops, lefts, turns, shape.hr)
            if lr is not None:
                tops, lefts = rows * vertical.lr, columns * horizontal.lr
                addresses[0][:, steps] = lr.addresses(copies, tops, lefts, turns, shape.lr)
        return to_device(torch.from_numpy(addresses).to(self._address_kind), self._hr.device)


class CropsAhead:
    """Crops that threads make on the host while the device computes.

    The threads give host tensors; only the thread that asks for crops talks to a CUDA device about them.

    Args:
        make: makes the crops of (stream, step) on the host.
        ahead: how many steps are made ahead of the one asked for.
        threads: how many make them.
        device: where the crops are needed.
    """

    def __init__(self, make: Callable[[int, int], Crops], ahead: int, threads: int, device: torch.device) -> None:
        self._make, self._ahead, self._device = make, ahead, device
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="crops")
        self._made: dict[int, dict[int, Future[Crops]]] = {}

    def crops(self, stream: int, step: int, count: int) -> Crops:
        """As in `CropSource`; waits for the threads where they are behind."""
        made = self._made.setdefault(stream, {})
        wanted = range(step, step + count + self._ahead)
        for other in [other for other in made if other not in wanted]:
            made.pop(other).cancel()
        for each in wanted:
            if each not in made:
                made[each] = self._pool.submit(self._make, stream, each)
        results = [made.pop(each).result() for each in range(step, step + count)]
        lr = [result[0] for result in results if result[0] is not None]
        hr = torch.cat([result[1] for result in results])
        return to_device(torch.cat(lr), self._device) if lr else None, to_device(hr, self._device)

    def close(self) -> None:
        """Stop the threads; steps that are being made are finished first."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._made.clear()


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """A host tensor copied to the device, without waiting for it where the device can fetch it by itself."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
