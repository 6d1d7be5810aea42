"""Blurs with a kernel of their own for each sample: kernels against SciPy's formulas, filtering against SciPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, special, stats
from torch import Tensor

from sr_core import SampleRandom, resize
from sr_core.degradations.blur_kernels import elliptic_kernel, motion_kernel, sinc_kernel
from sr_core.degradations.blurs import AnisotropicBlur, GaussianBlur, MotionBlur, Sinc, trimmed
from sr_core.degradations.filtering import fast_length, filtered
from sr_core.degradations.sharpening import sharpened
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.arange(size) - size // 2
    right, down = np.meshgrid(offsets, offsets)
    return right, down


@given(st.sampled_from([7, 13, 21]), st.floats(0.4, 3), st.floats(0.4, 3), st.floats(-math.pi, math.pi))
def test_an_elliptic_gaussian_is_scipys_normal_density(size: int, first: float, second: float, angle: float) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    covariance = turn @ np.diag([first**2, second**2]) @ turn.T
    density = stats.multivariate_normal(cov=covariance).pdf(np.stack(grid(size), axis=-1))
    kernel = elliptic_kernel(size, (first, second), angle)
    assert np.allclose(kernel, density / density.sum(), atol=1e-12)


def test_power_and_profile_are_those_of_the_generalised_gaussian_and_of_the_plateau() -> None:
    right, down = grid(21)
    distance = (right / 2.0) ** 2 + (down / 1.5) ** 2
    for power in (0.5, 1.7, 4):
        generalised, plateau = np.exp(-(distance**power) / 2), 1 / (1 + distance**power)
        assert np.allclose(elliptic_kernel(21, (2, 1.5), power=power), generalised / generalised.sum(), atol=1e-12)
        made = elliptic_kernel(21, (2, 1.5), power=power, profile="plateau")
        assert np.allclose(made, plateau / plateau.sum(), atol=1e-12)


@pytest.mark.parametrize("cutoff", [math.pi / 5, 1.0, 2.2, math.pi])
@pytest.mark.parametrize("size", [7, 21])
def test_the_sinc_is_the_bessel_function_of_the_distance(size: int, cutoff: float) -> None:
    distance = np.hypot(*grid(size))
    with np.errstate(invalid="ignore"):
        weights = cutoff * special.j1(cutoff * distance) / (2 * math.pi * distance)
    weights[size // 2, size // 2] = cutoff**2 / (4 * math.pi)
    assert np.allclose(sinc_kernel(size, cutoff), weights / weights.sum(), atol=1e-7)


def test_a_motion_is_a_line_of_one_pixels_width() -> None:
    """MATLAB's documentation of fspecial('motion'): 9 pixels, 0 degrees is a row of ninths."""
    level = motion_kernel(11, 9, 0)
    assert torch.allclose(level[5], torch.tensor([0, *(1 / 9,) * 9, 0], dtype=torch.float64))
    assert torch.allclose(motion_kernel(11, 9, math.pi / 2), level.T, atol=1e-12)
    diagonal = motion_kernel(11, 9, math.pi / 4)
    assert torch.allclose(diagonal, diagonal.T, atol=1e-12)
    assert diagonal[3, 7] > 0.05 > 0.01 > diagonal[3, 3]  # counter-clockwise: up and to the right
    assert motion_kernel(3, 1, 1.0)[1, 1] == 1


def test_a_kernel_can_be_a_single_pixel() -> None:
    assert elliptic_kernel(7, (0, 0))[3, 3] == 1
    assert len(trimmed(elliptic_kernel(21, (1e-3, 1e-3)))) == 1
    assert len(trimmed(elliptic_kernel(21, (3, 3)))) == 21


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 7, 21]), st.integers(0, 99))
def test_filtering_is_scipys_convolution_with_a_mirrored_border(height: int, width: int, size: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    image, kernel = generator.random((2, height, width)), generator.random((size, size))
    expected = np.stack([ndimage.convolve(plane, kernel / kernel.sum(), mode="mirror") for plane in image])
    made = filtered(torch.from_numpy(image)[None].float(), torch.from_numpy(kernel / kernel.sum()))
    assert np.allclose(made[0], expected, atol=2e-6)


def test_transforms_have_lengths_that_are_fast() -> None:
    assert [fast_length(length) for length in (1, 8, 9, 262, 306)] == [8, 8, 16, 280, 320]


def lr_of(degradation: GaussianBlur | AnisotropicBlur | MotionBlur | Sinc, hr: Tensor, scale: float = 1) -> Tensor:
    return degradation(hr, scale, SampleRandom(1, 2, range(len(hr))))


def test_at_scale_1_lr_is_the_blurred_picture_in_8_bits() -> None:
    hr = torch.rand(2, 3, 30, 34)
    expected = ndimage.gaussian_filter(hr.double().numpy(), (0, 0, 1.6, 1.6), mode="mirror", radius=(0, 0, 10, 10))
    made = lr_of(GaussianBlur(1.6), hr) * 255
    assert np.abs(made.numpy() - expected * 255).max() <= 0.5 + 1e-3
    assert torch.allclose(made, made.round(), atol=1e-4)


def test_blurs_come_before_bicubic_shrinking_and_the_sinc_after_it() -> None:
    hr = torch.rand(1, 3, 36, 36)
    first = resize(filtered(hr, elliptic_kernel(21, (2, 2))), 1 / 3)
    assert (lr_of(GaussianBlur(2.0), hr, 3) - first).abs().max() <= 0.51 / 255
    after = filtered(resize(hr, 1 / 3).clamp(0, 1), sinc_kernel(21, 1.5)).clamp(0, 1)
    assert (lr_of(Sinc(1.5), hr, 3) - after).abs().max() <= 0.51 / 255


def test_an_anisotropic_blur_at_a_right_angle_is_two_blurs_of_different_width() -> None:
    hr = torch.rand(1, 1, 40, 40)
    made = AnisotropicBlur((2.0, 2.0), 90.0)
    assert made.deterministic
    expected = ndimage.gaussian_filter(hr.double().numpy(), (0, 0, 2, 2), mode="mirror", radius=(0, 0, 10, 10))
    assert np.abs(lr_of(made, hr).numpy() - expected).max() <= 0.51 / 255


def test_each_sample_has_its_own_kernel_and_a_flat_picture_stays_flat() -> None:
    same = torch.rand(1, 3, 24, 24).expand(4, -1, -1, -1)
    for blur in (GaussianBlur(), AnisotropicBlur(), MotionBlur(), Sinc()):
        lr = lr_of(blur, same)
        assert len({float(sample.sum()) for sample in lr}) == 4
        flat = torch.full((1, 1, 9, 9), 100 / 255)
        assert torch.allclose(lr_of(blur, flat), flat, atol=1e-6)


def test_a_fixed_blur_is_deterministic_and_a_drawn_one_is_not() -> None:
    assert GaussianBlur(1.0).deterministic
    assert MotionBlur(5.0, 30.0).deterministic
    assert not GaussianBlur((1.0, 2.0)).deterministic
    assert not MotionBlur(5.0).deterministic


def test_a_gradient_passes_through_a_blur_and_the_rounding() -> None:
    hr = torch.rand(1, 1, 16, 16, requires_grad=True)
    lr_of(GaussianBlur(1.0), hr, 2).sum().backward()
    assert hr.grad is not None
    assert hr.grad.sum() == pytest.approx(64, rel=1e-4)  # each LR pixel is a weighted mean


def test_sharpening_is_unsharp_masking_with_scipys_gaussian() -> None:
    """Real-ESRGAN's values: 51 pixels, σ 8, weight .5, threshold 10 levels."""
    generator = torch.Generator().manual_seed(3)
    image = resize(torch.rand(1, 3, 8, 8, generator=generator), size=(64, 64)).clamp(0, 1)

    def blurred(planes: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(planes, (0, 0, 8, 8), mode="mirror", radius=(0, 0, 25, 25))

    hr = image.double().numpy()
    difference = hr - blurred(hr)
    mask = blurred((np.abs(difference) * 255 > 10).astype(float))
    expected = mask * np.clip(hr + difference / 2, 0, 1) + (1 - mask) * hr
    assert np.allclose(sharpened(image), expected, atol=2e-5)


@pytest.mark.parametrize("blur", [GaussianBlur, AnisotropicBlur, Sinc])
def test_a_kernel_without_a_centre_is_refused(blur: type[GaussianBlur]) -> None:
    with pytest.raises(ValueError, match="size must be odd, so that the kernel has a centre; it is 6"):
        blur(size=6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianBlur(0.0), r"sigma is a number or \[lowest, highest\] in 0.001 … 100, not 0"),
        (lambda: GaussianBlur((3.0, 1.0)), r"sigma is .*, not \[3.0, 1.0\]"),
        (lambda: AnisotropicBlur((-1.0, 1.0)), "sigma is"),
        (lambda: AnisotropicBlur(angle=400.0), "angle is .* -360 … 360, not 400"),
        (lambda: MotionBlur(0.5), "length is .* 1 … 999, not 0.5"),
        (lambda: MotionBlur(angle=(0.0, 400.0)), "angle is"),
        (lambda: Sinc(4.0), "cutoff is"),
        (lambda: Sinc(float("nan")), "cutoff is"),
    ],
)
def test_ranges_that_cannot_be_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_a_spec_writes_a_number_or_a_range() -> None:
    assert check_parameters(GaussianBlur, {"sigma": 2})["sigma"] == 2
    assert check_parameters(GaussianBlur, {"sigma": [1, 2]})["sigma"] == (1, 2)
    for wrong in ({"sigma": [1, 2, 3]}, {"sigma": "wide"}, {"size": 0}):
        with pytest.raises(ParameterError):
            check_parameters(GaussianBlur, wrong)
