"""A network that makes pictures smaller as a camera would: a degradation that is learned."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision, resize, sr_size
from sr_core.imaging.padding import continued
from sr_plugins_gan.planes import Planes, Width, plane_count

_POOLINGS = {2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}
"""By how much the picture has become smaller: the sides of the squares that are averaged, one after the other."""
_BICUBIC_REACH = 2


class Downscaler(Model):
    """Residual blocks and average pooling from HR to LR, added to bicubic LR, with noise as a further plane.

    After the High-to-Low network of Bulat, Yang and Tzimiropoulos (ECCV 2018), which learns from unpaired pictures what
    real LR looks like: residual blocks at each size between HR and LR, and noise beside the picture, so that one HR has
    many LRs. Unlike theirs it has no batch normalisation, no bottleneck smaller than LR, which fits their faces alone,
    and noise drawn for each pixel in place of a vector, so that it takes pictures of any size. It learns what bicubic
    LR lacks, as DSGAN (Fritsche et al., ICCVW 2019) does: its last layer starts at zero, the whole network as bicubic.

    In training noise is drawn for each picture. In use there is none, so that its LR is the same every time and in
    tiles, unless it is given.

    Args:
        scale: 0.5, 1/3 (0.3333333333333333), 0.25 or 0.125.
        blocks: residual blocks at each size.
        width: maps of the features.
        noise: whether noise goes in beside the picture.
        channels: `y`, `rgb` or a number of planes.

    Raises:
        ValueError: another scale.
    """

    def __init__(
        self,
        scale: Annotated[float, Field(gt=0)],
        blocks: Annotated[int, Field(ge=1)] = 2,
        width: Width = 64,
        noise: bool = True,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__()
        factor = next((factor for factor in _POOLINGS if scale == 1 / factor), None)
        if factor is None:
            raise ValueError(f"scale must be 0.5, 0.3333333333333333, 0.25 or 0.125, it is {scale!r}")
        planes, poolings = plane_count(channels), _POOLINGS[factor]
        self.channels = channels
        self.scales = frozenset({scale})
        self.multiple = factor
        self.margin = _margin(blocks, poolings)
        self.takes_noise = noise
        self.head = nn.Conv2d(planes + noise, width, 3, padding=1)
        self.body = nn.Sequential()
        for side in poolings:
            self.body.extend([*(_ResidualBlock(width) for _ in range(blocks)), nn.AvgPool2d(side)])
        self.body.extend(_ResidualBlock(width) for _ in range(blocks))
        self.tail = nn.Conv2d(width, planes, 3, padding=1)
        for parameter in self.tail.parameters():
            nn.init.zeros_(parameter)

    def forward(self, lr: Tensor, scale: Scale, noise: Tensor | None = None) -> Tensor:
        """The smaller picture of `lr`, which here is the larger one.

        Args:
            lr: N×C×H×W.
            scale: the one it is for.
            noise: N×1×H×W, standard normal; by default drawn in training, and zero otherwise.
        """
        rows, columns = sr_size((lr.shape[-2], lr.shape[-1]), scale)
        with full_precision(continued(lr, self.multiple)) as (lr,):
            size = (lr.shape[-2] // self.multiple, lr.shape[-1] // self.multiple)
            bicubic = resize(lr, 1 / self.multiple, size, "bicubic")
            features = self.head(self._with_noise(lr, noise))
        features = self.body(features)
        with full_precision(features) as (features,):
            smaller: Tensor = bicubic + self.tail(features)
            return smaller[..., :rows, :columns]

    def _with_noise(self, lr: Tensor, noise: Tensor | None) -> Tensor:
        if not self.takes_noise:
            return lr
        if noise is None:
            draw = torch.randn if self.training else torch.zeros
            noise = draw((len(lr), 1, *lr.shape[-2:]), device=lr.device, dtype=lr.dtype)
        return torch.cat([lr, continued(noise, self.multiple).to(lr.dtype)], dim=1)


class _ResidualBlock(nn.Module):
    """x + conv(ReLU(conv(x)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, features: Tensor) -> Tensor:
        residual: Tensor = features + self.layers(features)
        return residual


def _margin(blocks: int, poolings: tuple[int, ...]) -> int:
    """Pixels of the larger picture around a small pixel's centre that it depends on.

    >>> _margin(1, (2,))
    10
    """
    factor, radius = math.prod(poolings), 1 + 2 * blocks  # of the last layers; then from the last pooling to the first
    for side in reversed(poolings):
        radius = radius * side + 2 * blocks
    # What an even number of pixels becomes lies on an edge between two of them, and belongs to both.
    own = factor // 2
    return max(radius + 1, _BICUBIC_REACH * factor - (factor + 1) // 2) + own
