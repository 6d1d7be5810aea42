"""How far apart two folders of pictures are, as they are or once the first is degraded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import overload

import torch
from torch import Tensor

from sr_core.data.degrading import cut_to_scale, degrade
from sr_core.errors import DatasetError
from sr_core.guard import guarded
from sr_core.imaging.files import read_picture
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.metric import SetMetric
from sr_core.interfaces.randomness import SampleRandom
from sr_core.scales import Scale


def set_distance(
    metric: SetMetric,
    first: Sequence[Path],
    second: Sequence[Path],
    device: torch.device,
    degradation: Degradation | None = None,
    scale: Scale = 1,
    seed: int = 0,
    progress: Callable[[Path], None] = lambda _: None,
) -> float:
    """A set metric of two sets of pictures that need not be paired.

    Args:
        metric: as `feature_distance`.
        first: the first set's files.
        second: the second set's, whose statistics the first's are compared with.
        device: where it is computed.
        degradation: what the first set goes through before, as HR that is made LR.
        scale: of the degradation.
        seed: of a degradation with chance in it.
        progress: called with each picture that was read.

    Raises:
        DatasetError: a picture is neither gray nor RGB.
        SrkitError: a picture cannot be read, or the metric failed.
    """
    with guarded("the metric failed"), torch.no_grad():
        return float(
            metric(
                _Pictures(first, device, degradation, scale, seed, progress),
                _Pictures(second, device, None, scale, seed, progress),
            )
        )


class _Pictures(Sequence[Tensor]):
    """A set whose pictures are read, and degraded, when they are looked at: not all of them fit into memory."""

    def __init__(
        self,
        paths: Sequence[Path],
        device: torch.device,
        degradation: Degradation | None,
        scale: Scale,
        seed: int,
        progress: Callable[[Path], None],
    ) -> None:
        self._paths, self._device, self._progress = paths, device, progress
        self._degradation, self._scale, self._seed = degradation, scale, seed

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, place: int) -> Tensor: ...
    @overload
    def __getitem__(self, place: slice) -> list[Tensor]: ...
    def __getitem__(self, place: int | slice) -> Tensor | list[Tensor]:
        if isinstance(place, slice):
            return [self[index] for index in range(*place.indices(len(self)))]
        image = _rgb(self._paths[place]).to(self._device)
        if self._degradation is not None:
            random = SampleRandom(self._seed, 0, [range(len(self))[place]], self._device)
            image, _ = degrade(self._degradation, cut_to_scale(image, self._scale), self._scale, random)
        self._progress(self._paths[place])
        return image.double()


def _rgb(path: Path) -> Tensor:
    """1×3×H×W."""
    image = read_picture(path).image
    if image.shape[1] not in (1, 3):
        raise DatasetError(f"{path}: it has {image.shape[1]} planes; distances are those of gray and RGB pictures")
    return image.expand(-1, 3, -1, -1)
