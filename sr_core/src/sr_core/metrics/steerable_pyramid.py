"""The steerable pyramid of fifth derivatives: pictures split by scale and direction (Simoncelli and Freeman 1995).

The taps are those of `sp5Filters` in Simoncelli's matlabPyrTools, numbers of eight decimals that the field's figures
depend on; every filter is symmetric, and is stored as its upper left quarter.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.metrics.filtering import correlate

Quarter = tuple[tuple[float, ...], ...]

FIRST_LOW: Quarter = (
    (0.00341614, -0.01551246, -0.03848215),
    (-0.01551246, 0.05586982, 0.15925570),
    (-0.03848215, 0.15925570, 0.40304148),
)
"""The low-pass filter of the picture itself, 5×5."""

LOW: Quarter = (
    (0.00085404, -0.00244917, -0.00387812, -0.00944432, -0.00962054),
    (-0.00244917, -0.00523281, -0.00661117, 0.00410600, 0.01002988),
    (-0.00387812, -0.00661117, 0.01396746, 0.03277038, 0.03981393),
    (-0.00944432, 0.00410600, 0.03277038, 0.06426333, 0.08169618),
    (-0.00962054, 0.01002988, 0.03981393, 0.08169618, 0.10096540),
)
"""Half the low-pass filter between levels, 9×9: the pyramid doubles it, so amplitudes double from level to level."""

BAND: Quarter = (
    (0.00277643, 0.00496194, 0.01026699, 0.01455399),
    (-0.00986904, -0.00893064, 0.01189859, 0.02755155),
    (-0.01021852, -0.03075356, -0.08226445, -0.11732297),
    (0.0, 0.0, 0.0, 0.0),
)
"""The filter of changes from row to row, 7×7: its lower half is the negative of the upper."""


def sub_bands(image: Tensor, levels: int) -> list[Tensor]:
    """The sub-bands of changes from row to row and from column to column, two of the pyramid's six directions.

    Args:
        image: N×1×H×W; each level's side, H or W halved and rounded up, must be at least 5.
        levels: how many, from fine to coarse.

    Returns:
        For each level N×2×h×w, h and w halved and rounded up from level to level. Pictures go on beyond their
        border as their mirror image without the edge pixel (`reflect1` of matlabPyrTools).
    """
    across = _whole(BAND, sign=-1)
    both = torch.cat([across, across.mT])
    low = _filtered(image, _whole(FIRST_LOW))
    bands = [_filtered(low, both)]
    for _ in range(levels - 1):
        low = _filtered(low, 2 * _whole(LOW))[..., ::2, ::2]
        bands.append(_filtered(low, both))
    return bands


def _whole(quarter: Quarter, sign: int = 1) -> Tensor:
    """The filter, 1×k×k; the lower half is `sign` times the mirrored upper one."""
    corner = torch.tensor(quarter, dtype=torch.float64)
    upper = torch.cat([corner, corner[:, :-1].flip(1)], dim=1)
    return torch.cat([upper, sign * upper[:-1].flip(0)]).unsqueeze(0)


def _filtered(planes: Tensor, filters: Tensor) -> Tensor:
    """The planes, N×1×H×W, under each of the P filters: N×P×H×W."""
    reach = filters.shape[-1] // 2
    return correlate(F.pad(planes, (reach,) * 4, mode="reflect"), filters)
