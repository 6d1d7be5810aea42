"""Peak signal-to-noise ratio."""

from __future__ import annotations

import torch
from torch import Tensor

from sr_core.interfaces.metric import Metric


def psnr(sr: Tensor, hr: Tensor) -> Tensor:
    """PSNR in dB of each picture, 10 log10(1 / mean squared error); infinite where the pictures are equal.

    The error is averaged over the planes and pixels of one picture, never over pictures.

    Args:
        sr: N×C×H×W in [0, 1].
        hr: the same shape.

    Returns:
        N values.

    >>> round(psnr(torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 0.1)).item(), 4)
    20.0
    """
    error = (sr - hr).square().mean(dim=(1, 2, 3))
    return -10 * torch.log10(error)


class PSNR(Metric):
    """Peak signal-to-noise ratio (`psnr`)."""

    unit = "dB"
    decimals = 2

    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        """PSNR in dB of each picture."""
        return psnr(sr, reference)
