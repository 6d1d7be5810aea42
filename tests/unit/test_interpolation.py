"""The interpolators against independent computation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from sr_core import Upsampler, sr_size
from sr_plugins_interp.resampling import Bicubic, Bilinear, Lanczos2, Lanczos3, Nearest
from sr_plugins_interp.spline import Spline

ALL = [Nearest(), Bilinear(), Bicubic(), Lanczos2(), Lanczos3(), Spline(), Spline(order=1)]
FILTERS = [
    (Bilinear(), Image.Resampling.BILINEAR),
    (Bicubic(), Image.Resampling.BICUBIC),
    (Lanczos3(), Image.Resampling.LANCZOS),
]


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand((1, 1, height, width), generator=torch.Generator().manual_seed(seed))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.sampled_from(ALL), st.integers(1, 12), st.integers(1, 12), st.floats(1, 5))
def test_any_scale_from_1_gives_the_size_of_the_rule(method: Upsampler, height: int, width: int, scale: float) -> None:
    assert method(picture(height, width), scale).shape[-2:] == sr_size((height, width), scale)


@pytest.mark.parametrize("method", ALL, ids=lambda method: type(method).__name__)
def test_scale_1_changes_nothing(method: Upsampler) -> None:
    image = picture(9, 7)
    assert torch.allclose(method(image, 1), image, atol=1e-6)


@pytest.mark.parametrize(("method", "pillows"), FILTERS)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_inside_they_equal_pillows_filters(method: Upsampler, pillows: Image.Resampling, scale: int) -> None:
    """Pillow computes the same kernels on floats; only its borders differ."""
    image = picture(20, 24)
    theirs = Image.fromarray(image[0, 0].numpy()).resize((24 * scale, 20 * scale), pillows)
    border = 4 * scale
    ours = method(image, scale)[0, 0, border:-border, border:-border].numpy()
    assert np.allclose(ours, np.asarray(theirs)[border:-border, border:-border], atol=2e-6)


@pytest.mark.parametrize("scale", [2, 3])
def test_nearest_repeats_each_pixel(scale: int) -> None:
    image = picture(5, 6)
    repeated = image.repeat_interleave(scale, dim=-1).repeat_interleave(scale, dim=-2)
    assert torch.equal(Nearest()(image, scale), repeated)


@pytest.mark.parametrize("order", range(6))
def test_a_spline_is_scipys_at_the_pixel_centres(order: int) -> None:
    image = picture(8, 9)
    rows = (np.arange(20) + 0.5) / 2.5 - 0.5
    columns = (np.arange(23) + 0.5) / 2.5 - 0.5
    grid = np.meshgrid(rows, columns, indexing="ij")
    expected = ndimage.map_coordinates(image[0, 0].double().numpy(), grid, order=order, mode="reflect")
    assert np.allclose(Spline(order=order)(image, 2.5)[0, 0].numpy(), expected, atol=1e-6)


def test_bicubic_with_a_rounding_gives_8_bit_levels() -> None:
    for rounding in ("once", "each_pass"):
        levels = Bicubic(rounding=rounding)(picture(7, 8), 3) * 255  # type: ignore[arg-type]
        assert torch.allclose(levels, levels.round(), atol=1e-4)
        assert levels.min() >= 0
        assert levels.max() <= 255
