"""Structural similarity."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.interfaces.metric import Metric

WINDOW = 11
SIGMA = 1.5
K1, K2 = 0.01, 0.03


def ssim(sr: Tensor, hr: Tensor) -> Tensor:
    """SSIM of each picture: Gaussian window 11×11 of σ 1.5, where the window fits (Wang et al. 2004, ssim_index.m).

    Several planes are measured one by one and averaged.

    Args:
        sr: N×C×H×W in [0, 1], at least 11×11.
        hr: the same shape.

    Returns:
        N values, 1 for equal pictures.

    Raises:
        ValueError: the pictures are smaller than the window.
    """
    if min(sr.shape[-2:]) < WINDOW:
        raise ValueError(f"SSIM needs {WINDOW}×{WINDOW} pixels, the picture has {sr.shape[-2]}×{sr.shape[-1]}")
    mean_sr, mean_hr = _blur(sr), _blur(hr)
    # Biased moments, as the paper's weighted window has them.
    variance_sr = _blur(sr * sr) - mean_sr**2
    variance_hr = _blur(hr * hr) - mean_hr**2
    covariance = _blur(sr * hr) - mean_sr * mean_hr
    luminance = (2 * mean_sr * mean_hr + K1**2) / (mean_sr**2 + mean_hr**2 + K1**2)
    structure = (2 * covariance + K2**2) / (variance_sr + variance_hr + K2**2)
    return (luminance * structure).mean(dim=(1, 2, 3))


def _blur(planes: Tensor) -> Tensor:
    """Each plane under the window, where it fits: N×C×(H−10)×(W−10)."""
    count, channels, height, width = planes.shape
    offsets = torch.arange(WINDOW, dtype=planes.dtype, device=planes.device) - (WINDOW - 1) / 2
    weights = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    weights = weights / weights.sum()
    flat = planes.reshape(count * channels, 1, height, width)
    flat = F.conv2d(flat, weights.view(1, 1, WINDOW, 1))
    flat = F.conv2d(flat, weights.view(1, 1, 1, WINDOW))
    return flat.view(count, channels, *flat.shape[-2:])


class SSIM(Metric):
    """Structural similarity (`ssim`)."""

    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        """SSIM of each picture."""
        return ssim(sr, reference)
