"""Layers that networks of several families have."""

from __future__ import annotations

from torch import nn

SCALE = 4
LEVELS = 255
DIV2K_MEAN = (0.4488, 0.4371, 0.4040)


def convolution(inputs: int, outputs: int, kernel: int = 3) -> nn.Conv2d:
    """A convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


def pre_activated(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    """Batch normalisation, ReLU, convolution."""
    return nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(), convolution(inputs, outputs, kernel))


def sub_pixel(width: int) -> nn.Sequential:
    """×4 by two convolutions, each followed by a pixel shuffle."""
    twice = (convolution(width, 4 * width), nn.PixelShuffle(2), convolution(width, 4 * width), nn.PixelShuffle(2))
    return nn.Sequential(*twice)


def enlarged_first(network: nn.Module) -> nn.Sequential:
    """A network that works on the bicubic picture, as one that takes LR."""
    return nn.Sequential(nn.Upsample(scale_factor=SCALE, mode="bicubic"), network)
