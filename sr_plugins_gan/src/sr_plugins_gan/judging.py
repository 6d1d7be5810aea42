"""What discriminators share: the convolution with its normalisation and leaky ReLU, and the size they need."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sr_core import SrkitError

Norm = Literal["batch", "instance", "spectral", "none"]
"""How a discriminator is kept in bounds: maps are normalised over the batch or by picture, or weights by their norm."""


def judging_layer(
    inputs: int, outputs: int, kernel: int, stride: int, norm: Norm, *, bias: bool = True
) -> nn.Sequential:
    """A convolution padded by one zero, its normalisation, and a leaky ReLU of slope 0.2."""
    layers: list[nn.Module] = [normed(nn.Conv2d(inputs, outputs, kernel, stride, padding=1, bias=bias), norm)]
    if norm == "batch":
        layers.append(nn.BatchNorm2d(outputs))
    elif norm == "instance":
        layers.append(nn.InstanceNorm2d(outputs))
    return nn.Sequential(*layers, nn.LeakyReLU(0.2, inplace=True))


def normed(layer: nn.Conv2d | nn.Linear, norm: Norm) -> nn.Module:
    """The layer, its weights divided by their largest singular value where `norm` is `spectral`."""
    return spectral_norm(layer) if norm == "spectral" else layer


def refuse_smaller(image: Tensor, side: int, whose: str) -> None:
    """Refuse pictures N×C×H×W of which nothing would be left.

    Raises:
        SrkitError: a side is smaller; says what to change.
    """
    height, width = image.shape[-2:]
    if min(height, width) < side:
        raise SrkitError(
            f"{whose} judges pictures of {side}×{side} and larger, not {height}×{width}: take larger crops"
        )
