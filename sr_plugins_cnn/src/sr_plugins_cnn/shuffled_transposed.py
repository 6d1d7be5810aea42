"""A transposed convolution to few maps, computed as a convolution on LR whose outputs are shuffled into place."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ShuffledTransposedConvolution(nn.ConvTranspose2d):
    """A transposed convolution that enlarges by exactly its stride; same tensors, same result.

    The s² phases of its output are s² ordinary convolutions of its input (Shi et al., Is the deconvolution layer the
    same as a convolutional layer?, 2016). Where few maps go out, processors compute those many times faster.

    Args:
        inputs: maps that come in.
        outputs: planes that go out.
        kernel: side of the kernel.
        stride: by how much it enlarges.
        padding: lines cut at the top and left; at the bottom and right as many as make the size exact.

    Raises:
        ValueError: the kernel is too small or too large for that.
    """

    taps: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> None:
        missing = stride - kernel + 2 * padding
        if not 0 <= missing < stride:
            raise ValueError(f"a {kernel}×{kernel} kernel with padding {padding} does not enlarge by exactly {stride}")
        super().__init__(inputs, outputs, kernel, stride=stride, padding=padding, output_padding=missing)
        self.radius = max(math.ceil((kernel - 1 - padding) / stride), (stride - 1 + padding) // stride)
        phases = torch.arange(stride).view(-1, 1)
        offsets = torch.arange(-self.radius, self.radius + 1).view(1, -1)
        taps = phases + padding - stride * offsets
        # One more tap, which is zero, for those beyond the kernel.
        self.register_buffer("taps", torch.where((taps >= 0) & (taps < kernel), taps, kernel), persistent=False)

    def forward(self, features: Tensor, output_size: list[int] | None = None) -> Tensor:
        """N×C×sH×sW from N×F×H×W."""
        del output_size
        factor, side = self.taps.shape
        padded = F.pad(self.weight, (0, 1, 0, 1))
        # F×C×s×t×s×t → (C s s)×F×t×t: the order in which pixels are shuffled.
        phases = padded[:, :, self.taps][..., self.taps].permute(1, 2, 4, 0, 3, 5)
        kernel = phases.reshape(-1, self.in_channels, side, side)
        bias = None if self.bias is None else self.bias.repeat_interleave(factor**2)
        return F.pixel_shuffle(F.conv2d(features, kernel, bias, padding=self.radius), factor)
