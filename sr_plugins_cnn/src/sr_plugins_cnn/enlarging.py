"""What networks that work on the enlarged picture share: bicubic in front, and how far they see on LR."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from sr_core import Scale, resize, sr_size
from sr_core.imaging.size import per_axis
from sr_plugins_cnn.receptive_field import Bicubic, Convolution, margin

AxisScale = Annotated[float, Field(ge=1, allow_inf_nan=False)]
ScalesToTake = Annotated[tuple[AxisScale | tuple[AxisScale, AxisScale], ...], Field(min_length=1)]
"""The scales a network is for; each a number or (vertical, horizontal), from 1 upwards."""


def enlarge(lr: Tensor, scale: Scale) -> Tensor:
    """`lr` by bicubic, N×C×H×W to the size of SR."""
    return resize(lr, scale, sr_size((lr.shape[-2], lr.shape[-1]), scale), "bicubic")


def scales_taken(scales: ScalesToTake) -> frozenset[float]:
    """The scales of either axis, as a network declares them."""
    return frozenset(axis for scale in scales for axis in per_axis(scale))


def margin_on_lr(radius: int, scales: frozenset[float]) -> int:
    """How many LR pixels around a place a network depends on that sees `radius` pixels of the enlarged picture.

    Exact at the smallest of whole scales; larger scales need less.

    >>> margin_on_lr(0, frozenset({2})), margin_on_lr(20, frozenset({2, 3, 4}))
    (2, 12)
    """
    return max(margin([Bicubic(scale), Convolution(radius)], scale) for scale in scales)
