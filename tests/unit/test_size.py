"""The one size rule."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from sr_core import degraded_size, lr_size, sr_size

sides = st.integers(1, 5000)
scales = st.floats(1, 8)


@settings(derandomize=True, max_examples=300)
@given(sides, scales)
def test_sr_is_lr_times_scale_to_the_nearest_pixel_a_half_going_up(side: int, scale: float) -> None:
    rows, columns = sr_size((side, 1), scale)
    assert rows == math.floor(side * scale + 0.5)
    assert columns == math.floor(scale + 0.5)


@settings(derandomize=True, max_examples=300)
@given(sides, scales)
def test_hr_cut_to_fit_is_never_larger_than_hr_and_loses_less_than_one_lr_pixel(side: int, scale: float) -> None:
    cut = sr_size(lr_size((side, side), scale), scale)[0]
    assert cut <= side
    assert side - cut < scale + 0.5


@settings(derandomize=True, max_examples=100)
@given(sides, st.integers(1, 8))
def test_for_whole_scales_it_is_the_modcrop_of_the_fields_scripts(side: int, scale: int) -> None:
    assert sr_size(lr_size((side, side), scale), scale)[0] == side - side % scale


def test_each_axis_may_have_its_own_scale() -> None:
    assert sr_size((10, 10), (2, 3.5)) == (20, 35)
    assert lr_size((20, 35), (2, 3.5)) == (10, 10)


@settings(derandomize=True, max_examples=500)
@given(sides, sides, scales)
def test_the_size_of_lr_is_found_again_from_hr_cut_to_fit(height: int, width: int, scale: float) -> None:
    if scale > 1:
        assert degraded_size(sr_size((height, width), scale), scale) == (height, width)
