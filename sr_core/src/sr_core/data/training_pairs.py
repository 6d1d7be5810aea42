"""Whole pictures for models that are fitted rather than descended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from sr_core.data.crop_shapes import CropShape
from sr_core.data.degrading import cut_to_scale
from sr_core.data.depths import to_image
from sr_core.data.kept_pictures import KeptPictures
from sr_core.data.placement import host_memory
from sr_core.data.preparation import Copy, Preparation
from sr_core.data.survey import Progress, Small, planes_of, survey
from sr_core.data.training_set import TrainingSet
from sr_core.imaging.size import sr_size
from sr_core.interfaces.capabilities import Channels
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.model import TrainingPair
from sr_core.scales import Scale


@dataclass(frozen=True)
class TrainingPairs:
    """Every picture at every scale, as often as one goes through them; decoded pictures are kept while they fit.

    Attributes:
        notes: what was decided for the user.
    """

    notes: tuple[str, ...]
    _copies: tuple[Copy, ...]
    _scales: tuple[Scale, ...]
    _preparation: Preparation

    def __len__(self) -> int:
        return len(self._copies) * len(self._scales)

    def __iter__(self) -> Iterator[TrainingPair]:
        for copy in self._copies:
            for scale in self._scales:
                yield self._pair(copy, scale)

    def _pair(self, copy: Copy, scale: Scale) -> TrainingPair:
        preparation = self._preparation
        own = preparation.own(copy)
        hr = to_image(preparation.hr(own))
        if scale in preparation.lr_files:
            lr = to_image(preparation.lr(own, copy, scale))
            rows, columns = sr_size((lr.shape[-2], lr.shape[-1]), scale)
            hr = hr[..., :rows, :columns]
        else:
            made, target = preparation.degraded(own, copy, scale)
            lr = preparation.to_model(made)
            hr = cut_to_scale(hr, scale) if target is None else preparation.to_model(target)
        return TrainingPair(lr.to(preparation.device), hr.to(preparation.device), scale)


def training_pairs(
    training_set: TrainingSet,
    scales: Sequence[Scale],
    channels: Channels,
    degradation: Degradation,
    device: torch.device,
    seed: int,
    small: Small = "refuse",
    memory: float = 0.5,
    progress: Progress | None = None,
) -> TrainingPairs:
    """Check all pictures, and pair each with its LR: paired, or made of the whole picture.

    Args:
        training_set: the files.
        scales: HR size over LR size.
        channels: what the model takes.
        degradation: makes LR where none is paired; it is moved to the device.
        device: where the pairs are needed.
        seed: of a degradation with chance in it.
        small: what to do with pictures that leave no LR pixel.
        memory: share of the host's available memory that decoded pictures may take.
        progress: called with (done, all) after each picture that was checked.

    Raises:
        DatasetError: naming each picture that cannot be used and why.
    """
    kept = KeptPictures(memory * host_memory())
    shapes = [CropShape(scale, (1, 1), sr_size((1, 1), scale), None) for scale in scales]
    pictures, notes = survey(training_set, channels, shapes, small, kept, progress)
    planes = planes_of(pictures, channels)
    preparation = Preparation(kept, training_set.lr, degradation.to(device), planes, False, seed, device)
    copies = tuple(Copy(picture, index, picture.size) for index, picture in enumerate(pictures))
    return TrainingPairs(tuple(notes), copies, tuple(scales), preparation)
