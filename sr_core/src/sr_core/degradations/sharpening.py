"""Unsharp masking: what Real-ESRGAN's training pictures go through first."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from sr_core.degradations.blur_kernels import elliptic_kernel
from sr_core.degradations.filtering import filtered

_SIZE, _SIGMA = 51, 8.0
"""OpenCV's rule gives a Gaussian of 51 pixels, Real-ESRGAN's radius of 50 made odd, this standard deviation."""


def sharpened(image: Tensor, weight: float = 0.5, threshold: float = 10) -> Tensor:
    """`image` with its difference from a wide blur added, where that exceeds the threshold.

    The border of where it does is blurred likewise.

    Args:
        image: N×C×H×W float32 in [0, 1].
        weight: of the difference.
        threshold: in levels of 0…255.

    Returns:
        N×C×H×W in [0, 1].

    Source: Wang et al., ICCVW 2021 (Real-ESRGAN), with its values.
    """
    residual = image - filtered(image, _kernel())
    mask = filtered((residual.abs() * 255 > threshold).float(), _kernel())
    return image + mask * ((image + weight * residual).clamp(0, 1) - image)


@cache
@torch.inference_mode(mode=False)  # kept, and later perhaps part of a gradient
def _kernel() -> Tensor:
    return elliptic_kernel(_SIZE, (_SIGMA, _SIGMA))
