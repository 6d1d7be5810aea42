"""How much information of one picture another one holds, by a model of natural scenes (for IFC and VIF).

Sheikh, Bovik and de Veciana, IEEE Trans. Image Processing 2005; Sheikh and Bovik, 2006. In each sub-band of a
steerable pyramid, 3×3 blocks of the reference are Gaussian vectors of one covariance times a scalar field; the other
picture's blocks are the reference's times a local gain, plus local noise. Both follow from the pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.metrics.steerable_pyramid import sub_bands

LEVELS = 4
SIDE = 3
"""Pixels of a block's side."""

SMALLEST_SIDE = 65
"""The fewest pixels of a picture's side that leave a block in every sub-band."""

TINY = 1e-15
"""Variances below are taken for zero."""


def information(sr: Tensor, hr: Tensor, noise: float) -> tuple[Tensor, Tensor]:
    """Bits of each plane that SR holds of HR, and bits that HR holds, seen through noise of that variance.

    Args:
        sr: N×C×H×W in [0, 1], at least 65×65.
        hr: the same shape.
        noise: variance of the observer's noise, of levels 0 … 255.

    Returns:
        N×C values each.

    Raises:
        ValueError: the pictures are too small.
    """
    height, width = hr.shape[-2:]
    if min(height, width) < SMALLEST_SIDE:
        raise ValueError(f"IFC and VIF need {SMALLEST_SIDE}×{SMALLEST_SIDE} pixels, the picture has {height}×{width}")
    pyramids = zip(*(sub_bands(levels(image), LEVELS) for image in (sr, hr)), strict=True)
    kept = held = hr.new_zeros(hr.shape[:2])
    for level, pair in enumerate(pyramids):
        reach = 2 ** (LEVELS - 1 - level)  # of the window that gain and rest are estimated in
        band_sr, band_hr = (_whole_blocks(bands.flatten(0, 1)) for bands in pair)
        more_kept, more_held = (bits.view(*hr.shape[:2], 2) for bits in _bits(band_sr, band_hr, reach, noise))
        kept, held = kept + more_kept.sum(dim=-1), held + more_held.sum(dim=-1)
    return kept, held


def levels(image: Tensor) -> Tensor:
    """N×C×H×W in [0, 1] as N·C×1×H×W in 0 … 255."""
    return 255 * image.flatten(0, 1).unsqueeze(1)


def channel(sr: Tensor, hr: Tensor, mean: Callable[[Tensor], Tensor], tiny: float) -> tuple[Tensor, Tensor, Tensor]:
    """The regression of SR on HR in each window: variance of HR, gain, and variance of what the gain leaves.

    Args:
        sr: a plane or sub-band.
        hr: the same shape.
        mean: gives the means over the windows.
        tiny: variances below are taken for zero.
    """
    mean_sr, mean_hr = mean(sr), mean(hr)
    variance_sr = (mean(sr * sr) - mean_sr**2).clamp(min=0)
    variance_hr = (mean(hr * hr) - mean_hr**2).clamp(min=0)
    covariance = mean(sr * hr) - mean_sr * mean_hr
    flat = variance_hr < tiny
    variance_hr = torch.where(flat, 0, variance_hr)
    # A negative gain would count as information; what has no variance holds none.
    gain = (covariance / torch.where(flat, 1, variance_hr)).clamp(min=0)
    gain = torch.where(flat | (variance_sr < tiny), 0, gain)
    return variance_hr, gain, (variance_sr - gain * covariance).clamp(min=tiny)


def _whole_blocks(band: Tensor) -> Tensor:
    """N×h×w cut at the bottom and right to multiples of the block."""
    height, width = (side // SIDE * SIDE for side in band.shape[-2:])
    return band[:, :height, :width]


def _bits(sr: Tensor, hr: Tensor, reach: int, noise: float) -> tuple[Tensor, Tensor]:
    _, gain, rest = channel(sr, hr, partial(_window_means, reach=reach), TINY)
    signal = _signal(hr, border=_border(reach))
    seen = (gain**2 / (rest + noise)).unsqueeze(1) * signal
    return torch.log2(1 + seen).sum(dim=(1, 2, 3)), torch.log2(1 + signal / noise).sum(dim=(1, 2, 3))


def _border(reach: int) -> int:
    """Blocks left out at each border, so that no window of that reach leaves the sub-band."""
    return -(-reach // SIDE)


def _signal(band: Tensor, border: int) -> Tensor:
    """Variance of each block along each axis of the blocks' covariance: N×9×rows×columns of blocks."""
    patches = band.unfold(1, SIDE, 1).unfold(2, SIDE, 1).flatten(3).flatten(1, 2)  # N × all blocks × 9
    patches = patches - patches.mean(dim=1, keepdim=True)
    covariance = patches.mT @ patches / patches.shape[1]
    eigenvalues, axes = torch.linalg.eigh(covariance)
    blocks = torch.pixel_unshuffle(band.unsqueeze(1), SIDE)  # N × 9 × rows × columns
    inner = blocks[..., border : blocks.shape[-2] - border, border : blocks.shape[-1] - border]
    along_axes = torch.einsum("npa,nprc->narc", axes, inner)  # n pictures, p pixels of a block, a axes
    # An axis without variance, as in a flat picture, holds nothing.
    smallest = eigenvalues.amax(dim=1, keepdim=True) * SIDE**2 * torch.finfo(band.dtype).eps + TINY
    usable = eigenvalues > smallest
    inverses = torch.where(usable, 1 / torch.where(usable, eigenvalues, 1), 0)
    field = (along_axes.square() * inverses[..., None, None]).mean(dim=1, keepdim=True)
    signal: Tensor = field * eigenvalues.clamp(min=0)[..., None, None]
    return signal


def _window_means(plane: Tensor, reach: int) -> Tensor:
    """Means over (2·reach + 1)² pixels around the centres of the blocks whose window fits: N×rows×columns."""
    border = _border(reach)
    first = SIDE * border + SIDE // 2 - reach
    rows, columns = (side // SIDE - 2 * border for side in plane.shape[-2:])
    width = 2 * reach + 1
    down = F.avg_pool2d(plane[:, first:, first:].unsqueeze(1), (width, 1), stride=(SIDE, 1))
    means = F.avg_pool2d(down, (1, width), stride=(1, SIDE)).squeeze(1)
    return means[:, :rows, :columns]
