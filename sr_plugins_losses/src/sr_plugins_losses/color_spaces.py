"""The colour spaces in which pixels can be compared, each with planes of similar range."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from sr_core.imaging.color import rgb_to_hsv, rgb_to_lab, rgb_to_y, rgb_to_ycbcr

Space = Literal["rgb", "y", "ycbcr", "lab", "hsv"]
"""`rgb`: as it is. `y`: luma alone, and `ycbcr`: with both colour differences, in the studio range of the field's
figures, 16/255 … 240/255. `lab`: CIE L*a*b* over 100, so L* in 0 … 1. `hsv`: the points of HSV's cone (`hsv_cone`)."""


def in_space(rgb: Tensor, space: Space) -> Tensor:
    """The planes of an RGB picture in another space.

    Args:
        rgb: N×3×H×W, in [0, 1]; values outside continue the curves.
        space: one of `Space`.

    Returns:
        N×3×H×W, N×1×H×W for `y`; with a finite gradient everywhere.

    Raises:
        ValueError: the picture has no three planes.
    """
    return _FROM_RGB[space](rgb)


def hsv_cone(rgb: Tensor) -> Tensor:
    """Hue, saturation and value as a point of their cone, (s·v·cos h, s·v·sin h, v): Smith's hexcone (1978) made round.

    Hue is an angle, which has no meaning for grays and little for dark or pale colours. On the cone its difference
    goes round the circle, counts as much as there is colour, and is nothing between grays; and its gradients stay
    small where those of hue and saturation grow beyond all bounds, near gray and black. At gray itself, the axis of
    the cone, the first two planes have none.

    Args:
        rgb: N×3×H×W, floating point.

    Returns:
        N×3×H×W: two in [-1, 1], value in [0, 1].
    """
    hue = 2 * math.pi * rgb_to_hsv(rgb)[:, 0]
    value = rgb.amax(dim=1)
    chroma = value - rgb.amin(dim=1)  # s·v, without the quotient, and right for values outside [0, 1]
    return torch.stack([chroma * hue.cos(), chroma * hue.sin(), value], dim=1)


_FROM_RGB: dict[Space, Callable[[Tensor], Tensor]] = {
    "rgb": lambda rgb: rgb,
    "y": rgb_to_y,
    "ycbcr": rgb_to_ycbcr,
    "lab": lambda rgb: rgb_to_lab(rgb) / 100,
    "hsv": hsv_cone,
}
