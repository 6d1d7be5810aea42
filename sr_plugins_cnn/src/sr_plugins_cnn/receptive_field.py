"""How far a network sees on LR: the margin of a chain of layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_BICUBIC_REACH = 2


@dataclass(frozen=True)
class Convolution:
    """Layers that keep the size and together see `radius` pixels to each side."""

    radius: int

    def read(self, low: float, high: float) -> tuple[float, float]:
        """The first and last input pixel that the output pixels `low` … `high` depend on."""
        return low - self.radius, high + self.radius


@dataclass(frozen=True)
class StridedConvolution:
    """A convolution that makes the picture smaller, of PyTorch's parameters.

    >>> StridedConvolution(6, 2, 2).read(0, 1)
    (-2, 5)
    """

    kernel: int
    stride: int
    padding: int

    def read(self, low: float, high: float) -> tuple[float, float]:
        """The first and last input pixel that the output pixels `low` … `high` depend on."""
        return low * self.stride - self.padding, high * self.stride - self.padding + self.kernel - 1


@dataclass(frozen=True)
class PixelShuffle:
    """Each pixel becomes factor × factor pixels."""

    factor: int

    def read(self, low: float, high: float) -> tuple[float, float]:
        """The first and last input pixel that the output pixels `low` … `high` depend on."""
        return low // self.factor, high // self.factor


@dataclass(frozen=True)
class TransposedConvolution:
    """A transposed convolution of PyTorch's parameters."""

    kernel: int
    stride: int
    padding: int

    def read(self, low: float, high: float) -> tuple[float, float]:
        """The first and last input pixel that the output pixels `low` … `high` depend on."""
        return -((self.kernel - 1 - self.padding - low) // self.stride), (high + self.padding) // self.stride


@dataclass(frozen=True)
class Bicubic:
    """Resizing by bicubic, to `scale` times as large; made smaller, its kernel grows."""

    scale: float

    def read(self, low: float, high: float) -> tuple[float, float]:
        """The first and last input pixel that the output pixels `low` … `high` depend on."""
        reach = _BICUBIC_REACH / min(self.scale, 1)
        first, last = ((place + 0.5) / self.scale - 0.5 for place in (low, high))
        # What lies exactly at the end of the kernel counts nothing.
        return math.floor(first - reach) + 1, math.ceil(last + reach) - 1


Layer = Convolution | StridedConvolution | PixelShuffle | TransposedConvolution | Bicubic


def margin(layers: Sequence[Layer], scale: float, period: int = 1) -> int:
    """How many LR pixels around an LR pixel its scale × scale SR pixels depend on; exact at whole scales.

    Args:
        layers: from LR to SR; of parallel branches take the larger margin.
        scale: by which they enlarge together.
        period: LR pixels after which everything repeats; more than one where something lies on a coarser grid.

    >>> margin([Convolution(2), TransposedConvolution(9, 2, 4)], 2), margin([Bicubic(1.5)], 1.5)
    (4, 2)
    """
    # At other scales SR pixels lie elsewhere in each LR pixel: their centres are anywhere from edge to edge.
    first, last = (0.0, scale - 1.0) if scale == int(scale) else (-0.5, scale - 0.5)
    furthest = 0.0
    for place in range(period):
        low, high = first + place * scale, last + place * scale
        for layer in reversed(layers):
            low, high = layer.read(low, high)
        furthest = max(furthest, place - low, high - place)
    return math.ceil(furthest)


def sub_pixel_layers(factors: Sequence[int]) -> list[Layer]:
    """The layers of a `SubPixelUpsampler` that enlarges by these factors."""
    return [layer for factor in factors for layer in (Convolution(1), PixelShuffle(factor))]
