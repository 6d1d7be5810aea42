"""MATLAB's interpolation kernels as matrices: how much of each source pixel goes into each resampled pixel."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal

import torch
from torch import Tensor

Method = Literal["nearest", "box", "bilinear", "bicubic", "lanczos2", "lanczos3"]
"""The kernels of MATLAB's `imresize`."""

Border = Literal["mirror", "replicate"]
"""What lies beyond the picture: its mirror image, edge pixel included, for ever; or the edge pixel alone."""

BLOCK_SPAN = 80
"""Source and resampled pixels of one block together; 64 to 96 measured fastest for ×1/4, ×1/2, ×2 and ×4 on CPUs."""


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
class Block:
    """A dense piece of a banded matrix; all outside `columns` is zero in its `rows`."""

    rows: slice
    columns: slice
    weights: Tensor


@lru_cache(maxsize=64)
@torch.inference_mode(mode=False)  # a tensor kept from inference mode would be refused where gradients are needed
def banded_matrix(
    resampling: Resampling, transposed: bool, dtype: torch.dtype, device: torch.device
) -> tuple[Block, ...]:
    """The matrix that resamples one axis, `length × source_length`, or its transpose, as blocks from top to bottom.

    Borders are folded into the weights, so that nothing ever needs padding. Weights are computed in float64 and
    then rounded to `dtype`.
    """
    sources, weights = contributions(resampling)
    rows, column_of_weight = torch.nonzero(weights, as_tuple=True)
    columns, values = sources[rows, column_of_weight], weights[rows, column_of_weight]
    height, rows_per_column = resampling.length, resampling.scale
    if transposed:
        columns, order = torch.sort(columns, stable=True)
        rows, columns, values = columns, rows[order], values[order]
        height, rows_per_column = resampling.source_length, 1 / resampling.scale
    step = max(8, round(BLOCK_SPAN / (1 + 1 / rows_per_column)))
    starts = range(0, height, step)
    ends = torch.searchsorted(rows, torch.tensor([*starts[1:], height], device="cpu")).tolist()
    blocks = []
    for start, begin, end in zip(starts, [0, *ends], ends, strict=False):
        entries = slice(begin, end)
        block = _block(start, min(step, height - start), rows[entries], columns[entries], values[entries])
        blocks.append(Block(block.rows, block.columns, block.weights.to(device, dtype)))
    return tuple(blocks)


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


def _block(start: int, height: int, rows: Tensor, columns: Tensor, values: Tensor) -> Block:
    """The smallest block from row `start` that holds the given entries; equal places add up."""
    first, last = (int(columns.min()), int(columns.max())) if len(columns) else (0, -1)
    weights = torch.zeros(height, last + 1 - first, dtype=torch.float64, device="cpu")
    weights.index_put_((rows - start, columns - first), values, accumulate=True)
    return Block(slice(start, start + height), slice(first, last + 1), weights)


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
