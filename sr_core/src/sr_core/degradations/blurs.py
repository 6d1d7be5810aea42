"""Blurs that each sample draws its own kernel of: Gaussian, anisotropic, motion, and the ringing sinc."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field
from torch import Tensor

from sr_core.degradations.blur_kernels import elliptic_kernel, motion_kernel, sinc_kernel
from sr_core.degradations.chance import Amount, Chance, check_amount, is_fixed
from sr_core.degradations.filtering import filtered
from sr_core.degradations.step import Step

Width = Annotated[int, Field(ge=1, le=999)]


class GaussianBlur(Step):
    """A round Gaussian blur of HR; then bicubic shrinking.

    Args:
        sigma: in pixels, a number or [lowest, highest]; by default the range of Real-ESRGAN.
        size: width of the kernel in pixels, odd.

    Raises:
        ValueError: sigma is not above 0, or the kernel has an even width.
    """

    comes_first = True

    def __init__(self, sigma: Amount = (0.2, 3.0), size: Width = 21) -> None:
        super().__init__()
        self.sigma = check_amount("sigma", sigma, 1e-3, 100)
        self.size = check_odd(size)
        self.deterministic = is_fixed(sigma)

    def applied(self, image: Tensor, chance: Chance) -> Tensor:
        """`image` blurred."""
        sigma = chance.amount(self.sigma)
        return blurred(image, elliptic_kernel(self.size, (sigma, sigma))).clamp(0, 1)


class AnisotropicBlur(Step):
    """A Gaussian blur that is wider in one direction than across it; then bicubic shrinking.

    Args:
        sigma: along both axes of the ellipse, each drawn by itself, in pixels; by default the range of Real-ESRGAN.
        angle: of the first axis in degrees, clockwise from the horizontal.
        size: width of the kernel in pixels, odd.

    Raises:
        ValueError: sigma is not above 0, an angle is beyond ±360, or the kernel has an even width.
    """

    comes_first = True

    def __init__(self, sigma: Amount = (0.2, 3.0), angle: Amount = (-180.0, 180.0), size: Width = 21) -> None:
        super().__init__()
        self.sigma = check_amount("sigma", sigma, 1e-3, 100)
        self.angle = check_amount("angle", angle, -360, 360)
        self.size = check_odd(size)
        self.deterministic = is_fixed(sigma, angle)

    def applied(self, image: Tensor, chance: Chance) -> Tensor:
        """`image` blurred."""
        sigmas = chance.amount(self.sigma), chance.amount(self.sigma)
        kernel = elliptic_kernel(self.size, sigmas, math.radians(chance.amount(self.angle)))
        return blurred(image, kernel).clamp(0, 1)


class MotionBlur(Step):
    """The blur of a camera that moves straight on (MATLAB's `fspecial('motion')`); then bicubic shrinking.

    Args:
        length: of the way in pixels; 1 is none.
        angle: in degrees, counter-clockwise from the right.

    Raises:
        ValueError: the way is not in 1 … 999 pixels, or an angle is beyond ±360.
    """

    comes_first = True

    def __init__(self, length: Amount = (1.0, 21.0), angle: Amount = (0.0, 180.0)) -> None:
        super().__init__()
        self.length = check_amount("length", length, 1, 999)
        self.angle = check_amount("angle", angle, -360, 360)
        self.deterministic = is_fixed(length, angle)

    def applied(self, image: Tensor, chance: Chance) -> Tensor:
        """`image` blurred."""
        length, angle = chance.amount(self.length), math.radians(chance.amount(self.angle))
        return blurred(image, motion_kernel(2 * math.ceil(length / 2) + 1, length, angle)).clamp(0, 1)


class Sinc(Step):
    """A circular low pass that rings: the halos of sharpened and of compressed pictures (Real-ESRGAN's sinc filter).

    Applied to LR, after bicubic shrinking.

    Args:
        cutoff: in radians per pixel, up to π; by default the range of Real-ESRGAN's last filter.
        size: width of the kernel in pixels, odd.

    Raises:
        ValueError: the cutoff is not in 0.01 … π, or the kernel has an even width.
    """

    def __init__(self, cutoff: Amount = (math.pi / 3, math.pi), size: Width = 21) -> None:
        super().__init__()
        self.cutoff = check_amount("cutoff", cutoff, 0.01, math.pi)
        self.size = check_odd(size)
        self.deterministic = is_fixed(cutoff)

    def applied(self, image: Tensor, chance: Chance) -> Tensor:
        """`image` with rings, clipped."""
        return blurred(image, sinc_kernel(self.size, chance.amount(self.cutoff))).clamp(0, 1)


def blurred(image: Tensor, kernel: Tensor) -> Tensor:
    """`filtered`; where the kernel is a single pixel, `image` itself."""
    kernel = trimmed(kernel)
    return image if len(kernel) == 1 else filtered(image, kernel)


def trimmed(kernel: Tensor) -> Tensor:
    """The kernel without a rim of weights that float32 does not show next to the others."""
    middle = len(kernel) // 2
    shown = (kernel.abs() > 1e-9 * kernel.abs().max()).nonzero() - middle
    radius = int(shown.abs().max())
    return kernel[middle - radius : middle + radius + 1, middle - radius : middle + radius + 1]


def check_odd(size: int) -> int:
    """`size`, if it is odd.

    Raises:
        ValueError: it is not.
    """
    if size % 2 == 0:
        raise ValueError(f"size must be odd, so that the kernel has a centre; it is {size}")
    return size
