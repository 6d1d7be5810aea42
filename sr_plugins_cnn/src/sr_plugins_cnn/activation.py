"""What stands between two convolutions: ReLU, or xUnit, which looks at the neighbourhood too."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Activation = Literal["relu", "xunit"]
"""`relu`, or `xunit`, which learns 81 weights for each map and sees 4 pixels further."""

_KERNEL = 9


class XUnit(nn.Module):
    """x · exp(−d²), d a depthwise 9×9 convolution of ReLU(x) between batch normalisations.

    Kligvasser et al., xUnit: Learning a Spatial Activation Function, CVPR 2018. As the authors first released it
    (kligvasser/xUnit), less the bias of its convolution, which the normalisation behind it takes away again. First
    weights are PyTorch's, as there.

    Args:
        width: maps that come in and go out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, _KERNEL, padding=_KERNEL // 2, groups=width, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, features: Tensor) -> Tensor:
        """N×width×H×W to the same."""
        return features * torch.exp(-self.features(features).square())


def activation_layer(activation: Activation, width: int, *, inplace: bool = False) -> nn.Module:
    """The module for `width` maps.

    Args:
        activation: which.
        width: maps that come in and go out.
        inplace: whether ReLU may overwrite what comes in.
    """
    return XUnit(width) if activation == "xunit" else nn.ReLU(inplace=inplace)


def activation_radius(activation: Activation) -> int:
    """How many pixels to each side it sees.

    >>> activation_radius("relu"), activation_radius("xunit")
    (0, 4)
    """
    return _KERNEL // 2 if activation == "xunit" else 0
