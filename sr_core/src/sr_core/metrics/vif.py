"""Visual information fidelity, on a steerable pyramid and on pixels."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from sr_core.interfaces.metric import Metric
from sr_core.metrics.filtering import correlate, gaussian
from sr_core.metrics.information import channel, information, levels

NOISE = 0.4
"""Variance of the noise in the eye, of levels 0 … 255 (`vifvec`)."""

PIXEL_NOISE = 2.0
"""The same for pixels (`vifp_mscale`)."""

PIXEL_WINDOWS = (17, 9, 5, 3)
"""Sides of the Gaussian windows from the finest resolution to the coarsest; σ is a fifth of the side."""

PIXEL_SMALLEST_SIDE = 41
"""The fewest pixels of a side that leave room for a window at the coarsest resolution."""

TINY = 1e-8
"""Variances below are rounding errors."""


def vif(sr: Tensor, hr: Tensor) -> Tensor:
    """VIF of each picture: the share of HR's information that SR holds (Sheikh and Bovik 2006, `vifvec`).

    The sum of log₂(1 + g² s² λ / (σ² + 0.4)) over that of log₂(1 + s² λ / 0.4), in the terms of `ifc`: the eye adds
    noise of variance 0.4 to both. Levels are 0 … 255. The two pictures do not play the same part. Several planes are
    measured one by one and averaged.

    Args:
        sr: N×C×H×W in [0, 1], at least 65×65.
        hr: the same shape.

    Returns:
        N values: 1 for equal pictures, above 1 where SR has more contrast, 1 too where HR is flat and holds nothing.

    Raises:
        ValueError: the pictures are too small.
    """
    return _share(*information(sr, hr, NOISE)).mean(dim=1)


def vifp(sr: Tensor, hr: Tensor) -> Tensor:
    """VIF on pixels instead of sub-bands, a faster relative with figures of its own (`vifp_mscale`).

    The sum of log₂(1 + g² σ₁² / (σ² + 2)) over that of log₂(1 + σ₁² / 2): gain g and what is left σ² come from the
    means, variances and covariance under a Gaussian window, σ₁² is HR's variance there, at four resolutions. Between
    them the pictures are blurred by the next window and every other pixel is kept. Only whole windows count. Levels
    are 0 … 255. Several planes are measured one by one and averaged.

    Args:
        sr: N×C×H×W in [0, 1], at least 41×41.
        hr: the same shape.

    Returns:
        N values, as `vif`.

    Raises:
        ValueError: the pictures are too small.
    """
    height, width = sr.shape[-2:]
    if min(height, width) < PIXEL_SMALLEST_SIDE:
        raise ValueError(
            f"VIF on pixels needs {PIXEL_SMALLEST_SIDE}×{PIXEL_SMALLEST_SIDE} pixels, the picture has {height}×{width}"
        )
    one, other = levels(sr), levels(hr)
    kept = held = one.new_zeros(len(one))
    for resolution, side in enumerate(PIXEL_WINDOWS):
        weights = gaussian(side, side / 5)
        window = (weights.unsqueeze(1) * weights).unsqueeze(0)
        if resolution:
            one, other = (correlate(image, window)[..., ::2, ::2] for image in (one, other))
        signal, gain, rest = channel(one, other, partial(correlate, filters=window), TINY)
        kept = kept + torch.log2(1 + gain**2 * signal / (rest + PIXEL_NOISE)).sum(dim=(1, 2, 3))
        held = held + torch.log2(1 + signal / PIXEL_NOISE).sum(dim=(1, 2, 3))
    return _share(kept, held).view(sr.shape[:2]).mean(dim=1)


def _share(kept: Tensor, held: Tensor) -> Tensor:
    nothing = held <= 0
    return torch.where(nothing, 1, kept / torch.where(nothing, 1, held))


class VIF(Metric):
    """Visual information fidelity on a steerable pyramid (`vif`)."""

    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        """VIF of each picture."""
        return vif(sr, reference)


class PixelVIF(Metric):
    """Visual information fidelity on pixels (`vifp`)."""

    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        """VIF of each picture, on pixels."""
        return vifp(sr, reference)
