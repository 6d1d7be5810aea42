"""The sub-pixel upsampler that EDSR made common: convolutions whose extra maps are shuffled into place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

SubPixelScale = Annotated[int, Field(ge=1, le=16)]
"""A scale the upsampler can make: a product of 2s, or 3."""


def sub_pixel_factors(scale: int) -> tuple[int, ...]:
    """The factors by which the stages enlarge: ×2 again and again, or ×3 at once; none for ×1.

    >>> sub_pixel_factors(8), sub_pixel_factors(3)
    ((2, 2, 2), (3,))

    Raises:
        ValueError: the scale is neither.
    """
    if scale == 3:
        return (3,)
    if scale < 1 or scale & (scale - 1):
        raise ValueError(f"a sub-pixel upsampler makes ×1, ×2, ×3, ×4, ×8 or ×16, not ×{scale}")
    return (2,) * (scale.bit_length() - 1)


class SubPixelUpsampler(nn.Sequential):
    """A 3×3 convolution to factor² · width maps and a pixel shuffle, for each factor (Lim et al., EDSR, figure 3).

    State-dict names are those of EDSR-PyTorch's `Upsampler`: `0.weight`, `2.weight`, … PyTorch's own initialisation.

    Args:
        scale: 1, 2, 3, 4, 8 or 16.
        width: maps that come in and go out.
        activation: makes the module after each shuffle; None for none. It moves the names of later stages.
    """

    def __init__(self, scale: int, width: int, activation: Callable[[], nn.Module] | None = None) -> None:
        layers: list[nn.Module] = []
        for factor in sub_pixel_factors(scale):
            layers += [nn.Conv2d(width, factor**2 * width, 3, padding=1), nn.PixelShuffle(factor)]
            if activation is not None:
                layers.append(activation())
        super().__init__(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """N×F×sH×sW from N×F×H×W."""
        return through_sub_pixels(self, features)


def through_sub_pixels(layers: Iterable[nn.Module], features: Tensor) -> Tensor:
    """`features` through layers of which each convolution has a pixel shuffle after it, N×F×H×W to N×F×sH×sW."""
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            features = sub_pixel_convolution(layer, features)
        elif not isinstance(layer, nn.PixelShuffle):
            features = layer(features)
    return features


def sub_pixel_convolution(layer: nn.Conv2d, features: Tensor) -> Tensor:
    """A 3×3 convolution from F to factor² · F maps and the pixel shuffle after it, N×F×H×W to N×F×sH×sW.

    Channels-last in memory, a shuffle picks single numbers; where no gradient is asked for, the maps of one new pixel
    are made side by side, and it copies them together, in half the time.
    """
    width = layer.in_channels
    factor = round((layer.out_channels / width) ** 0.5)
    if torch.is_grad_enabled() or features.device.type != "cpu" or layer.groups > 1:
        return F.pixel_shuffle(layer(features), factor)
    weight = layer.weight.view(width, factor**2, width, *layer.kernel_size).transpose(0, 1).flatten(0, 1)
    bias = None if layer.bias is None else layer.bias.view(width, -1).t().flatten()
    maps = F.conv2d(features, weight, bias, padding=1).permute(0, 2, 3, 1)
    batch, rows, columns, _ = maps.shape
    places = maps.reshape(batch, rows, columns, factor, factor, width).transpose(2, 3)
    return places.reshape(batch, rows * factor, columns * factor, width).permute(0, 3, 1, 2)
