"""The last convolution of a network: many maps in, one or three planes out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEW_PLANES = 4
"""Planes up to which it is worth while; from then on the plain convolution is as fast."""


class PictureConvolution(nn.Conv2d):
    """A convolution to few planes, which is faster where no gradient is asked for; same tensors, same result.

    Processors compute 16 output maps at a time, and a picture has one or three. So only the vertical taps are left to
    the convolution; the horizontal ones become its output maps, which are shifted and added.

    Args:
        inputs: maps that come in.
        planes: that go out.
        kernel: side of the kernel, odd.
        padding: zeros on each side; by default as many as keep the size.
        bias: whether it adds a bias.
    """

    def __init__(
        self, inputs: int, planes: int, kernel: int = 3, *, padding: int | None = None, bias: bool = True
    ) -> None:
        super().__init__(inputs, planes, kernel, padding=kernel // 2 if padding is None else padding, bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        """N×C×H×W from N×F×H×W, or less by the kernel's reach where nothing is padded."""
        if torch.is_grad_enabled() or features.device.type != "cpu" or self.out_channels > FEW_PLANES:
            return super().forward(features)
        side, padding = self.kernel_size[0], int(self.padding[0])
        taps = self.weight.permute(3, 0, 2, 1).reshape(-1, side, self.in_channels, 1).permute(0, 2, 1, 3)
        maps = F.conv2d(features, taps, padding=(padding, padding))
        maps = maps.view(maps.shape[0], side, self.out_channels, *maps.shape[-2:])
        width = maps.shape[-1] - side + 1
        result: Tensor = maps[:, 0, ..., :width]
        for tap in range(1, side):
            result = result + maps[:, tap, ..., tap : tap + width]
        return result if self.bias is None else result + self.bias.view(-1, 1, 1)
