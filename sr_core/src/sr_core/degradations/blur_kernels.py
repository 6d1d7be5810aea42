"""The kernels of blurs: k×k float64 on the host, k odd, of sum 1."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

Profile = Literal["gaussian", "plateau"]


def elliptic_kernel(
    size: int,
    sigma: tuple[float, float],
    angle: float = 0.0,
    power: float = 1.0,
    profile: Profile = "gaussian",
    shift: tuple[float, float] = (0.0, 0.0),
) -> Tensor:
    """A kernel whose lines of equal weight are ellipses.

    With q the squared distance from the centre in units of `sigma`, weights are exp(−q^power / 2): Gaussian at power
    1, the generalised Gaussian of Pascal et al. (2013) otherwise; or 1 / (1 + q^power), a plateau.

    Args:
        size: k.
        sigma: along the two axes of the ellipse, in pixels.
        angle: of the first axis from the picture's horizontal towards its bottom, in radians.
        power: the sharpness of the edge.
        profile: which of the two.
        shift: (down, right) by which the centre is moved, in pixels.
    """
    down, right = (offset - moved for offset, moved in zip(_offsets(size), shift, strict=True))
    along = right * math.cos(angle) + down * math.sin(angle)
    across = down * math.cos(angle) - right * math.sin(angle)
    first, second = (max(each, 1e-4) for each in sigma)  # none at all is a single pixel, not 0/0
    distance = ((along / first) ** 2 + (across / second) ** 2) ** power
    if profile == "gaussian":
        # Relative to the largest weight, which may lie between pixels and be too small for a float.
        return _normalised(torch.exp((distance.min() - distance) / 2))
    return _normalised(1 / (1 + distance))


def sinc_kernel(size: int, cutoff: float) -> Tensor:
    """The circular low pass: cutoff · J₁(cutoff · r) / (2π r), which rings at edges.

    Args:
        size: k.
        cutoff: in radians per pixel; π is the highest frequency that pixels hold.
    """
    down, right = _offsets(size)
    distance = torch.hypot(down, right)
    centre = distance == 0
    distance = distance.masked_fill(centre, 1)
    weights = cutoff * torch.special.bessel_j1(cutoff * distance) / (2 * math.pi * distance)
    return _normalised(weights.masked_fill(centre, cutoff**2 / (4 * math.pi)))


def motion_kernel(size: int, length: float, angle: float) -> Tensor:
    """A straight line of one pixel's width, as MATLAB's `fspecial('motion')` draws it.

    A pixel's weight is 1 less its distance from the line's middle axis (or, beyond an end, from that end), at least 0.

    Args:
        size: k; should be at least `length`.
        length: of the line in pixels; 1 is no motion.
        angle: in radians, counter-clockwise from the right.
    """
    down, right = _offsets(size)
    along = right * math.cos(angle) - down * math.sin(angle)
    across = right * math.sin(angle) + down * math.cos(angle)
    beyond = (along.abs() - (length - 1) / 2).clamp(min=0)
    return _normalised((1 - torch.hypot(across, beyond)).clamp(min=0))


def _offsets(size: int) -> tuple[Tensor, Tensor]:
    """(Down, right) of each weight from the middle."""
    line = torch.arange(size, dtype=torch.float64, device="cpu") - size // 2
    return line[:, None].expand(size, size), line.expand(size, size)


def _normalised(weights: Tensor) -> Tensor:
    return weights / weights.sum()
