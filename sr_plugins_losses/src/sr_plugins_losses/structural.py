"""Structural similarity as a loss: 1 − SSIM and 1 − MS-SSIM, the core's own figures."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from sr_core import Batch, Loss, SrkitError, full_precision
from sr_core.metrics.filtering import gaussian
from sr_core.metrics.ms_ssim import SMALLEST_SIDE, ms_ssim
from sr_core.metrics.ssim import REACH, SIGMA, WINDOW, shortfalls, ssim


class SSIM(Loss):
    """1 − SSIM, the mean over pictures and planes: 0 for equal pictures, at most 2 (Wang et al., 2004).

    As the metric `ssim`: Gaussian window 11×11 of σ 1.5 where it fits, C₁ = 0.01², C₂ = 0.03². A network of one plane
    is compared on that, one of RGB on its three planes. SSIM hardly sees a shift of brightness or colour, so `l1`
    beside it helps (Zhao et al., IEEE Trans. Computational Imaging 2017).
    """

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        """Compare `sr` with `hr`, both N×C×H×W; a scalar.

        Raises:
            SrkitError: they are smaller than 11×11 pixels.
        """
        del batch
        _check_size("ssim", sr, WINDOW, "take a larger crop")
        with full_precision(sr, hr) as (sr, hr):
            return 1 - ssim(sr, hr, crop_similarities).mean()


class MultiScaleSSIM(Loss):
    """1 − MS-SSIM, the mean over pictures and planes: 0 for equal pictures, at most 1 (Wang et al., 2003).

    As the metric `ms_ssim`, at five resolutions, so targets need 161×161 pixels or more: at scale 4, LR crops of 41.
    Where SR is the negative of HR at any resolution the loss is 1 without a gradient; start from weights that are
    better than that, or add `l1`.
    """

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        """Compare `sr` with `hr`, both N×C×H×W; a scalar.

        Raises:
            SrkitError: they are smaller than 161×161 pixels.
        """
        del batch
        _check_size("ms_ssim", sr, SMALLEST_SIDE, f"take a larger crop, or 'ssim', which needs {WINDOW}×{WINDOW}")
        with full_precision(sr, hr) as (sr, hr):
            return 1 - ms_ssim(sr, hr, crop_similarities).mean()


def crop_similarities(sr: Tensor, hr: Tensor) -> Tensor:
    """As the metric's `similarities`, all planes at once: for a batch of crops several times faster.

    Args:
        sr: N×C×H×W in [0, 1], at least 11×11.
        hr: the same shape.

    Returns:
        N×C×2: the means over each plane of SSIM and of its second factor alone.
    """
    rows, columns = (_weights(length, sr.dtype, sr.device) for length in sr.shape[-2:])
    luminance, structure = (1 - 2 * lost for lost in shortfalls(sr, hr, lambda image: rows @ image @ columns.T))
    return torch.stack([(luminance * structure).mean(dim=(-2, -1)), structure.mean(dim=(-2, -1))], dim=-1)


@lru_cache(maxsize=32)
def _weights(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The window as a matrix: a row for each of its positions along a side; a product is a convolution."""
    with torch.inference_mode(mode=False):  # it is kept, also for those who need gradients
        banded = torch.zeros(length - REACH, length, dtype=torch.float64)
        for tap, weight in enumerate(gaussian(WINDOW, SIGMA).tolist()):
            banded.diagonal(tap).fill_(weight)
        return banded.to(device, dtype)


def _check_size(name: str, sr: Tensor, least: int, advice: str) -> None:
    if min(sr.shape[-2:]) < least:
        found = f"{sr.shape[-2]}×{sr.shape[-1]}"
        raise SrkitError(f"'{name}' compares targets of {least}×{least} pixels or more, this one is {found}; {advice}")
