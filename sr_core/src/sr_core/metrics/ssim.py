"""Structural similarity."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.interfaces.metric import Metric
from sr_core.metrics.filtering import gaussian

WINDOW = 11
SIGMA = 1.5
K1, K2 = 0.01, 0.03

REACH = WINDOW - 1
"""Pixels that a side loses where only whole windows count."""

ROWS = 36
"""Rows measured together: few enough to stay in the processor's cache."""

BLOCK = 12
"""Columns weighted by one small matrix; processors multiply matrices of 12 and 24 columns fastest."""


Similarities = Callable[[Tensor, Tensor], Tensor]
"""Something that computes what `similarities` does."""


def ssim(sr: Tensor, hr: Tensor, measure: Similarities | None = None) -> Tensor:
    """SSIM of each picture: Gaussian window 11×11 of σ 1.5, where the window fits (Wang et al. 2004, ssim_index.m).

    The mean over the picture of

        (2 μ₁ μ₂ + C₁) / (μ₁² + μ₂² + C₁) · (2 σ₁₂ + C₂) / (σ₁² + σ₂² + C₂),  C₁ = 0.01², C₂ = 0.03²

    with the window's weighted means μ, variances σ² and covariance σ₁₂. Several planes are measured one by one and
    averaged.

    Args:
        sr: N×C×H×W in [0, 1], at least 11×11.
        hr: the same shape.
        measure: computes `similarities`, by default that itself; training has one that is faster for many crops.

    Returns:
        N values, 1 for equal pictures.

    Raises:
        ValueError: the pictures are smaller than the window.
    """
    if min(sr.shape[-2:]) < WINDOW:
        raise ValueError(f"SSIM needs {WINDOW}×{WINDOW} pixels, the picture has {sr.shape[-2]}×{sr.shape[-1]}")
    return (measure or similarities)(sr, hr)[..., 0].mean(dim=1)


def similarities(sr: Tensor, hr: Tensor) -> Tensor:
    """What SSIM and MS-SSIM are made of: N×C×2, the means over each plane of SSIM and of its second factor alone.

    Args:
        sr: N×C×H×W in [0, 1], at least 11×11.
        hr: the same shape.
    """
    window = _Window(sr)
    pairs = zip(sr.flatten(0, 1), hr.flatten(0, 1), strict=True)
    return torch.stack([_plane_similarities(*pair, window) for pair in pairs]).view(*sr.shape[:2], 2)


class _Window:
    """The Gaussian window as matrices, in the dtype and on the device of a picture.

    Each row of a matrix holds the weights of one window position, so a product is a convolution; this is many
    times faster than `conv2d` in float64.
    """

    def __init__(self, like: Tensor) -> None:
        banded = torch.zeros(ROWS, ROWS + REACH, dtype=torch.float64)
        for tap, weight in enumerate(gaussian(WINDOW, SIGMA).tolist()):
            banded.diagonal(tap).fill_(weight)
        self.rows = banded.to(like)
        block = self.rows[:BLOCK, : BLOCK + REACH].T
        self.block, self.next_block = block[:BLOCK].contiguous(), block[BLOCK:].contiguous()

    def mean(self, plane: Tensor) -> Tensor:
        """Weighted means where the window fits: h×w → (h − 10)×(w − 10), h at most ROWS + 10."""
        height, width = plane.shape
        line = (self.rows[: height - REACH, :height] @ plane).flatten()
        # All rows as one line of blocks: a block needs itself and the start of the next. Where a window runs from
        # the end of a row into the next one it means nothing, and is cut off.
        missing = -len(line) % BLOCK
        blocks = (F.pad(line, (0, missing)) if missing else line).view(-1, BLOCK)
        means = blocks @ self.block
        means[:-1].addmm_(blocks[1:, :REACH], self.next_block)
        return means.flatten()[: len(line)].view(-1, width)[:, : width - REACH]


def _plane_similarities(sr: Tensor, hr: Tensor, window: _Window) -> Tensor:
    """The two means of one plane H×W."""
    height, width = sr.shape
    starts = range(0, height - REACH, ROWS)
    strips = [slice(start, start + ROWS + REACH) for start in starts]
    sums = [_strip_similarities(sr[strip], hr[strip], window) for strip in strips]
    return torch.stack(sums).sum(dim=0) / ((height - REACH) * (width - REACH))


def _strip_similarities(sr: Tensor, hr: Tensor, window: _Window) -> Tensor:
    """The two sums over a strip of at most ROWS + 10 rows."""
    luminance_loss, structure_loss = shortfalls(sr, hr, window.mean)
    structure = structure_loss.numel() - 2 * structure_loss.sum()
    lost_twice = torch.dot(luminance_loss.flatten(), structure_loss.flatten())
    return torch.stack([structure - 2 * luminance_loss.sum() + 4 * lost_twice, structure])


def shortfalls(sr: Tensor, hr: Tensor, mean: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """(l, c) of each window: SSIM is (1 − 2 l) · (1 − 2 c), its second factor 1 − 2 c; 0 where the pictures are equal.

    By sum s and difference d of the pictures the formula needs four weighted means instead of five:
    l = μ_d² / (μₛ² + μ_d² + 2 C₁) and c = σ_d² / (σₛ² + σ_d² + 2 C₂); variances are biased, as the paper's weighted
    window has them.

    Args:
        sr: any shape.
        hr: the same shape.
        mean: the window's weighted means.
    """
    total, difference = sr + hr, sr - hr
    squared = difference * difference
    mean_s, mean_d = mean(total), mean(difference)
    power, power_d = mean(torch.addcmul(squared, total, total)), mean(squared)
    direct_d = mean_d * mean_d
    direct = torch.addcmul(direct_d, mean_s, mean_s)
    return direct_d / (direct + 2 * K1**2), (power_d - direct_d) / (power - direct).add_(2 * K2**2)


class SSIM(Metric):
    """Structural similarity (`ssim`)."""

    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        """SSIM of each picture."""
        return ssim(sr, reference)
