"""The Haar wavelet: a picture as four sub-bands of half its size, and back."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def sub_bands(image: Tensor) -> Tensor:
    """One level of the Haar wavelet transform, N×C×H×W to N×4C×H/2×W/2; both sides must be even.

    Of each plane in turn: the mean (doubled), the differences of rows, of columns, and of both. It is orthonormal: the
    sum of squares stays, so that a squared error of sub-bands is that of pixels. Sub-bands and signs are those of
    PyWavelets' `dwt2(image, "haar")`.

    >>> sub_bands(torch.tensor([[[[4.0, 2.0], [0.0, 0.0]]]])).flatten().tolist()
    [3.0, 3.0, 1.0, 1.0]
    """
    return _mixed(F.pixel_unshuffle(image, 2))


def from_sub_bands(bands: Tensor) -> Tensor:
    """The picture of which these are the sub-bands, N×4C×H×W to N×C×2H×2W."""
    return F.pixel_shuffle(_mixed(bands), 2)


def _mixed(quads: Tensor) -> Tensor:
    """Half the sums and differences of every four maps; done twice it changes nothing."""
    batch, _, rows, columns = quads.shape
    top_left, top_right, bottom_left, bottom_right = quads.reshape(batch, -1, 4, rows, columns).unbind(2)
    top, bottom = top_left + top_right, bottom_left + bottom_right
    across_top, across_bottom = top_left - top_right, bottom_left - bottom_right
    mixed = (top + bottom, top - bottom, across_top + across_bottom, across_top - across_bottom)
    return torch.stack(mixed, 2).flatten(1, 2) / 2
