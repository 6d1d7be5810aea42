"""MATLAB's interpolation kernels: how much of each source pixel goes into each resampled pixel."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

Method = Literal["nearest", "box", "bilinear", "bicubic", "lanczos2", "lanczos3"]
"""The kernels of MATLAB's `imresize`."""

Border = Literal["mirror", "replicate"]
"""What lies beyond the picture: its mirror image, edge pixel included, for ever; or the edge pixel alone."""


@dataclass(frozen=True)
class Resampling:
    """How one axis is resampled.

    Attributes:
        source_length: pixels before.
        length: pixels after.
        scale: resampled over source spacing; with `length` free of it, as `resize` explains.
        method: the kernel.
        antialias: widen the kernel by 1/scale when shrinking.
        border: what lies beyond the picture.
    """

    source_length: int
    length: int
    scale: float
    method: Method
    antialias: bool
    border: Border


@dataclass(frozen=True)
class WeightedSums:
    """The rows of a result as weighted sums of the rows of a source, in the form of torch's `embedding_bag`.

    Attributes:
        sources: the source rows that go into the first result row, then those of the second, and so on.
        weights: one for each of `sources`.
        starts: where in `sources` each result row begins; it ends where the next begins.
    """

    sources: Tensor
    weights: Tensor
    starts: Tensor


@lru_cache(maxsize=64)
def weighted_sums(resampling: Resampling, transposed: bool, dtype: torch.dtype, device: torch.device) -> WeightedSums:
    """The sums that resample one axis, or those that carry a gradient back through it (`transposed`).

    Borders are folded into the sums, so that nothing needs padding. Weights are computed in float64 and then
    rounded to `dtype`.
    """
    with _disable_current_modes():  # they are kept, so they must be real, even where `torch.export` asks first
        return _weighted_sums(resampling, transposed, dtype, device)


def _weighted_sums(resampling: Resampling, transposed: bool, dtype: torch.dtype, device: torch.device) -> WeightedSums:
    pixels, weights = contributions(resampling)
    results, taps = torch.nonzero(weights, as_tuple=True)
    sources, values = pixels[results, taps], weights[results, taps]
    count = resampling.length
    if transposed:
        order = sources.argsort(stable=True)
        results, sources, values, count = sources[order], results[order], values[order], resampling.source_length
    starts = torch.searchsorted(results, torch.arange(count, device="cpu"))
    return WeightedSums(sources.to(device), values.to(device, dtype), starts.to(device))


def contributions(resampling: Resampling) -> tuple[Tensor, Tensor]:
    """What each resampled pixel is made of: (source pixels int64, weights float64), both length × taps, on the CPU.

    Weights of one pixel sum to 1. A source pixel may come several times, mirrored at the border.

    Source: `contributions` in MATLAB's imresize.m; its formulas are kept to the letter, in its 1-based pixels, so
    that positions that fall between two pixels are rounded to the same one.
    """
    kernel, width = KERNELS[resampling.method]
    scale = resampling.scale
    # MATLAB widens every kernel but that of "nearest", which is otherwise that of "box".
    widened = resampling.antialias and resampling.method != "nearest"
    shrink = min(scale, 1.0) if widened else 1.0
    width /= shrink
    index = torch.arange(1, resampling.length + 1, dtype=torch.float64, device="cpu")
    centre = (index / scale + 0.5 * (1 - 1 / scale)).unsqueeze(1)
    taps = torch.arange(math.ceil(width) + 2, dtype=torch.float64, device="cpu")
    sources = torch.floor(centre - width / 2) + taps
    weights = shrink * kernel(shrink * (centre - sources))
    weights /= weights.sum(dim=1, keepdim=True)
    return _inside(sources.long() - 1, resampling), weights


def _inside(sources: Tensor, resampling: Resampling) -> Tensor:
    length = resampling.source_length
    if resampling.border == "replicate":
        return sources.clamp(0, length - 1)
    there_and_back = sources.remainder(2 * length)
    return torch.minimum(there_and_back, 2 * length - 1 - there_and_back)


def _box(x: Tensor) -> Tensor:
    return ((x >= -0.5) & (x < 0.5)).double()


def _triangle(x: Tensor) -> Tensor:
    return (1 - x.abs()).clamp(min=0)


def _cubic(x: Tensor) -> Tensor:
    """Keys (1981), a = −0.5."""
    x = x.abs()
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, near, far) * (x <= 2)


def _lanczos(x: Tensor, lobes: int) -> Tensor:
    """A sinc under the main lobe of a wider one (Duchon 1979)."""
    return torch.sinc(x) * torch.sinc(x / lobes) * (x.abs() < lobes)


KERNELS: dict[Method, tuple[Callable[[Tensor], Tensor], float]] = {
    "nearest": (_box, 1),
    "box": (_box, 1),
    "bilinear": (_triangle, 2),
    "bicubic": (_cubic, 4),
    "lanczos2": (partial(_lanczos, lobes=2), 4),
    "lanczos3": (partial(_lanczos, lobes=3), 6),
}
"""Each kernel and the width of its support in pixels."""
