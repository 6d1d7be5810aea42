"""Scales: one number or one for each axis, how they are written and which there are."""

from __future__ import annotations

import math
import re

Scale = float | tuple[float, float]
"""SR size over LR size: one number, or (vertical, horizontal). Below 1 SR is the smaller picture."""

LOWEST_SCALE, HIGHEST_SCALE = 1 / 64, 64
"""Beyond them one of the two pictures would be too large for any machine."""

_NUMBER = r"\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*"
BOTH_AXES = rf"^{_NUMBER}x{_NUMBER}$"
"""The pattern of a text like `2x3`: vertical x horizontal."""


def per_axis(scale: Scale) -> tuple[float, float]:
    """The scale as (vertical, horizontal).

    >>> per_axis(2)
    (2.0, 2.0)
    """
    if isinstance(scale, tuple):
        return float(scale[0]), float(scale[1])
    return float(scale), float(scale)


def describe_scale(scale: Scale) -> str:
    """The scale as specs, tables and file names have it; `parse_scale` reads it again.

    >>> describe_scale(2.5), describe_scale((2, 3))
    ('2.5', '2x3')
    """
    return "x".join(f"{axis:g}" for axis in scale) if isinstance(scale, tuple) else f"{scale:g}"


def parse_scale(text: str) -> Scale:
    """The scale that a text means: a number, or `vertical x horizontal`.

    Raises:
        ValueError: it is no scale; the message says what one looks like.

    >>> parse_scale("2x3"), parse_scale("2x2")
    ((2, 3), 2)
    """
    found = re.fullmatch(_NUMBER, text) or re.fullmatch(BOTH_AXES, text)
    if found is None:
        raise ValueError(f"expected a scale, as 2, 0.5 or 2x3 (vertical x horizontal), found '{text}'")
    axes = [float(number) for number in found.groups()]
    return check_scale((axes[0], axes[-1]))


def check_scale(scale: Scale) -> Scale:
    """The scale in its plainest form: whole numbers as int, equal axes as one number.

    Networks count channels and shuffle pixels by whole scales.

    Raises:
        ValueError: an axis is not a number from 1/64 to 64.
    """
    for axis in scale if isinstance(scale, tuple) else (scale,):
        if not LOWEST_SCALE <= axis <= HIGHEST_SCALE:  # holds for NaN too
            raise ValueError(f"a scale is a number from 1/64 to 64, found {axis}")
    vertical, horizontal = (int(axis) if axis == math.floor(axis) else axis for axis in per_axis(scale))
    return vertical if vertical == horizontal else (vertical, horizontal)
