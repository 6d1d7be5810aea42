"""How large a super-resolved picture is: the one size rule of the house."""

from __future__ import annotations

import math
from fractions import Fraction

from sr_core.scales import Scale as Scale
from sr_core.scales import per_axis as per_axis

_LARGEST_DENOMINATOR = 10**6
"""Scales that are written with up to six decimals are ratios of whole numbers."""


def round_half_up(value: float) -> int:
    """Nearest integer; a half goes up (as in MATLAB for positive numbers, unlike Python's `round`).

    >>> round_half_up(2.5), round_half_up(50 * 1.15)
    (3, 58)
    """
    # 1e-9 forgives a product that lands a rounding error below a half: 50 · 1.15 is a half, and 57.499999999999993.
    return math.floor(value + 0.5 + 1e-9)


def exact_ratio(axis_scale: float) -> Fraction:
    """The ratio of whole numbers that an axis's scale was written as; of other numbers exactly what the float holds.

    >>> exact_ratio(2.37), exact_ratio(4 / 3)
    (Fraction(237, 100), Fraction(4, 3))
    """
    near = Fraction(axis_scale).limit_denominator(_LARGEST_DENOMINATOR)
    return near if float(near) == axis_scale else Fraction(axis_scale)


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
    larger than HR; for whole scales this is the `modcrop` of the field's test scripts. Along an axis whose scale is
    below 1, LR is the larger picture: its size is rounded half up, and nothing of HR has to be cut.

    >>> lr_size((481, 321), 3)
    (160, 107)
    >>> lr_size((11, 11), (3, 0.3))
    (3, 37)
    """
    vertical, horizontal = per_axis(scale)
    return _lr_side(hr_size[0], vertical), _lr_side(hr_size[1], horizontal)


def _lr_side(hr_side: int, scale: float) -> int:
    # 1e-9 forgives a quotient that lands a rounding error below a whole number, as 33 / 1.1 does.
    return round_half_up(hr_side / scale) if scale < 1 else math.floor(hr_side / scale + 1e-9)


def degraded_size(hr_size: tuple[int, int], scale: Scale) -> tuple[int, int]:
    """LR (height, width) of an HR picture that is already cut to the size of SR: the size whose `sr_size` it is.

    `lr_size` would not do: at fractional scales a cut picture may be a pixel too short for it (7 · 2.3 gives 16, and
    16 / 2.3 is below 7).

    >>> degraded_size(sr_size((7, 9), 2.3), 2.3)
    (7, 9)
    """
    vertical, horizontal = per_axis(scale)
    return round_half_up(hr_size[0] / vertical), round_half_up(hr_size[1] / horizontal)


LARGEST_CUT = 12
"""HR pixels that a data set's own LR may leave out at the bottom and right (some sets are cut to multiples of 12)."""
LARGEST_MISFIT = 1.2
"""What HR size over LR size may be, relative to the scale: beyond it LR is of another scale."""


def belong_together(lr: tuple[int, int], hr: tuple[int, int], scale: Scale) -> bool:
    """Whether an LR picture of that (height, width) can have been made from HR at this scale.

    >>> belong_together((20, 30), (41, 60), 2)
    True
    >>> belong_together((20, 30), (60, 90), 2)
    False
    """
    rows, columns = sr_size(lr, scale)
    if not rows or not columns:
        return False
    left_over = (hr[0] - rows, hr[1] - columns)
    misfit = max(hr[0] / rows, hr[1] / columns)
    # One LR pixel may be missing too: at large scales that is more than the cut of common data sets.
    most = max(LARGEST_CUT, *per_axis(scale))
    return min(left_over) >= 0 and max(left_over) <= most and misfit <= LARGEST_MISFIT
