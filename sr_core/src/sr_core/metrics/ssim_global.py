"""Structural similarity of whole pictures, without a window."""

from __future__ import annotations

from torch import Tensor

from sr_core.interfaces.metric import Metric
from sr_core.metrics.ssim import K1, K2


def ssim_global(sr: Tensor, hr: Tensor) -> Tensor:
    """SSIM with one window over the whole picture: luminance · contrast · structure (Wang et al. 2004, eq. 6 to 13).

        l = (2 μ₁ μ₂ + C₁) / (μ₁² + μ₂² + C₁)
        c = (2 σ₁ σ₂ + C₂) / (σ₁² + σ₂² + C₂)
        s = (σ₁₂ + C₃) / (σ₁ σ₂ + C₃)

    with C₁ = 0.01², C₂ = 0.03², C₃ = C₂ / 2, and means, variances and covariance (over n − 1) of all pixels. Blind to
    where differences are: it is far higher than `ssim` and cannot be compared with it. Several planes are measured
    one by one and averaged.

    Args:
        sr: N×C×H×W in [0, 1], at least two pixels.
        hr: the same shape.

    Returns:
        N values, 1 for equal pictures.

    Raises:
        ValueError: the pictures have a single pixel, which has no variance.
    """
    pixels = sr.shape[-2] * sr.shape[-1]
    if pixels < 2:
        raise ValueError("global SSIM needs at least two pixels, the picture has one")
    first, second = sr.flatten(2), hr.flatten(2)  # N × C × H·W
    mean_1, mean_2 = first.mean(dim=2), second.mean(dim=2)
    deviation_1, deviation_2 = first.std(dim=2), second.std(dim=2)
    products = (first - mean_1.unsqueeze(2)) * (second - mean_2.unsqueeze(2))
    covariance = products.sum(dim=2) / (pixels - 1)
    c1, c2 = K1**2, K2**2
    luminance = (2 * mean_1 * mean_2 + c1) / (mean_1**2 + mean_2**2 + c1)
    contrast = (2 * deviation_1 * deviation_2 + c2) / (deviation_1**2 + deviation_2**2 + c2)
    structure = (covariance + c2 / 2) / (deviation_1 * deviation_2 + c2 / 2)
    return (luminance * contrast * structure).mean(dim=1)


class GlobalSSIM(Metric):
    """Structural similarity of whole pictures, without a window (`ssim_global`)."""

    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        """Global SSIM of each picture."""
        return ssim_global(sr, reference)
