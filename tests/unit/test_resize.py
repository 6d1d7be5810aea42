"""Resampling against a naive transcription of imresize.m, Pillow, torch, and hand-worked values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from sr_core.imaging.resize import Method, resize

METHODS: list[Method] = ["nearest", "box", "bilinear", "bicubic", "lanczos2", "lanczos3"]
WIDTHS = {"nearest": 1, "box": 1, "bilinear": 2, "bicubic": 4, "lanczos2": 4, "lanczos3": 6}
SCALES = st.floats(0.2, 5) | st.sampled_from([0.25, 1 / 3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0])


# --- the naive reference: one weight at a time, as imresize.m has it ---------------------------------------------


def kernel(x: float, method: str) -> float:
    if method in ("nearest", "box"):
        return float(-0.5 <= x < 0.5)
    x = abs(x)
    if x >= WIDTHS[method] / 2:
        return 0.0
    if method == "bilinear":
        return 1 - x
    if method == "bicubic":
        return 1.5 * x**3 - 2.5 * x**2 + 1 if x <= 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    lobes = WIDTHS[method] / 2
    a, b = math.pi * x, math.pi * x / lobes
    return 1.0 if x == 0 else math.sin(a) * math.sin(b) / (a * b)


def reference_matrix(
    source: int, scale: float, method: str, antialias: bool, length: int | None = None, border: str = "mirror"
) -> np.ndarray:
    length = math.ceil(source * scale) if length is None else length
    shrink = min(scale, 1.0) if antialias and method != "nearest" else 1.0
    reach = math.ceil(WIDTHS[method] / shrink) + 2
    matrix = np.zeros((length, source))
    for row in range(1, length + 1):
        centre = row / scale + 0.5 * (1 - 1 / scale)
        for pixel in range(math.floor(centre) - reach, math.floor(centre) + reach + 1):
            place = pixel
            while border == "mirror" and not 1 <= place <= source:
                place = 1 - place if place < 1 else 2 * source + 1 - place
            matrix[row - 1, min(max(place, 1), source) - 1] += kernel(shrink * (centre - pixel), method)
    return matrix / matrix.sum(axis=1, keepdims=True)


def reference(image: Tensor, scale: tuple[float, float], method: str, antialias: bool = True) -> np.ndarray:
    vertical = reference_matrix(image.shape[-2], scale[0], method, antialias)
    horizontal = reference_matrix(image.shape[-1], scale[1], method, antialias)
    return vertical @ image.double().numpy() @ horizontal.T


def noise(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64).to(dtype)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    size=st.tuples(st.integers(1, 12), st.integers(1, 130)),
    scale=st.tuples(SCALES, SCALES),
    method=st.sampled_from(METHODS),
    antialias=st.booleans(),
)
def test_every_scale_and_kernel_is_matlabs(
    size: tuple[int, int], scale: tuple[float, float], method: Method, antialias: bool
) -> None:
    image = noise(1, 2, *size)
    expected = reference(image, scale, method, antialias)
    np.testing.assert_allclose(resize(image, scale, None, method, antialias).numpy(), expected, rtol=0, atol=1e-12)
    result = resize(image.float(), scale, None, method, antialias)
    np.testing.assert_allclose(result.numpy(), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("scale", [1 / 3, 3, 0.7])
def test_float32_does_not_drift_far_from_the_origin(scale: float) -> None:
    image = noise(1, 1, 1, 3000, dtype=torch.float32)
    result = resize(image, (1, scale))
    np.testing.assert_allclose(result.numpy(), reference(image, (1, scale), "bicubic"), rtol=0, atol=1e-6)


# --- against other programs, where borders play no part -----------------------------------------------------------


@pytest.mark.parametrize("size", [(61, 45), (20, 33), (97, 200), (360, 300)])
@pytest.mark.parametrize(
    ("method", "filter_"),
    [
        ("box", Image.Resampling.BOX),
        ("bilinear", Image.Resampling.BILINEAR),
        ("bicubic", Image.Resampling.BICUBIC),
        ("lanczos3", Image.Resampling.LANCZOS),
    ],
)
def test_inside_agrees_with_pillow(method: Method, filter_: Image.Resampling, size: tuple[int, int]) -> None:
    image = noise(1, 1, 90, 100, dtype=torch.float32)
    expected = np.asarray(Image.fromarray(image[0, 0].numpy()).resize(size[::-1], filter_))
    result = resize(image, size=size, method=method)[0, 0].numpy()
    rows, columns = (math.ceil(3 * max(1, new / old)) for new, old in zip(size, (90, 100), strict=True))
    inside = np.s_[rows:-rows, columns:-columns]
    np.testing.assert_allclose(result[inside], expected[inside], rtol=0, atol=2e-6)


@pytest.mark.parametrize("scale", [0.25, 0.5, 2, 4])
@pytest.mark.parametrize("antialias", [False, True])
def test_inside_agrees_with_torch(scale: float, antialias: bool) -> None:
    # Without antialiasing torch's cubic has a = −0.75: only bilinear is the same kernel.
    method: Method = "bicubic" if antialias else "bilinear"
    image = noise(2, 3, 64, 80)
    expected = F.interpolate(image, scale_factor=scale, mode=method, antialias=antialias)
    border = math.ceil(2 * max(1, scale))
    inside = (..., slice(border, -border), slice(border, -border))
    torch.testing.assert_close(
        resize(image, scale, method=method, antialias=antialias)[inside], expected[inside], rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("size", [(7, 9), (31, 64), (90, 50)])
def test_nearest_takes_the_pixel_that_torch_takes(size: tuple[int, int]) -> None:
    image = noise(1, 3, 24, 30)
    expected = F.interpolate(image, size, mode="nearest-exact")
    assert torch.equal(resize(image, size=size, method="nearest"), expected)


# --- what a user counts on -----------------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 90)),
    scale=SCALES,
    method=st.sampled_from(METHODS),
    value=st.floats(0, 1),
)
def test_one_colour_stays_that_colour(size: tuple[int, int], scale: float, method: Method, value: float) -> None:
    result = resize(torch.full((1, 1, *size), value, dtype=torch.float64), scale, method=method)
    assert (result - value).abs().max() < 1e-14


@pytest.mark.parametrize("method", METHODS)
def test_scale_1_changes_nothing(method: Method) -> None:
    image = noise(1, 3, 20, 30)
    torch.testing.assert_close(resize(image, 1, method=method), image, rtol=0, atol=1e-15)


def test_scale_alone_rounds_the_size_up() -> None:
    image = noise(1, 1, 10, 7)
    assert resize(image, 0.26).shape == (1, 1, 3, 2)
    assert resize(image, 1.5).shape == (1, 1, 15, 11)
    assert resize(image, (2, 0.01)).shape == (1, 1, 20, 1)


def test_size_alone_spans_the_whole_picture() -> None:
    image = noise(1, 1, 10, 12)
    np.testing.assert_allclose(
        resize(image, size=(5, 18)).numpy(), reference(image, (0.5, 1.5), "bicubic"), rtol=0, atol=1e-12
    )


def test_scale_and_size_together_keep_the_scales_positions() -> None:
    image = noise(1, 1, 10, 12)
    whole = resize(image, 2.5)
    assert whole.shape[-2:] == (25, 30)
    torch.testing.assert_close(resize(image, 2.5, (23, 27)), whole[..., :23, :27], rtol=0, atol=1e-14)
    assert resize(image, 2.5, (26, 40)).shape[-2:] == (26, 40)


def test_each_axis_has_its_own_scale() -> None:
    image = noise(1, 1, 12, 9)
    both = resize(image, (0.5, 3))
    torch.testing.assert_close(resize(resize(image, (0.5, 1)), (1, 3)), both, rtol=0, atol=1e-14)


def test_nearest_repeats_pixels() -> None:
    image = noise(1, 2, 3, 4)
    assert torch.equal(
        resize(image, 3, method="nearest"), image.repeat_interleave(3, dim=-1).repeat_interleave(3, dim=-2)
    )


def test_nearest_is_never_antialiased_and_box_is() -> None:
    image = torch.tensor([[[[0.0, 1.0, 2.0, 4.0]]]])
    assert resize(image, (1, 0.5), method="nearest").tolist() == [[[[1.0, 4.0]]]]
    assert resize(image, (1, 0.5), method="box").tolist() == [[[[0.5, 3.0]]]]


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 1), (3, 2)])
@pytest.mark.parametrize("scale", [0.2, 0.5, 2.0, 3.3])
def test_the_picture_is_mirrored_for_ever_with_its_edge_pixel(size: tuple[int, int], scale: float) -> None:
    image = noise(1, 1, *size)
    around = 20  # periods of the mirrored picture: whole pixels of the result at these scales
    tiled = np.pad(image[0, 0].numpy(), [(around * 2 * size[0],) * 2, (around * 2 * size[1],) * 2], mode="symmetric")
    result = resize(image, scale, method="lanczos3")
    top, left = (round(around * 2 * length * scale) for length in size)
    whole = resize(torch.from_numpy(tiled)[None, None], scale, method="lanczos3")
    expected = whole[..., top : top + result.shape[-2], left : left + result.shape[-1]]
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)


def test_batches_and_planes_do_not_mix() -> None:
    images = noise(3, 2, 20, 30)
    result = resize(images, 0.4)
    for picture in range(3):
        for plane in range(2):
            alone = resize(images[picture, plane][None, None], 0.4)
            torch.testing.assert_close(result[picture, plane], alone[0, 0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("layout", ["channels_last", "cut out", "turned", "expanded"])
def test_memory_layout_does_not_matter(layout: str) -> None:
    image = noise(2, 3, 40, 50, dtype=torch.float32)
    strided = {
        "channels_last": image.contiguous(memory_format=torch.channels_last),
        "cut out": F.pad(image, (3, 4, 5, 6))[..., 5:45, 3:53],
        "turned": image.mT.contiguous().mT,
        "expanded": image[:1, :, :, :1].expand(2, -1, -1, 50),
    }[layout]
    torch.testing.assert_close(resize(strided, 0.37), resize(strided.clone().contiguous(), 0.37), rtol=0, atol=5e-7)


# --- gradients and precision ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {"scale": 0.4},
        {"scale": (1.7, 0.6), "method": "lanczos3"},
        {"scale": 0.4, "method": "nearest"},
        {"size": (3, 11), "method": "bilinear", "antialias": False},
        {"scale": 2, "size": (15, 14)},
    ],
)
def test_gradients_of_first_and_second_order(arguments: dict[str, Any]) -> None:
    image = noise(1, 2, 6, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda picture: resize(picture, **arguments), image)
    assert torch.autograd.gradgradcheck(lambda picture: resize(picture, **arguments), image)


def test_gradient_is_the_transposed_product() -> None:
    image, direction = noise(1, 1, 150, 170).requires_grad_(), noise(1, 1, 99, 400)
    (gradient,) = torch.autograd.grad(resize(image, size=(99, 400)), image, direction)
    vertical = reference_matrix(150, 99 / 150, "bicubic", True, 99)
    horizontal = reference_matrix(170, 400 / 170, "bicubic", True, 400)
    np.testing.assert_allclose(gradient[0, 0], vertical.T @ direction[0, 0].numpy() @ horizontal, rtol=0, atol=1e-12)


def test_weights_first_made_in_inference_mode_serve_gradients_later() -> None:
    image = noise(1, 1, 19, 23)
    with torch.inference_mode():
        before = resize(image, 1.9)
    after = resize(image.requires_grad_(), 1.9)
    after.sum().backward()
    assert torch.equal(before, after)
    assert image.grad is not None


def test_autocast_does_not_touch_the_picture() -> None:
    image = noise(1, 3, 40, 40, dtype=torch.float32).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        result = resize(image, 2.3)
        (gradient,) = torch.autograd.grad(result.square().sum(), image)
    assert result.dtype == gradient.dtype == torch.float32
    torch.testing.assert_close(result.double(), resize(image.double(), 2.3), rtol=0, atol=1e-6)
    (exact,) = torch.autograd.grad(resize(image.double(), 2.3).square().sum(), image)
    torch.testing.assert_close(gradient, exact, rtol=0, atol=1e-4)


@pytest.fixture(params=["high", "medium"])
def fast_products(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(request.param)
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.usefixtures("fast_products")
def test_products_allowed_to_be_rough_do_not_touch_the_picture() -> None:
    image = noise(1, 3, 200, 200, dtype=torch.float32)
    torch.testing.assert_close(resize(image, 0.5).double(), resize(image.double(), 0.5), rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_pictures_are_rounded_only_at_the_end(dtype: torch.dtype) -> None:
    image = noise(1, 3, 40, 40).to(dtype)
    result = resize(image, 1.5)
    assert result.dtype == dtype
    step = torch.finfo(dtype).eps
    torch.testing.assert_close(result.double(), resize(image.double(), 1.5), rtol=0.51 * step, atol=1e-6)


# --- rounding to 8 bits ----------------------------------------------------------------------------------------------


def test_once_rounds_half_up_and_clips_at_the_end() -> None:
    levels = torch.tensor([[[[10.0, 11.0, 200.0, 203.0, 0.0, 0.0, 0.0, 255.0, 255.0, 255.0]]]], dtype=torch.float64)
    halves = resize(levels / 255, (1, 0.5), method="box", rounding="once")
    assert (halves * 255).flatten().tolist() == [11.0, 202.0, 0.0, 128.0, 255.0]
    overshooting = resize(levels / 255, (1, 3))
    assert overshooting.min() < 0
    assert overshooting.max() > 1
    rounded = resize(levels / 255, (1, 3), rounding="once")
    expected = np.clip(np.floor(overshooting.numpy() * 255 + 0.5), 0, 255) / 255
    np.testing.assert_array_equal(rounded.numpy(), expected)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    size=st.tuples(st.integers(1, 15), st.integers(1, 90)),
    scale=st.sampled_from([0.25, 1 / 3, 0.5, 2.0]),
    seed=st.integers(0, 1000),
)
def test_each_pass_is_the_old_recipe(size: tuple[int, int], scale: float, seed: int) -> None:
    levels = np.random.default_rng(seed).choice([0, 1, 60, 128, 254, 255], size).astype(float)
    vertical = reference_matrix(size[0], scale, "bicubic", True, border="replicate")
    horizontal = reference_matrix(size[1], scale, "bicubic", True, border="replicate")
    rows = np.clip(np.floor(vertical @ levels + 0.5), 0, 255)
    expected = np.clip(np.floor(rows @ horizontal.T + 0.5), 0, 255)
    result = resize(torch.from_numpy(levels / 255)[None, None].float(), scale, rounding="each_pass")
    assert result.dtype == torch.float32
    np.testing.assert_array_equal(result[0, 0].numpy(), (expected / 255).astype(np.float32))


def test_each_pass_takes_the_picture_in_8_bits() -> None:
    image = noise(1, 3, 20, 20)
    assert torch.equal(
        resize(image, 0.5, rounding="each_pass"), resize((image * 255).round() / 255, 0.5, rounding="each_pass")
    )


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs a scale, a size or both"),
        ({"scale": 0}, "scale is a number above 0.*not 0"),
        ({"scale": -2.0}, "not -2.0"),
        ({"scale": math.inf}, "not inf"),
        ({"scale": math.nan}, "not nan"),
        ({"scale": (2.0, 0.0)}, r"not \(2.0, 0.0\)"),
        ({"scale": (2.0, 2.0, 2.0)}, r"\(vertical, horizontal\), not \(2.0, 2.0, 2.0\)"),
        ({"scale": "2"}, "not '2'"),
        ({"size": (0, 5)}, r"size is \(height, width\) in whole pixels, at least 1, not \(0, 5\)"),
        ({"size": (5.5, 5)}, r"not \(5.5, 5\)"),
        ({"size": (5, 5, 3)}, r"not \(5, 5, 3\)"),
        ({"size": 5}, "not 5"),
        ({"scale": 2, "method": "cubic"}, "method is one of nearest, box, bilinear, bicubic,.* not 'cubic'"),
        ({"scale": 2, "rounding": "twice"}, "rounding is one of none, once, each_pass, not 'twice'"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resize(noise(1, 3, 8, 8), **arguments)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(3, 8, 8), r"pictures N×C×H×W, not a tensor of shape \(3, 8, 8\)"),
        (torch.zeros(1, 3, 0, 8), r"not a tensor of shape \(1, 3, 0, 8\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "floating-point pixels in .*, not torch.uint8"),
    ],
)
def test_bad_pictures_are_named(image: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resize(image, 2)
