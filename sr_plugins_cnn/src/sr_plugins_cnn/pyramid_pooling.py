"""Pyramid pooling: features beside their means over halves, thirds and the whole of the picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PyramidPooling(nn.Module):
    """Features, and for each number of bins their means over bins × bins parts of the picture, brought to its size.

    Zhao et al., Pyramid Scene Parsing Network, CVPR 2017. As in the authors' EDSR-PP (cubeyoung/EDSR-PP, whose
    state-dict names these are), a 3×3 convolution and a ReLU stand between the means and the bilinear enlargement.

    Args:
        width: maps that come in.
        bins: along each side; (1 + their number) · width maps go out.
    """

    def __init__(self, width: int, bins: Sequence[int]) -> None:
        super().__init__()
        self.features = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(count), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(inplace=True))
            for count in bins
        )

    def forward(self, features: Tensor) -> Tensor:
        """N×(1 + levels)·F×H×W from N×F×H×W."""
        size = features.shape[-2:]
        means = (F.interpolate(level(features), size=size, mode="bilinear") for level in self.features)
        return torch.cat((features, *means), 1)


class PooledUpsampler(nn.Sequential):
    """The sub-pixel upsampler with pyramid pooling in front of each convolution, which fuses what it brings.

    Park et al., Efficient Module Based Single Image Super Resolution for Multiple Problems, CVPRW 2018 (EDSR-PP). The
    authors' code leaves the pyramid out at ×3; here it stands there too.

    Args:
        factors: by which its stages enlarge.
        width: maps that come in and go out.
        bins: of the pyramid.
    """

    def __init__(self, factors: Sequence[int], width: int, bins: Sequence[int]) -> None:
        layers: list[nn.Module] = []
        for factor in factors:
            fusion = nn.Conv2d((1 + len(bins)) * width, factor**2 * width, 3, padding=1)
            layers += [PyramidPooling(width, bins), fusion, nn.PixelShuffle(factor)]
        super().__init__(*layers)
