"""Structural similarity at five resolutions."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from sr_core.interfaces.metric import Metric
from sr_core.metrics.ssim import REACH, Similarities, similarities

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents from the finest to the coarsest resolution, as the paper found them in experiments with people."""

SMALLEST_SIDE = 2 ** (len(WEIGHTS) - 1) * REACH + 1
"""The fewest pixels of a side whose coarsest resolution still holds the window."""


def ms_ssim(sr: Tensor, hr: Tensor, measure: Similarities | None = None) -> Tensor:
    """MS-SSIM of each picture (Wang, Simoncelli and Bovik 2003, msssim.m).

    Contrast and structure, the second factor of `ssim`, are averaged at each of five resolutions, and the whole of
    SSIM at the coarsest; the figure is the product of these means, each to the power of its weight. Between
    resolutions 2×2 pixels are averaged; of an odd side the last pixel stands alone. Planes are measured one by one
    and averaged. A negative mean (SR is the negative of HR) counts as 0, since it has no such power.

    Args:
        sr: N×C×H×W in [0, 1], at least 161×161.
        hr: the same shape.
        measure: as for `ssim`.

    Returns:
        N values, 1 for equal pictures.

    Raises:
        ValueError: the window does not fit into the coarsest resolution.
    """
    if min(sr.shape[-2:]) < SMALLEST_SIDE:
        raise ValueError(
            f"MS-SSIM needs {SMALLEST_SIDE}×{SMALLEST_SIDE} pixels, the picture has {sr.shape[-2]}×{sr.shape[-1]}"
        )
    product = sr.new_ones(sr.shape[:2])
    for level, weight in enumerate(WEIGHTS):
        whole, contrast_and_structure = (measure or similarities)(sr, hr).unbind(dim=-1)
        coarsest = level == len(WEIGHTS) - 1
        product = product * (whole if coarsest else contrast_and_structure).clamp(min=0) ** weight
        if not coarsest:
            sr, hr = (F.avg_pool2d(image, 2, ceil_mode=True) for image in (sr, hr))
    return product.mean(dim=1)


class MultiScaleSSIM(Metric):
    """Structural similarity at five resolutions (`ms_ssim`)."""

    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        """MS-SSIM of each picture."""
        return ms_ssim(sr, reference)
