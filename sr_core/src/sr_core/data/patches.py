"""Batches of crops for training, which depend on nothing but (seed, step, stream).

load_patches:  every picture checked (survey) → where they fit (placement) → stored, with the LR of each
batch(step):   what was drawn for the step (draws) → crops as levels (crops) → [0, 1] → LR, where it has chance in it
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sr_core.data.crop_shapes import CropIn, CropShape, CropSide, crop_shape, without_pictures
from sr_core.data.crops import CropSource
from sr_core.data.degrading import degrade
from sr_core.data.depths import deepest, depth_words, to_images
from sr_core.data.draws import BLOCK, Draws
from sr_core.data.kept_pictures import KeptPictures
from sr_core.data.placement import choose_placement, host_memory, memory_words
from sr_core.data.preparation import Copy, Preparation, copies_of
from sr_core.data.storing import bytes_to_store, crop_source
from sr_core.data.survey import Progress, Small, planes_of, survey
from sr_core.data.training_set import TrainingSet
from sr_core.errors import DatasetError
from sr_core.interfaces.capabilities import Channels
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.randomness import SampleRandom
from sr_core.scales import Scale, describe_scale

_KEPT_SHARE = 0.25
"""Share of the host's memory that decoded pictures may take between the survey and their store."""

_BYTES_AT_ONCE = {"cuda": 2**25, "cpu": 2**20}
"""How much HR is gathered at once. A small network needs the crops of many steps in one go: a CUDA device takes longer
to be told of a small gather than to do it. On a CPU they should stay in its cache."""


@dataclass(frozen=True)
class PatchSettings:
    """What batches are made of.

    Attributes:
        crop: side of the crop in pixels: of HR, where the LR crop is that over the scale, rounded down; or of LR.
        batch: crops in the global batch.
        scales: one of them is drawn for each batch.
        crop_in: which of the two `crop` is the side of.
        augment: flips and quarter turns.
        shrink: factors below 1: also these smaller copies of each HR picture.
        small: what to do with pictures smaller than the crop.
        memory: share of the device's (or host's) memory that pictures may take.
    """

    crop: int
    batch: int
    scales: tuple[Scale, ...]
    crop_in: CropIn = "hr"
    augment: bool = True
    shrink: tuple[float, ...] = ()
    small: Small = "refuse"
    memory: float = 0.5


@dataclass(frozen=True, eq=False)
class PatchBatch:
    """One device's part of one batch.

    Attributes:
        lr: N×C×h×w float32 in [0, 1] on the training device, channels-last in memory.
        hr: N×C×h'×w', likewise; (h', w') = `sr_size((h, w), scale)`.
        scale: HR size over LR size.
        indices: of the samples in the global batch.
    """

    lr: Tensor
    hr: Tensor
    scale: Scale
    indices: range

    def first(self, count: int) -> PatchBatch:
        """The first `count` crops."""
        return self._cut(0, count)

    def parts(self, count: int) -> Iterator[tuple[PatchBatch, float, bool]]:
        """The batch in so many parts, each with its share of the whole, and whether it is the last."""
        crops = len(self.lr)
        size = -(-crops // count)
        for start in range(0, crops, size):
            stop = min(start + size, crops)
            yield self._cut(start, stop), (stop - start) / crops, stop == crops

    def _cut(self, start: int, stop: int) -> PatchBatch:
        if (start, stop) == (0, len(self.lr)):
            return self
        return PatchBatch(self.lr[start:stop], self.hr[start:stop], self.scale, self.indices[start:stop])


class Batches(ABC):
    """What a training takes its batches from.

    Attributes:
        placement: where the pictures are, in words.
        notes: what was decided for the user.
        pictures: how many there are.
    """

    placement: str
    notes: tuple[str, ...]
    pictures: int

    @abstractmethod
    def batch(self, step: int, stream: int = 0) -> PatchBatch:
        """The batch of a step: the same each time, on every number of devices taken together.

        Args:
            step: of the training, from 0.
            stream: who asks: 0 for the network, others for whoever needs independent batches at the same step.

        Raises:
            PictureError: a picture that is read for each step cannot be read any more.
            ContractError: the degradation failed.
        """

    @abstractmethod
    def close(self) -> None:
        """Stop reading ahead."""


class Patches(Batches):
    """The batches of a training set; made by `load_patches`."""

    def __init__(
        self,
        source: CropSource,
        draws: Draws,
        shapes: Sequence[CropShape],
        preparation: Preparation,
        placement: str,
        notes: Sequence[str],
        pictures: int,
        bytes_at_once: int,
    ) -> None:
        self.placement, self.notes, self.pictures = placement, tuple(notes), pictures
        self._source, self._draws, self._shapes, self._preparation = source, draws, shapes, preparation
        self._bytes_at_once = bytes_at_once
        self._ready: dict[int, dict[int, PatchBatch]] = {}

    def batch(self, step: int, stream: int = 0) -> PatchBatch:
        """The batch of a step; see `Batches`."""
        ready = self._ready.get(stream, {})
        if step not in ready:
            self._ready[stream] = ready = self._make(step, stream)
        # Given away once: nobody may find a batch that another has written into.
        return ready.pop(step)

    def close(self) -> None:
        """Stop reading ahead."""
        self._source.close()
        self._ready.clear()

    def _make(self, step: int, stream: int) -> dict[int, PatchBatch]:
        """The batch of `step`, and as many of the next ones as are made in one go."""
        number, place = divmod(step, BLOCK)
        scales = self._draws.block(stream, number).scales[place:]
        shape, indices = self._shapes[scales[0]], self._draws.indices
        count = 1 if shape.grids is None else min(self._steps_at_once(shape), _equal_at_start(scales))
        lr_levels, hr_levels = self._source.crops(stream, step, count)
        hr = to_images(self._preparation.in_model_planes(hr_levels))
        if lr_levels is None:
            lr, hr = self._degraded(to_images(hr_levels), hr, shape.scale, step, stream)
        else:
            lr = to_images(lr_levels)
        size = len(indices)
        return {
            step + i: PatchBatch(lr[i * size : (i + 1) * size], hr[i * size : (i + 1) * size], shape.scale, indices)
            for i in range(count)
        }

    def _steps_at_once(self, shape: CropShape) -> int:
        bytes_of_one = 4 * len(self._draws.indices) * self._preparation.planes * shape.hr[0] * shape.hr[1]
        return max(1, self._bytes_at_once // bytes_of_one)

    def _degraded(self, crops: Tensor, hr: Tensor, scale: Scale, step: int, stream: int) -> tuple[Tensor, Tensor]:
        """LR and target in the model's planes, of crops in the pictures' own."""
        preparation = self._preparation
        # No two streams share their chances: a run's seed has fewer than 64 bits.
        random = SampleRandom(preparation.seed + (stream << 64), step, self._draws.indices, crops.device)
        with torch.no_grad():
            lr, target = degrade(preparation.degradation, crops, scale, random)
        return preparation.to_model(lr), hr if target is None else preparation.to_model(target)


def load_patches(
    training_set: TrainingSet,
    settings: PatchSettings,
    channels: Channels,
    degradation: Degradation,
    device: torch.device,
    seed: int,
    rank: int = 0,
    world: int = 1,
    progress: Progress | None = None,
) -> Patches:
    """Check all pictures, and put them where training finds them fast.

    LR is paired; or made once from each whole picture and kept, where the degradation is deterministic and the scale
    (or one over it) whole; or made of each HR crop.

    Args:
        training_set: the files.
        settings: what batches are made of.
        channels: what the model takes.
        degradation: makes LR where none is paired; it is moved to the device.
        device: where batches are needed.
        seed: of the run.
        rank: which of the devices this is.
        world: how many devices share each global batch.
        progress: called with (done, all) after each picture that was checked.

    Raises:
        DatasetError: the settings do not go together, or pictures cannot be used: all of them are named.
        ContractError: the degradation failed.
    """
    _check(training_set, settings, world)
    paired = bool(training_set.lr)
    side = CropSide(settings.crop, settings.crop_in)
    shapes = [crop_shape(scale, side, paired, degradation.deterministic) for scale in settings.scales]
    kept = KeptPictures(_KEPT_SHARE * host_memory() / world)
    pictures, notes = survey(training_set, channels, shapes, settings.small, kept, progress)
    planes = planes_of(pictures, channels)
    preparation = Preparation(kept, training_set.lr, degradation.to(device), planes, False, seed, device)
    first = Copy(pictures[0], 0, pictures[0].size)
    shapes = [without_pictures(s) if s.grids and preparation.moves_target(first, s.scale) else s for s in shapes]
    degrades_crops = any(shape.grids is None for shape in shapes)
    if planes == 1 and degrades_crops and any(picture.planes == 3 for picture in pictures):
        preparation = replace(preparation, colour_first=True)
        if gray := sum(picture.planes == 1 for picture in pictures):
            notes.append(
                f"LR is made of each crop: {gray} gray among colour pictures are taken as RGB, with Y 16 to 235"
            )
    copies = [copy for copy in copies_of(pictures, settings.shrink) if _has_room(copy, shapes)]
    if lost := len(pictures) * (1 + len(settings.shrink)) - len(copies):
        notes.append(f"smaller copies left out, since the crop does not fit into them: {lost}")
    draws = Draws(shapes, copies, settings.batch, settings.augment, seed, rank, world)
    depth = deepest(*(picture.depth for picture in pictures))
    hr_planes = 3 if preparation.colour_first else planes
    lr_depths = {s.scale: preparation.lr(preparation.own(first), first, s.scale).dtype for s in shapes if s.grids}
    needed = bytes_to_store(copies, (hr_planes, planes), depth, lr_depths)
    placement = choose_placement(needed, device, settings.memory, world)
    if placement.why:
        notes.append(f"the pictures are not kept on the device: {placement.why}")
    what = f"{len(copies)} pictures, {memory_words(needed)} in {depth_words(depth)}"
    kept.set_budget(settings.memory * host_memory() / world)
    source, where = crop_source(placement.kind, draws, shapes, copies, preparation, (hr_planes, depth), device)
    at_once = _BYTES_AT_ONCE.get(device.type, _BYTES_AT_ONCE["cpu"]) if placement.kind == "device" else 0
    return Patches(source, draws, shapes, preparation, f"{where} ({what})", notes, len(pictures), at_once)


def _check(training_set: TrainingSet, settings: PatchSettings, world: int) -> None:
    """Refuse settings that do not go together, before anything is read."""
    if settings.batch < 1 or settings.batch % world:
        raise DatasetError(f"a batch of {settings.batch} cannot be divided among {world} devices; choose a multiple")
    if not all(0 < factor < 1 for factor in settings.shrink):
        raise DatasetError(f"shrink takes factors between 0 and 1, not {list(settings.shrink)}")
    if training_set.lr and settings.shrink:
        raise DatasetError("shrink makes smaller copies of HR, for which paired LR has none; leave one of them out")
    missing = [describe_scale(scale) for scale in settings.scales if scale not in training_set.lr]
    if training_set.lr and missing:
        raise DatasetError(f"there is no paired LR for scale {', '.join(missing)}")


def _has_room(copy: Copy, shapes: Sequence[CropShape]) -> bool:
    return all(0 not in shape.places(copy.size, copy.lr_size(shape.scale)) for shape in shapes)


def _equal_at_start(scales: Sequence[int]) -> int:
    return next((count for count, scale in enumerate(scales) if scale != scales[0]), len(scales))
