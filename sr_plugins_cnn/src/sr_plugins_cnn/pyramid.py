"""Laplacian pyramids: pictures that double level by level, each the last one enlarged plus what that lacks."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from sr_core import Model, Prediction, Scale, full_precision, resize, sr_size
from sr_core.imaging.size import per_axis
from sr_plugins_cnn.convolutions import he_convolution
from sr_plugins_cnn.receptive_field import Bicubic, Convolution, Layer, TransposedConvolution, margin
from sr_plugins_cnn.transposed import Enlarging

Progress = Literal["together", "growing"]
"""How levels learn: all from the start, or each blended in after the one below it."""

FeatureKernel = Literal[3, 4]
"""Side of the transposed convolution that doubles features."""

SLOPE = 0.2
"""Of every leaky ReLU."""


class Level(nn.Module):
    """One doubling: called with features of the level below, it gives features twice as large.

    Args:
        planes: of the picture.
        width: maps of the features.
        bias: whether convolutions add a bias.
    """

    def __init__(self, planes: int, width: int, *, bias: bool) -> None:
        super().__init__()
        self.image = image_doubling(planes)
        self.residual = he_convolution(width, planes, bias=bias)


class Pyramid(Model):
    """A network whose levels double the picture.

    SR of a scale that is no power of two is the next larger level, brought down by bicubic. While levels grow, only
    training sees them grow: a validation in the middle already uses the levels that have not learned.
    """

    equal_axes = True
    progress: Progress = "together"

    @abstractmethod
    def begin(self, lr: Tensor) -> Tensor:
        """The first features, N×F×H×W."""

    @abstractmethod
    def level(self, index: int) -> Level:
        """A level; the smallest is number 0."""

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        return self._at_scale(self._pictures(lr, [1.0] * level_count(scale))[-1], lr, scale)

    def predictions(self, lr: Tensor, hr: Tensor, scale: Scale, progress: float) -> tuple[Prediction, ...]:
        """The picture of every level, `x2`, `x4`, … and at last `sr`, each with HR brought to its size by bicubic.

        All weigh 1. While levels grow, a level weighs as much as its residual counts: from 0 to 1.
        """
        count = level_count(scale)
        shares = level_shares(count, progress) if self.progress == "growing" else [1.0] * count
        *lower, last = self._pictures(lr, shares)
        below = [
            Prediction(f"x{2**level}", picture, _at_level(hr, picture, level, scale), share)
            for level, (picture, share) in enumerate(zip(lower, shares, strict=False), start=1)
        ]
        return (*below, Prediction("sr", self._at_scale(last, lr, scale), hr, shares[-1]))

    def _pictures(self, lr: Tensor, shares: Sequence[float]) -> list[Tensor]:
        """The picture of each level, whose residual counts by its share."""
        features, picture = self.begin(lr), lr
        pictures = []
        for index, share in enumerate(shares):
            level = self.level(index)
            if share:
                features = level(features)
            with full_precision(features, picture) as (exact, picture):
                picture = level.image(picture)
                if share:
                    picture = picture + share * level.residual(exact)
            pictures.append(picture)
        return pictures

    @staticmethod
    def _at_scale(picture: Tensor, lr: Tensor, scale: Scale) -> Tensor:
        size = sr_size((lr.shape[-2], lr.shape[-1]), scale)
        factor = 2 ** level_count(scale)
        rows, columns = per_axis(scale)
        if rows == columns == factor:
            return picture
        return resize(picture, (rows / factor, columns / factor), size)


def _at_level(hr: Tensor, picture: Tensor, level: int, scale: Scale) -> Tensor:
    rows, columns = per_axis(scale)
    return resize(hr, (2**level / rows, 2**level / columns), (picture.shape[-2], picture.shape[-1]))


def level_count(scale: Scale) -> int:
    """How many doublings make a picture at least as large as SR.

    >>> level_count(2), level_count(3), level_count(8)
    (1, 2, 3)
    """
    return max(1, math.ceil(math.log2(max(per_axis(scale)))))


def level_shares(levels: int, progress: float) -> list[float]:
    """How much each level counts when levels grow one after the other.

    Training is cut into as many parts as there are levels. A level begins with its part, and its share rises from 0 to
    1 during the first half of that (Wang et al., ProSR, CVPRW 2018); the first is there from the start.

    >>> level_shares(2, 0.2), level_shares(2, 0.625), level_shares(2, 0.9)
    ([1.0, 0.0], [1.0, 0.5], [1.0, 1.0])
    """
    return [1.0] + [min(max(2 * (levels * progress - level), 0.0), 1.0) for level in range(1, levels)]


def feature_doubling(width: int, kernel: FeatureKernel, *, bias: bool = True) -> Enlarging:
    """A transposed convolution of stride 2, initialised as the authors do: like a convolution of that kernel.

    With 3×3 it cuts no line at the top and left, and one at the bottom and right, as the released models do; with 4×4
    one all around.
    """
    layer = Enlarging(width, width, kernel, padding=kernel - 3, bias=bias)
    nn.init.normal_(layer.weight, std=math.sqrt(2 / (kernel**2 * width)))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def image_doubling(planes: int) -> nn.ConvTranspose2d:
    """The image branch: a 4×4 transposed convolution without bias that starts as bilinear, each plane by itself."""
    layer = nn.ConvTranspose2d(planes, planes, 4, stride=2, padding=1, bias=False, groups=planes)
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        layer.weight.copy_(torch.outer(line, line))
    return layer


def margin_of_levels(radius: int, kernel: FeatureKernel, scales: Iterable[float]) -> int:
    """How many LR pixels around a place a pyramid depends on.

    Args:
        radius: that all convolutions of a level together see of the level below.
        kernel: of the transposed convolution that doubles features.
        scales: those it takes, alike on both axes.
    """
    return max(margin(_layers(radius, kernel, scale), scale) for scale in scales)


def _layers(radius: int, kernel: FeatureKernel, scale: float) -> list[Layer]:
    count = level_count(scale)
    level: list[Layer] = [Convolution(radius), TransposedConvolution(kernel, 2, kernel - 3)]
    down = [] if scale == 2**count else [Bicubic(scale / 2**count)]
    return [Convolution(1), *level * count, Convolution(1), *down]
