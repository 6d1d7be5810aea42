"""How far a network that works on LR sees: the exact margin of a chain of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Convolution:
    """Layers that keep the size and together see `radius` pixels to each side."""

    radius: int

    def read(self, low: int, high: int) -> tuple[int, int]:
        """The first and last input pixel that the output pixels `low` … `high` depend on."""
        return low - self.radius, high + self.radius


@dataclass(frozen=True)
class PixelShuffle:
    """Each pixel becomes factor × factor pixels."""

    factor: int

    def read(self, low: int, high: int) -> tuple[int, int]:
        """The first and last input pixel that the output pixels `low` … `high` depend on."""
        return low // self.factor, high // self.factor


@dataclass(frozen=True)
class TransposedConvolution:
    """A transposed convolution of PyTorch's parameters."""

    kernel: int
    stride: int
    padding: int

    def read(self, low: int, high: int) -> tuple[int, int]:
        """The first and last input pixel that the output pixels `low` … `high` depend on."""
        return -((self.kernel - 1 - self.padding - low) // self.stride), (high + self.padding) // self.stride


Layer = Convolution | PixelShuffle | TransposedConvolution


def margin(layers: Sequence[Layer], scale: int) -> int:
    """How many LR pixels around an LR pixel its scale × scale SR pixels depend on.

    Args:
        layers: from LR to SR; of parallel branches take the larger margin.
        scale: by which they enlarge together.

    >>> margin([Convolution(2), TransposedConvolution(9, 2, 4)], 2)
    4
    """
    low, high = 0, scale - 1
    for layer in reversed(layers):
        low, high = layer.read(low, high)
    return max(-low, high)


def sub_pixel_layers(factors: Sequence[int]) -> list[Layer]:
    """The layers of a `SubPixelUpsampler` that enlarges by these factors."""
    return [layer for factor in factors for layer in (Convolution(1), PixelShuffle(factor))]
