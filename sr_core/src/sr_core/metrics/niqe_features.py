"""The 36 numbers by which NIQE describes a block of a picture (Mittal, Soundararajan and Bovik 2012)."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.imaging.resize import resize
from sr_core.metrics.filtering import correlate, gaussian

BLOCK = 96
"""Pixels of a block's side, at the first of two resolutions."""

WINDOW, SIGMA = 7, 7 / 6
"""The Gaussian window of local means and deviations."""

ROUNDING = 1e-9
"""Differences below, of levels 0 … 255, are the rounding errors of flat places."""

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Steps to the neighbours whose products with a pixel are looked at: right, below and two diagonals."""


def block_features(levels: Tensor) -> Tensor:
    """The features of each whole block.

    Args:
        levels: H×W float64, 0 … 255, at least one block large; what is left at the bottom and right is cut off.

    Returns:
        B×36, not a number where a block is flat.
    """
    rows, columns = (side // BLOCK for side in levels.shape)
    image = levels[None, None, : rows * BLOCK, : columns * BLOCK]
    half = 255 * resize(image / 255, 0.5)  # of [0, 1], so that rounding errors are MATLAB's
    return torch.cat([_features(_blocks(image, BLOCK)), _features(_blocks(half, BLOCK // 2))], dim=1)


def _blocks(image: Tensor, side: int) -> Tensor:
    """The normalised picture cut up: B×side×side."""
    normalised = _normalised(image)[0, 0]
    return normalised.unfold(0, side, side).unfold(1, side, side).flatten(0, 1)


def _normalised(image: Tensor) -> Tensor:
    """Each pixel less its local mean, over its local standard deviation plus 1: N×1×H×W."""
    weights = gaussian(WINDOW, SIGMA)
    window = (weights.unsqueeze(1) * weights).unsqueeze(0)
    padded = F.pad(image, (WINDOW // 2,) * 4, mode="replicate")
    mean = correlate(padded, window)
    deviation = (correlate(padded * padded, window) - mean * mean).abs().sqrt()
    difference = image - mean
    # Flat places must give 0: the features count how many pixels are above and below it.
    return torch.where(difference.abs() < ROUNDING, 0, difference) / (deviation + 1)


def _features(blocks: Tensor) -> Tensor:
    """Shape and spread of the pixels, and four numbers for the products with each neighbour: B×18."""
    shape, left, right = _fit(blocks)
    features = [shape, (left + right) / 2]
    for step in NEIGHBOURS:
        shape, left, right = _fit(blocks * blocks.roll(step, dims=(1, 2)))
        mean = (right - left) * torch.exp(torch.lgamma(2 / shape) - torch.lgamma(1 / shape))
        features += [shape, mean, left, right]
    return torch.stack(features, dim=1)


def _fit(blocks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Asymmetric generalised Gaussians fitted to blocks by their moments: (shape, left spread, right spread), B each.

    Source: Lasmar, Stitou and Berthoumieu, ICIP 2009.
    """
    samples = blocks.flatten(1)
    left, right = (_root_mean_square(samples, side) for side in (samples < 0, samples > 0))
    ratio = left / right
    moments = samples.abs().mean(dim=1) ** 2 / samples.square().mean(dim=1)
    wanted = moments * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, borders = _shapes()
    shape = shapes.to(samples)[torch.bucketize(wanted, borders.to(samples))]
    spread = torch.exp((torch.lgamma(1 / shape) - torch.lgamma(3 / shape)) / 2)
    return shape, left * spread, right * spread


def _root_mean_square(samples: Tensor, chosen: Tensor) -> Tensor:
    """Of the chosen samples of each row; not a number where there is none."""
    return ((samples * chosen).square().sum(dim=1) / chosen.sum(dim=1)).sqrt()


@lru_cache(maxsize=1)
def _shapes() -> tuple[Tensor, Tensor]:
    """Shapes from 0.2 to 10 in steps of 0.001, and the moment ratios halfway between those of neighbouring shapes."""
    shapes = torch.arange(200, 10001, dtype=torch.float64) / 1000
    log_gamma_1, log_gamma_2, log_gamma_3 = (torch.lgamma(times / shapes) for times in (1, 2, 3))
    ratios = torch.exp(2 * log_gamma_2 - log_gamma_1 - log_gamma_3)
    return shapes, (ratios[1:] + ratios[:-1]) / 2
