"""Pixels in the depth of their files: 8-bit, 16-bit or floating-point levels, and exactly what they mean in [0, 1].

A tensor of levels has its planes last, H×W×C or N×H×W×C, and its dtype is its depth: uint8; int16, which holds
16-bit levels less 32768 (torch computes little in uint16); or float32, the values themselves.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from sr_core.imaging.color import rgb_to_y, rgb_to_y_8bit
from sr_core.imaging.picture import FLOAT_BITS

DEPTH_OF_BITS = {8: torch.uint8, 16: torch.int16, FLOAT_BITS: torch.float32}
_TOP_LEVEL = {torch.uint8: 255, torch.int16: 65535}
_SHIFT = 32768
_WORDS = {torch.uint8: "8 bits", torch.int16: "16 bits", torch.float32: "floating point"}
_GRID_SLACK = 2.5e-7
"""How far, relative to the top level, float32 arithmetic may move a value off the levels it was rounded to."""


def depth_words(depth: torch.dtype) -> str:
    """The depth as people call it."""
    return _WORDS[depth]


def deepest(*depths: torch.dtype) -> torch.dtype:
    """The depth that holds them all without loss."""
    return max(depths, key=list(_WORDS).index)


def to_levels(image: Tensor, depth: torch.dtype) -> Tensor:
    """H×W×C levels of a picture 1×C×H×W in [0, 1], rounded half up and clipped; float32 as it is."""
    planes_last = image[0].permute(1, 2, 0)
    return _rounded(planes_last, depth).contiguous()


def to_levels_of_least_depth(image: Tensor, depth: torch.dtype) -> Tensor:
    """H×W×C levels of 1×C×H×W in `depth` where every value lies on its levels, else in floating point."""
    if depth == torch.float32:
        return to_levels(image, depth)
    levels = image * _TOP_LEVEL[depth]
    off_grid = (levels - levels.round()).abs().max()
    fits = off_grid <= _GRID_SLACK * _TOP_LEVEL[depth] and image.min() >= 0 and image.max() <= 1
    return to_levels(image, depth if fits else torch.float32)


def to_image(levels: Tensor) -> Tensor:
    """1×C×H×W float32 in [0, 1] of H×W×C levels."""
    return to_images(levels.unsqueeze(0))


def to_images(levels: Tensor) -> Tensor:
    """N×C×H×W float32 in [0, 1], channels-last in memory, of N×H×W×C levels: the float32 nearest to level / top."""
    return to_values(levels).permute(0, 3, 1, 2)


def to_values(levels: Tensor) -> Tensor:
    """The float32 values of levels of any shape."""
    if levels.dtype == torch.float32:
        return levels
    values = levels.float()
    if levels.dtype == torch.int16:
        values += _SHIFT
    return values.div_(_divisor(_TOP_LEVEL[levels.dtype], levels.device))


def deepened(levels: Tensor, depth: torch.dtype) -> Tensor:
    """The same values in a depth at least as deep."""
    if levels.dtype == depth:
        return levels
    if depth == torch.float32:
        return to_values(levels)
    return (levels.int() * 257 - _SHIFT).to(torch.int16)  # 65535 / 255 = 257


def luma(levels: Tensor) -> Tensor:
    """MATLAB's Y of N×H×W×3 levels, rounded to their own depth: N×H×W×1."""
    # MPS has no float64.
    rgb = (levels.cpu() if levels.device.type == "mps" else levels).permute(0, 3, 1, 2)
    if levels.dtype == torch.uint8:
        y = rgb_to_y_8bit(rgb)
    elif levels.dtype == torch.int16:
        y = _rounded(rgb_to_y((rgb.double() + _SHIFT) / _TOP_LEVEL[torch.int16]), torch.int16)
    else:
        y = rgb_to_y(rgb)
    return y.permute(0, 2, 3, 1).to(levels.device)


def _rounded(values: Tensor, depth: torch.dtype) -> Tensor:
    if depth == torch.float32:
        return values.float()
    top = _TOP_LEVEL[depth]
    levels = torch.floor(values * top + 0.5).clamp_(0, top)
    return (levels - _SHIFT if depth == torch.int16 else levels).to(depth)


@lru_cache
def _divisor(top: int, device: torch.device) -> Tensor:
    # Torch divides by a number of the host as a product with its rounded inverse on CUDA; by a tensor it divides.
    return torch.tensor(float(top), device=device)
