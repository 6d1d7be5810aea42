"""One training picture made ready to be cut: shrunk, brought to the model's planes, and its LR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sr_core.data.degrading import cut_to_scale, degrade
from sr_core.data.depths import luma, to_image, to_levels, to_levels_of_least_depth
from sr_core.data.kept_pictures import KeptPictures
from sr_core.data.survey import Surveyed
from sr_core.imaging.color import rgb_to_y
from sr_core.imaging.resize import resize
from sr_core.imaging.size import lr_size, round_half_up
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.randomness import SampleRandom
from sr_core.scales import Scale


@dataclass(frozen=True)
class Copy:
    """A picture of the training set, or a smaller copy of one.

    Attributes:
        picture: what it is a copy of.
        index: of that picture in the training set; with the seed it fixes all chance in its LR.
        size: (height, width).
        shrunk: its size over the picture's; 1 for the picture itself.
    """

    picture: Surveyed
    index: int
    size: tuple[int, int]
    shrunk: float = 1.0

    def lr_size(self, scale: Scale) -> tuple[int, int]:
        """(height, width) of its LR."""
        return self.picture.lr_size(scale) if self.shrunk == 1 else lr_size(self.size, scale)


def copies_of(pictures: Sequence[Surveyed], shrink: Sequence[float]) -> list[Copy]:
    """Each picture, followed by its smaller copies."""
    return [
        Copy(picture, index, _shrunk_size(picture.size, factor), factor)
        for index, picture in enumerate(pictures)
        for factor in (1.0, *shrink)
    ]


@dataclass(frozen=True)
class Preparation:
    """How the pictures of a training set become HR and LR in the model's planes.

    The degradation is given a picture's own planes: RGB also for a model that takes Y. HR's Y is rounded to the
    picture's depth, as the field's scripts do; LR's is not, nor is it where a trained network is used.

    Attributes:
        kept: reads the files.
        lr_files: scale → HR file → paired LR file.
        degradation: makes LR where there is none.
        planes: what the model takes: 1 is Y where pictures are RGB; 3 repeats a single plane.
        colour_first: HR keeps its colours where the model takes Y, since LR will be made of HR crops.
        seed: of a degradation with chance in it.
        device: where the degradation is computed.
    """

    kept: KeptPictures
    lr_files: Mapping[Scale, Mapping[Path, Path]]
    degradation: Degradation
    planes: int
    colour_first: bool
    seed: int
    device: torch.device

    def own(self, copy: Copy) -> Tensor:
        """The copy's H×W×C levels in the planes that are degraded."""
        levels = self.kept.read(copy.picture.path)
        if copy.shrunk != 1:
            smaller = resize(to_image(levels), copy.shrunk, copy.size, "bicubic")
            levels = to_levels(smaller, levels.dtype)
        return self._in_colour(levels)

    def hr(self, own: Tensor) -> Tensor:
        """H×W×C levels of HR as they are stored, from `own`."""
        return own if self.colour_first else self.in_model_planes(own)

    def lr(self, own: Tensor, copy: Copy, scale: Scale) -> Tensor:
        """H×W×C levels of the whole LR in the model's planes, in floating point where they fit no lesser depth."""
        if scale in self.lr_files:
            paired = self._in_colour(self.kept.read(self.lr_files[scale][copy.picture.path]))
            return to_levels_of_least_depth(self.to_model(to_image(paired)), paired.dtype)
        lr, _ = self.degraded(own, copy, scale)
        return to_levels_of_least_depth(self.to_model(lr), own.dtype)

    def degraded(self, own: Tensor, copy: Copy, scale: Scale) -> tuple[Tensor, Tensor | None]:
        """LR of the whole copy, 1×C×H×W in its own planes on the host, and the new target where there is one."""
        image = cut_to_scale(to_image(own), scale).to(self.device)
        with torch.no_grad():
            lr, target = degrade(self.degradation, image, scale, SampleRandom(self.seed, 0, [copy.index], self.device))
        return lr.cpu(), None if target is None else target.cpu()

    def release(self, path: Path) -> None:
        """Keep an HR picture and its LR no longer."""
        for file in (path, *(files[path] for files in self.lr_files.values())):
            self.kept.release(file)

    def moves_target(self, copy: Copy, scale: Scale) -> bool:
        """Whether the degradation, tried on this copy, gives a target of its own."""
        return scale not in self.lr_files and self.degraded(self.own(copy), copy, scale)[1] is not None

    def in_model_planes(self, levels: Tensor) -> Tensor:
        """Levels …×H×W×C in the model's planes."""
        if self.planes != 1 or levels.shape[-1] != 3:
            return levels
        return luma(levels) if levels.ndim == 4 else luma(levels.unsqueeze(0))[0]

    def to_model(self, image: Tensor) -> Tensor:
        """N×C×H×W in the model's planes; Y is not rounded."""
        return rgb_to_y(image) if self.planes == 1 and image.shape[1] == 3 else image

    def _in_colour(self, levels: Tensor) -> Tensor:
        is_gray = levels.shape[2] == 1 and (self.planes == 3 or self.colour_first)
        return levels.expand(-1, -1, 3).contiguous() if is_gray else levels


def _shrunk_size(size: tuple[int, int], factor: float) -> tuple[int, int]:
    if factor == 1:
        return size
    return max(1, round_half_up(size[0] * factor)), max(1, round_half_up(size[1] * factor))
