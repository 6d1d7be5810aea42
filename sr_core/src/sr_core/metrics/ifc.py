"""Information fidelity criterion."""

from __future__ import annotations

from torch import Tensor

from sr_core.interfaces.metric import Metric
from sr_core.metrics.information import information

NOISE = 1e-10
"""Keeps the information of equal pictures finite."""


def ifc(sr: Tensor, hr: Tensor) -> Tensor:
    """IFC of each picture in bits a pixel: what SR tells of HR (Sheikh, Bovik and de Veciana 2005).

    The sum of

        log₂(1 + g² s² λ / σ²)

    over two directions and four levels of a steerable pyramid, blocks of 3×3 coefficients and the nine axes of their
    covariance, divided by the number of pixels. λ is the variance along an axis, s² the local contrast of HR, g the
    local gain from HR to SR and σ² the variance of what is left. This is the authors' `ifcvec`, which the tables of
    super-resolution were made with; the paper's formula has half of it. Levels are 0 … 255. The two pictures do not
    play the same part. Several planes are measured one by one and averaged.

    Args:
        sr: N×C×H×W in [0, 1], at least 65×65.
        hr: the same shape.

    Returns:
        N values from 0 for unrelated pictures; no upper bound.

    Raises:
        ValueError: the pictures are too small.
    """
    kept, _ = information(sr, hr, NOISE)
    return kept.mean(dim=1) / (sr.shape[-2] * sr.shape[-1])


class IFC(Metric):
    """Information fidelity criterion (`ifc`)."""

    unit = "bit/px"
    decimals = 2

    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        """IFC of each picture."""
        return ifc(sr, reference)
