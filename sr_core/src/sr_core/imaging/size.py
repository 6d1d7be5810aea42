"""How large a super-resolved picture is: the one size rule of the house."""

from __future__ import annotations

import math

Scale = float | tuple[float, float]
"""SR size over LR size: one number, or (vertical, horizontal)."""


def round_half_up(value: float) -> int:
    """Nearest integer; a half goes up (as in MATLAB for positive numbers, unlike Python's `round`)."""
    return math.floor(value + 0.5)


def per_axis(scale: Scale) -> tuple[float, float]:
    """The scale as (vertical, horizontal).

    >>> per_axis(2)
    (2.0, 2.0)
    """
    if isinstance(scale, tuple):
        return float(scale[0]), float(scale[1])
    return float(scale), float(scale)


def sr_size(lr_size: tuple[int, int], scale: Scale) -> tuple[int, int]:
    """SR (height, width) in pixels for an LR (height, width): LR size · scale, rounded half up per axis.

    >>> sr_size((5, 7), 2.5)
    (13, 18)
    """
    vertical, horizontal = per_axis(scale)
    return round_half_up(lr_size[0] * vertical), round_half_up(lr_size[1] * horizontal)


def lr_size(hr_size: tuple[int, int], scale: Scale) -> tuple[int, int]:
    """LR (height, width) in pixels made from an HR (height, width): HR size / scale, rounded down per axis.

    The HR picture is then cut at the bottom and right to `sr_size(lr_size(hr, scale), scale)`, which is never
    larger than HR; for whole scales this is the `modcrop` of the field's test scripts.

    >>> lr_size((481, 321), 3)
    (160, 107)
    """
    vertical, horizontal = per_axis(scale)
    # 1e-9 forgives a quotient that lands a rounding error below a whole number, as 33 / 1.1 does.
    return math.floor(hr_size[0] / vertical + 1e-9), math.floor(hr_size[1] / horizontal + 1e-9)


def degraded_size(hr_size: tuple[int, int], scale: Scale) -> tuple[int, int]:
    """LR (height, width) of an HR picture that is already cut to the size of SR: the size whose `sr_size` it is.

    `lr_size` would not do: at fractional scales a cut picture may be a pixel too short for it (7 · 2.3 gives 16, and
    16 / 2.3 is below 7).

    >>> degraded_size(sr_size((7, 9), 2.3), 2.3)
    (7, 9)
    """
    vertical, horizontal = per_axis(scale)
    return round_half_up(hr_size[0] / vertical), round_half_up(hr_size[1] / horizontal)
