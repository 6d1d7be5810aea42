"""Batches for training without pairs: crops of HR pictures, and of LR pictures that have nothing to do with them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from sr_core.data.patches import Batches, PatchBatch, Patches, PatchSettings, load_patches
from sr_core.data.survey import Progress
from sr_core.data.training_set import TrainingSet
from sr_core.errors import DatasetError
from sr_core.imaging.size import Scale, lr_size, sr_size
from sr_core.interfaces.capabilities import Channels
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.randomness import SampleRandom

_OF_LR = 1 << 20
"""Added to a stream's number where crops of LR are drawn, so that they are drawn on their own."""


class _AsItIs(Degradation):
    """No degradation: each of the two sets is cut on its own."""

    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
        """The picture itself."""
        del scale, random
        return hr


class UnpairedPatches(Batches):
    """Batches whose `lr` and `hr` are crops of unrelated pictures.

    At a scale above 1 the network enlarges real LR, and `hr` shows what pictures should look like. At a scale below 1
    it shrinks HR (a learned degradation), and the truth shows what real LR looks like.

    Args:
        high: crops of HR pictures.
        low: crops of LR pictures.
        scale: of the network.
    """

    def __init__(self, high: Patches, low: Patches, scale: Scale) -> None:
        self._high, self._low, self._scale = high, low, scale
        self.placement = f"HR {high.placement}; LR {low.placement}"
        self.notes = (*high.notes, *low.notes)
        self.pictures = high.pictures + low.pictures

    def batch(self, step: int, stream: int = 0) -> PatchBatch:
        """The batch of a step; `stream` as in `Patches.batch`."""
        high, low = self._high.batch(step, stream), self._low.batch(step, stream + _OF_LR)
        pair = (low.hr, high.hr) if min_axis(self._scale) > 1 else (high.hr, low.hr)
        return PatchBatch(*pair, self._scale, high.indices)

    def close(self) -> None:
        """Stop reading ahead."""
        self._high.close()
        self._low.close()


def min_axis(scale: Scale) -> float:
    """The smaller of a scale's axes."""
    return min(scale) if isinstance(scale, tuple) else scale


def load_unpaired(
    training_set: TrainingSet,
    settings: PatchSettings,
    channels: Channels,
    device: torch.device,
    seed: int,
    rank: int = 0,
    world: int = 1,
    progress: Progress | None = None,
) -> UnpairedPatches:
    """Check all pictures of both sets, and put them where training finds them fast.

    Args:
        training_set: HR files and real LR files.
        settings: what batches are made of; `crop` is the side of HR crops, or of LR crops where it says so.
        channels: what the network takes.
        device: where batches are needed.
        seed: of the run.
        rank: which of the devices this is.
        world: how many devices share each global batch.
        progress: called with (done, all) after each HR picture that was checked.

    Raises:
        DatasetError: there are several scales, crops would be empty, or pictures cannot be used: all of them are named.
    """
    if len(settings.scales) != 1 or isinstance(settings.scales[0], tuple) or settings.scales[0] == 1:
        raise DatasetError("unpaired pictures need one scale, the same for both axes and other than 1")
    scale = settings.scales[0]
    ratio = max(scale, 1 / scale)
    square = (settings.crop, settings.crop)
    low = min(square if settings.crop_in == "lr" else lr_size(square, ratio))
    if low < 1:
        raise DatasetError(f"an HR crop of {settings.crop} leaves no LR pixel at scale {scale:g}; make the crop larger")
    high = min(sr_size((low, low), ratio))
    of_high = replace(settings, crop=high, crop_in="hr", scales=(1,))
    of_low = replace(settings, crop=low, crop_in="hr", scales=(1,), shrink=())
    both = []
    for files, cut, told in ((training_set.hr, of_high, progress), (training_set.unpaired_lr, of_low, None)):
        both.append(load_patches(TrainingSet(files), cut, channels, _AsItIs(), device, seed, rank, world, told))
    return UnpairedPatches(both[0], both[1], scale)
