"""What JPEG does to a picture, without the file: on any device, differentiable, within rounding of libjpeg.

Written to be the coder and decoder that everybody has (libjpeg's defaults): 8-bit pixels, YCbCr of JFIF, chroma at
half the size in both directions (4:2:0), 8×8 cosine transforms, Annex K's tables, chroma enlarged by triangles.
Every rounding has the gradient of no rounding (straight-through).
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.degradations.step import straight_through
from sr_core.imaging.padding import continued

LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
"""Quantisation at quality 50 (ITU-T T.81, Annex K)."""

_LESS_THAN_HALF = 1e-4
"""Turns a half down, and no sum of weighted levels that lies above a half."""


def through_jpeg(image: Tensor, quality: int) -> Tensor:
    """`image` as it comes back from a JPEG file.

    Args:
        image: N×C×H×W float32 in [0, 1]; RGB where C is 3, otherwise each plane is a gray picture.
        quality: 1 … 100, as libjpeg counts it.

    Returns:
        N×C×H×W, multiples of 1/255.
    """
    height, width = image.shape[-2:]
    levels = _rounded(image * 255, 0, 255)
    if image.shape[1] != 3:
        return _coded(continued(levels, 8) - 128, LUMA, quality)[..., :height, :width] / 255
    red, green, blue = (levels[:, plane : plane + 1] for plane in range(3))
    luma = _rounded(0.299 * red + 0.587 * green + 0.114 * blue, 0, 255)
    # Less 128 throughout; libjpeg rounds a half of chroma down.
    blue_chroma = _rounded(-0.168735892 * red - 0.331264108 * green + 0.5 * blue - _LESS_THAN_HALF, -128, 127)
    red_chroma = _rounded(0.5 * red - 0.418687589 * green - 0.081312411 * blue - _LESS_THAN_HALF, -128, 127)
    luma = _coded(continued(luma, 16) - 128, LUMA, quality)[..., :height, :width]
    halves = _halved(continued(torch.cat([blue_chroma, red_chroma], dim=1), 16))
    # The decoder knows where the picture ends, and nothing of what was continued there.
    halves = _coded(halves, CHROMA, quality)[..., : -(-height // 2), : -(-width // 2)] - 128
    enlarged = _enlarged(halves)[..., :height, :width]
    blue_chroma, red_chroma = enlarged[:, :1], enlarged[:, 1:]
    red = luma + 1.402 * red_chroma
    green = luma - 0.344136286 * blue_chroma - 0.714136286 * red_chroma
    blue = luma + 1.772 * blue_chroma
    return _rounded(torch.cat([red, green, blue], dim=1), 0, 255) / 255


def _coded(levels: Tensor, table: tuple[tuple[int, ...], ...], quality: int) -> Tensor:
    """Planes around 0, sides multiples of 8, transformed, quantised and transformed back to 0 … 255."""
    batch, planes, height, width = levels.shape
    cosines = _cosines(levels.device)
    steps = _steps(table, quality, levels.device)
    blocks = levels.reshape(-1, 8, width)  # eight rows: the blocks lie beside each other
    coefficients = ((cosines @ blocks).view(-1, width // 8, 8) @ cosines.T).view(-1, 8, width // 8, 8)
    quotients = coefficients / steps
    # libjpeg's transform gives whole eighths, and its quotients are rounded away from 0: half of them would fall
    # otherwise where steps are small.
    eighths = torch.floor(8 * coefficients.detach() + 0.5).div_(8 * steps)
    values = straight_through(quotients, torch.floor(eighths.abs() + 0.5) * eighths.sign()) * steps
    blocks = (values.view(-1, width // 8, 8) @ cosines).view(-1, 8, width)
    return _rounded((cosines.T @ blocks).view(batch, planes, height, width) + 128, 0, 255)


@lru_cache(maxsize=8)
@torch.inference_mode(mode=False)  # kept, and later perhaps part of a gradient
def _cosines(device: torch.device) -> Tensor:
    """The 8×8 orthonormal cosine transform."""
    place = torch.arange(8, dtype=torch.float64, device="cpu")
    rows = torch.cos((2 * place + 1) * place[:, None] * math.pi / 16) / 2
    rows[0] /= math.sqrt(2)
    return rows.to(device, torch.float32)


@lru_cache(maxsize=512)
@torch.inference_mode(mode=False)
def _steps(table: tuple[tuple[int, ...], ...], quality: int, device: torch.device) -> Tensor:
    """8×1×8 quantisation steps, scaled and rounded down as libjpeg does."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps = (torch.tensor(table, device="cpu") * percent + 50) // 100
    return steps.clamp(1, 255).to(device, torch.float32).unsqueeze(1)


def _halved(chroma: Tensor) -> Tensor:
    """The mean of every 2×2 pixels; a half is rounded down and up in turn, as libjpeg does."""
    mean = F.avg_pool2d(chroma, 2)
    turn = torch.full((mean.shape[-1],), 0.25, device=mean.device)
    turn[1::2] = 0.5
    return straight_through(mean, torch.floor(mean + turn))


def _enlarged(halves: Tensor) -> Tensor:
    """Twice the size: three quarters of the nearest pixel and one of the next, in both directions, rounded."""
    rows = _between(halves, 2)
    summed = _between(rows, 3)
    turn = torch.full((summed.shape[-1],), 0.5, device=summed.device)
    turn[1::2] = 7 / 16
    return straight_through(summed, torch.floor(summed + turn))


def _between(planes: Tensor, axis: int) -> Tensor:
    length = planes.shape[axis]
    before = torch.cat([planes.narrow(axis, 0, 1), planes.narrow(axis, 0, length - 1)], dim=axis)
    after = torch.cat([planes.narrow(axis, 1, length - 1), planes.narrow(axis, length - 1, 1)], dim=axis)
    near = 0.75 * planes
    pairs = torch.stack([near + 0.25 * before, near + 0.25 * after], dim=axis + 1)
    return pairs.flatten(axis, axis + 1)


def _rounded(levels: Tensor, low: int, high: int) -> Tensor:
    levels = levels.clamp(low, high)
    return straight_through(levels, torch.floor(levels + 0.5))
