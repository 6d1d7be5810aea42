"""The words in which components say what they take: colour channels and scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sr_core.imaging.size import Scale, per_axis

Channels = Literal["y", "rgb", "any"] | int
"""The planes a component takes: `y` (one plane of MATLAB's Y / 255, 16/255 … 235/255), `rgb` (three planes in
[0, 1]), a number of planes, or `any` number of them, each treated alike."""


@dataclass(frozen=True)
class ScaleRange:
    """Every scale from `low` to `high`, both included.

    >>> 2.5 in ScaleRange(1, 4)
    True
    """

    low: float
    high: float

    def __contains__(self, scale: object) -> bool:
        return isinstance(scale, int | float) and self.low <= scale <= self.high

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


Scales = frozenset[float] | ScaleRange
"""The scales a component takes: some, or a range."""

ANY_SCALE_UP = ScaleRange(1, float("inf"))


def takes_scale(scales: Scales, scale: Scale) -> bool:
    """Whether both axes of `scale` are among `scales`.

    >>> takes_scale(frozenset({2, 4}), 3)
    False
    """
    return all(axis in scales for axis in per_axis(scale))


def describe_scales(scales: Scales) -> str:
    """The scales in words, as `2, 3, 4` or `1 to 4`."""
    if isinstance(scales, ScaleRange):
        return f"{scales.low:g} or more" if scales.high == float("inf") else str(scales)
    return ", ".join(f"{scale:g}" for scale in sorted(scales))
