"""All pictures of a training set, and their LR, decoded into stores; or a reader of them where they fit into none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Literal

import torch
from torch import Tensor

from sr_core.data.crop_shapes import CropShape
from sr_core.data.crops import CropsAhead, CropSource, StoredCrops
from sr_core.data.draws import Draws
from sr_core.data.pixel_store import PixelStore
from sr_core.data.preparation import Copy, Preparation
from sr_core.data.streaming import PictureReader
from sr_core.data.threads import in_threads, thread_count
from sr_core.scales import Scale

_STEPS_AHEAD_PER_THREAD = 2


def bytes_to_store(
    copies: Sequence[Copy],
    planes: tuple[int, int],
    depth: torch.dtype,
    lr_depths: Mapping[Scale, torch.dtype],
) -> int:
    """How much memory the stores will take.

    Args:
        copies: the pictures.
        planes: of HR and of LR as they are stored.
        depth: of HR.
        lr_depths: of LR, for each scale whose LR is stored.
    """
    size = sum(copy.size[0] * copy.size[1] for copy in copies) * planes[0] * depth.itemsize
    for scale, lr_depth in lr_depths.items():
        pixels = (rows * columns for rows, columns in (copy.lr_size(scale) for copy in copies))
        size += sum(pixels) * planes[1] * lr_depth.itemsize
    return size


def crop_source(
    placement: Literal["device", "host", "read"],
    draws: Draws,
    shapes: Sequence[CropShape],
    copies: Sequence[Copy],
    preparation: Preparation,
    hr_kind: tuple[int, torch.dtype],
    device: torch.device,
) -> tuple[CropSource, str]:
    """What gives the crops of each step, and where the pictures are, in words.

    Args:
        placement: where pictures are kept (see `choose_placement`).
        draws: what is drawn for each step.
        shapes: the crops, one for each scale.
        copies: the pictures, copies of one picture beside each other.
        preparation: how pictures become HR and LR.
        hr_kind: planes and depth of HR as it is stored.
        device: where the crops are needed.

    Raises:
        PictureError: a file cannot be read any more.
        ContractError: the degradation failed.
    """
    if placement == "device":
        return StoredCrops(draws, shapes, *fill_stores(copies, shapes, preparation, hr_kind, device)), f"on {device}"
    if placement == "host":
        stores = fill_stores(copies, shapes, preparation, hr_kind, torch.device("cpu"))
        stored = StoredCrops(draws, shapes, *stores)
        return CropsAhead(stored.of_step, 1, 1, device), "on the host, crops copied a step ahead"
    threads = thread_count()
    reader = PictureReader(draws, shapes, copies, preparation, hr_kind[1])
    ahead = threads * _STEPS_AHEAD_PER_THREAD
    return CropsAhead(reader.crops, ahead, threads, device), f"read for each step by {threads} threads"


def fill_stores(
    copies: Sequence[Copy],
    shapes: Sequence[CropShape],
    preparation: Preparation,
    hr_kind: tuple[int, torch.dtype],
    device: torch.device,
) -> tuple[PixelStore, list[PixelStore | None]]:
    """The store of HR, and that of LR for each scale; None where LR is made of HR crops.

    What the preparation kept of a picture is released when the picture is stored.

    Args:
        copies: the pictures, copies of one picture beside each other.
        shapes: the crops, one for each scale.
        preparation: how pictures become HR and LR.
        hr_kind: planes and depth of HR as it is stored.
        device: where the stores shall be.

    Raises:
        PictureError: a file cannot be read any more.
        ContractError: the degradation failed.
    """
    whole = [shape.scale for shape in shapes if shape.grids is not None]

    def prepare(group: list[Copy]) -> list[tuple[Tensor, list[Tensor]]]:
        prepared = []
        for copy in group:
            own = preparation.own(copy)
            prepared.append((preparation.hr(own), [preparation.lr(own, copy, scale) for scale in whole]))
        preparation.release(group[0].picture.path)
        return prepared

    groups = [list(group) for _, group in groupby(copies, key=lambda copy: copy.index)]
    hr = PixelStore([copy.size for copy in copies], *hr_kind, device)
    lr: dict[Scale, list[Tensor]] = {scale: [] for scale in whole}
    index = 0
    for prepared in in_threads(prepare, groups):
        for hr_levels, lr_levels in prepared:
            hr.put(index, hr_levels)
            index += 1
            for scale, levels in zip(whole, lr_levels, strict=True):
                lr[scale].append(levels)
    # Popped, so that each scale's pictures are let go of once they are stored.
    stores = {scale: PixelStore.holding(lr.pop(scale), device) for scale in whole}
    return hr, [stores.get(shape.scale) for shape in shapes]
