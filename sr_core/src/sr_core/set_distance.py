"""How far apart two folders of pictures are, as they are or once the first is degraded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

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
    sets: list[list[Tensor]] = []
    for paths, through in ((first, degradation), (second, None)):
        pictures = []
        for index, path in enumerate(paths):
            image = _rgb(path).to(device)
            if through is not None:
                random = SampleRandom(seed, 0, [index], device)
                with torch.no_grad():
                    image, _ = degrade(through, cut_to_scale(image, scale), scale, random)
            pictures.append(image.double())
            progress(path)
        sets.append(pictures)
    with guarded("the metric failed"), torch.no_grad():
        return float(metric(*sets))


def _rgb(path: Path) -> Tensor:
    """1×3×H×W."""
    image = read_picture(path).image
    if image.shape[1] not in (1, 3):
        raise DatasetError(f"{path}: it has {image.shape[1]} planes; distances are those of gray and RGB pictures")
    return image.expand(-1, 3, -1, -1)
