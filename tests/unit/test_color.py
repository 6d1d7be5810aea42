"""Colour spaces against published values, scikit-image, colorsys and exact fractions."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from skimage import color as skimage_color
from torch import Tensor

from sr_core.imaging.color import (
    hsv_to_rgb,
    lab_to_rgb,
    rgb_to_hsv,
    rgb_to_lab,
    rgb_to_y,
    rgb_to_y_8bit,
    rgb_to_ycbcr,
    rgb_to_ycbcr_8bit,
    ycbcr_to_rgb,
    ycbcr_to_rgb_8bit,
)

Conversion = Callable[[Tensor], Tensor]

THERE_AND_BACK: dict[str, tuple[Conversion, Conversion]] = {
    "ycbcr": (rgb_to_ycbcr, ycbcr_to_rgb),
    "lab": (rgb_to_lab, lab_to_rgb),
    "hsv": (rgb_to_hsv, hsv_to_rgb),
}
FLOAT_CONVERSIONS: list[Conversion] = [*(one for pair in THERE_AND_BACK.values() for one in pair), rgb_to_y]
BYTE_CONVERSIONS: list[Conversion] = [rgb_to_ycbcr_8bit, ycbcr_to_rgb_8bit, rgb_to_y_8bit]


def pixels(*colours: tuple[float, float, float], dtype: torch.dtype = torch.float64) -> Tensor:
    """Colours side by side: 1×3×1×W."""
    return torch.tensor(colours, dtype=torch.float64).T.reshape(1, 3, 1, -1).to(dtype)


def photograph(dtype: torch.dtype = torch.float64) -> Tensor:
    """All of the RGB cube in steps of 17, and random colours between: 2×3×64×64 in [0, 1]."""
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 17)] * 3), axis=-1).reshape(-1, 3)
    random = np.random.default_rng(5).integers(0, 256, (4096, 3))
    stacked = np.stack([grid, random]).reshape(2, 64, 64, 3).transpose(0, 3, 1, 2)
    return torch.from_numpy(stacked / 255).to(dtype)


def with_skimage(function: Callable[..., np.ndarray], image: Tensor) -> np.ndarray:
    return np.moveaxis(function(np.moveaxis(image.numpy(), 1, -1)), -1, 1)


# --- published values ------------------------------------------------------------------------------------------------

# The 100 % colour bars of ITU-R BT.601 in 8 bits: RGB, YCbCr.
BARS = {
    "white": ((255, 255, 255), (235, 128, 128)),
    "yellow": ((255, 255, 0), (210, 16, 146)),
    "cyan": ((0, 255, 255), (170, 166, 16)),
    "green": ((0, 255, 0), (145, 54, 34)),
    "magenta": ((255, 0, 255), (106, 202, 222)),
    "red": ((255, 0, 0), (81, 90, 240)),
    "blue": ((0, 0, 255), (41, 240, 110)),
    "black": ((0, 0, 0), (16, 128, 128)),
}
# The sRGB primaries in L*a*b* under D65, as Lindbloom's calculator gives them.
LAB = {
    (1, 1, 1): (100, 0, 0),
    (1, 0, 0): (53.2408, 80.0925, 67.2032),
    (0, 1, 0): (87.7347, -86.1827, 83.1793),
    (0, 0, 1): (32.2970, 79.1875, -107.8602),
    (0, 0, 0): (0, 0, 0),
}


@pytest.mark.parametrize("name", BARS)
def test_colour_bars_of_bt601(name: str) -> None:
    rgb, ycbcr = (pixels(colour, dtype=torch.uint8) for colour in BARS[name])
    assert torch.equal(rgb_to_ycbcr_8bit(rgb), ycbcr)
    assert torch.equal(rgb_to_y_8bit(rgb), ycbcr[:, :1])
    assert torch.equal((rgb_to_ycbcr(rgb.double() / 255) * 255).round(), ycbcr.double())
    assert (ycbcr_to_rgb_8bit(ycbcr).int() - rgb.int()).abs().max() <= 1


@pytest.mark.parametrize("rgb", LAB)
def test_primaries_in_lab(rgb: tuple[float, float, float]) -> None:
    expected = pixels(LAB[rgb])
    torch.testing.assert_close(rgb_to_lab(pixels(rgb)), expected, rtol=0, atol=2e-3)
    torch.testing.assert_close(lab_to_rgb(expected), pixels(rgb), rtol=0, atol=2e-4)


def test_hue_of_the_six_pure_colours() -> None:
    circle = pixels((1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1))
    hue, saturation, value = rgb_to_hsv(circle).unbind(1)
    torch.testing.assert_close(hue.flatten(), torch.arange(6, dtype=torch.float64) / 6)
    assert (saturation == 1).all()
    assert (value == 1).all()


# --- independent computations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ycbcr_is_scikit_images(dtype: torch.dtype) -> None:
    image = photograph(dtype)
    expected = with_skimage(skimage_color.rgb2ycbcr, image.double()) / 255
    np.testing.assert_allclose(rgb_to_ycbcr(image).numpy(), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(rgb_to_y(image).numpy(), expected[:, :1], rtol=0, atol=1e-6)


def test_lab_is_scikit_images_to_the_digits_of_its_matrix() -> None:
    expected = with_skimage(skimage_color.rgb2lab, photograph())
    np.testing.assert_allclose(rgb_to_lab(photograph()).numpy(), expected, rtol=0, atol=0.02)


def test_hsv_is_that_of_pythons_colorsys() -> None:
    colours = np.moveaxis(photograph().numpy(), 1, -1).reshape(-1, 3)
    forth = np.array([colorsys.rgb_to_hsv(*colour) for colour in colours])
    back = np.array([colorsys.hsv_to_rgb(*colour) for colour in colours])
    ours = [np.moveaxis(f(photograph()).numpy(), 1, -1).reshape(-1, 3) for f in (rgb_to_hsv, hsv_to_rgb)]
    np.testing.assert_allclose(ours[0], forth, rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours[1], back, rtol=0, atol=1e-12)


def test_8_bit_ycbcr_is_rounded_half_up_of_the_exact_sum() -> None:
    rows = [("65.481", "128.553", "24.966"), ("-37.797", "-74.203", "112"), ("112", "-93.786", "-18.214")]
    image = (photograph() * 255).round().to(torch.uint8)
    result = np.moveaxis(rgb_to_ycbcr_8bit(image).numpy(), 1, -1).reshape(-1, 3)
    for colour, found in zip(np.moveaxis(image.numpy(), 1, -1).reshape(-1, 3), result, strict=True):
        for row, offset, level in zip(rows, (16, 128, 128), found, strict=True):
            exact = offset + sum(Fraction(weight) * int(part) for weight, part in zip(row, colour, strict=True)) / 255
            assert abs(level - exact) <= Fraction(1, 2)


def test_8_bit_rgb_is_the_clipped_and_rounded_inverse() -> None:
    ycbcr = (photograph() * 255).round()
    expected = np.clip(with_skimage(skimage_color.ycbcr2rgb, ycbcr), 0, 1) * 255
    difference = np.abs(ycbcr_to_rgb_8bit(ycbcr.to(torch.uint8)).numpy() - expected)
    assert difference.max() <= 0.5 + 1e-9


# --- there and back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", THERE_AND_BACK)
@settings(derandomize=True, deadline=None, max_examples=100)
@given(colour=st.tuples(*[st.floats(0, 1)] * 3))
def test_there_and_back_is_the_same_colour(space: str, colour: tuple[float, float, float]) -> None:
    there, back = THERE_AND_BACK[space]
    torch.testing.assert_close(back(there(pixels(colour))), pixels(colour), rtol=0, atol=1e-6)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(colour=st.tuples(*[st.floats(0, 1, width=32)] * 3))
@example(colour=(1.0, 0.0, 2**-30))  # a hue just below 0
def test_ranges_of_hsv(colour: tuple[float, float, float]) -> None:
    hue, saturation, value = rgb_to_hsv(pixels(colour, dtype=torch.float32)).flatten().tolist()
    assert 0 <= hue < 1
    assert 0 <= saturation <= 1
    assert value == max(colour)


def test_ranges_of_the_whole_cube() -> None:
    ycbcr = rgb_to_ycbcr(photograph()) * 255
    assert ycbcr.amin(dim=(0, 2, 3)).tolist() == pytest.approx([16, 16, 16])
    assert ycbcr.amax(dim=(0, 2, 3)).tolist() == pytest.approx([235, 240, 240])
    lab = rgb_to_lab(photograph())
    assert lab.amin(dim=(0, 2, 3)).tolist() == pytest.approx([0, -86.2, -107.9], abs=0.05)
    assert lab.amax(dim=(0, 2, 3)).tolist() == pytest.approx([100, 98.2, 94.5], abs=0.05)


def test_colours_beyond_the_range_are_not_clipped() -> None:
    beyond = pixels((-0.1, 0.5, 1.2))
    for there, back in (THERE_AND_BACK["ycbcr"], THERE_AND_BACK["lab"]):
        torch.testing.assert_close(back(there(beyond)), beyond, rtol=0, atol=1e-6)


def test_8_bits_there_and_back_miss_by_2_levels_at_most() -> None:
    image = (photograph() * 255).round().to(torch.uint8)
    assert (ycbcr_to_rgb_8bit(rgb_to_ycbcr_8bit(image)).int() - image.int()).abs().max() <= 2


def test_gray_has_no_colour() -> None:
    gray = torch.linspace(0, 1, 256, dtype=torch.float64).expand(1, 3, 1, -1)
    assert rgb_to_lab(gray)[:, 1:].abs().max() < 1e-9
    assert rgb_to_hsv(gray)[:, :2].abs().max() == 0
    assert (rgb_to_ycbcr(gray)[:, 1:] * 255 - 128).abs().max() < 1e-9


# --- gradients and precision -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("conversion", FLOAT_CONVERSIONS)
def test_gradients_are_right(conversion: Conversion) -> None:
    image = torch.rand(2, 3, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).requires_grad_()
    assert torch.autograd.gradcheck(conversion, image)


@pytest.mark.parametrize("conversion", FLOAT_CONVERSIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_finite_at_black_gray_white_and_beyond(conversion: Conversion, dtype: torch.dtype) -> None:
    ordinary = [(0, 0, 0), (0.5, 0.5, 0.5), (1, 1, 1), (1, 0, 0)]
    strange = [(0, 0, 1e-30), (0, 1e-42, 1e-44), (-0.1, 0, 1.1), (-0.2, -0.1, 0)]
    image = pixels(*ordinary, *strange, dtype=dtype).requires_grad_()
    result = conversion(image)
    (gradient,) = torch.autograd.grad(result.sum(), image)
    assert result.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("conversion", FLOAT_CONVERSIONS)
def test_autocast_does_not_touch_the_picture(conversion: Conversion) -> None:
    image = photograph(torch.float32)
    plain = conversion(image)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(conversion(image), plain)


@pytest.mark.parametrize("conversion", FLOAT_CONVERSIONS)
def test_half_precision_is_computed_in_float32(conversion: Conversion) -> None:
    image = photograph(torch.bfloat16)
    assert torch.equal(conversion(image), conversion(image.float()).bfloat16())


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("conversion", [*FLOAT_CONVERSIONS, *BYTE_CONVERSIONS])
@pytest.mark.parametrize("shape", [(3, 4, 4), (1, 1, 4, 4), (1, 4, 4, 3)])
def test_other_shapes_are_refused(conversion: Conversion, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"N×3×H×W, not a tensor of shape \(\d"):
        conversion(torch.zeros(shape))


@pytest.mark.parametrize("conversion", FLOAT_CONVERSIONS)
def test_whole_numbers_are_refused_by_the_float_forms(conversion: Conversion) -> None:
    with pytest.raises(ValueError, match=r"floating-point pixels, not torch\.uint8"):
        conversion(torch.zeros(1, 3, 4, 4, dtype=torch.uint8))


@pytest.mark.parametrize("conversion", BYTE_CONVERSIONS)
def test_floats_are_refused_by_the_8_bit_forms(conversion: Conversion) -> None:
    with pytest.raises(ValueError, match=r"uint8 pixels, not torch\.float32"):
        conversion(torch.zeros(1, 3, 4, 4))
