"""The words in which components say what they take: colour channels and scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

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


class TakesScales(Protocol):
    """A method, by the scales it takes; networks may also say `equal_axes`."""

    scales: Scales


def method_takes(method: TakesScales, scale: Scale) -> bool:
    """Whether a method takes `scale`: on both axes, and alike on both where it says so."""
    rows, columns = per_axis(scale)
    return takes_scale(method.scales, scale) and (rows == columns or not getattr(method, "equal_axes", False))


def describe_method_scales(method: TakesScales) -> str:
    """The scales of a method in words."""
    alike = ", alike on both axes" if getattr(method, "equal_axes", False) else ""
    return describe_scales(method.scales) + alike


def describe_scales(scales: Scales) -> str:
    """The scales in words, as `2, 3, 4` or `1 to 4`."""
    if isinstance(scales, ScaleRange):
        return f"{scales.low:g} or more" if scales.high == float("inf") else str(scales)
    return ", ".join(f"{scale:g}" for scale in sorted(scales))


def check_scales(scales: object) -> None:
    """Refuse what says no scales.

    Raises:
        ValueError: with the allowed forms.
    """
    some = isinstance(scales, frozenset | set) and len(scales) > 0 and all(_positive(scale) for scale in scales)
    if some or isinstance(scales, ScaleRange):
        return
    raise ValueError(f"scales must be frozenset({{2, 3, 4}}) or ScaleRange(1, 4) and the like, it is {scales!r}")


def check_channels(channels: object) -> None:
    """Refuse what says no channels.

    Raises:
        ValueError: with the allowed forms.
    """
    if channels in ("y", "rgb", "any") or (_positive(channels) and isinstance(channels, int)):
        return
    raise ValueError(f"channels must be 'y', 'rgb', 'any' or a number of planes, it is {channels!r}")


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
