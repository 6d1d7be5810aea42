"""PSNR and SSIM against their formulas and an independent implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from sr_core.metrics.psnr import PSNR, psnr
from sr_core.metrics.ssim import SSIM, ssim


def pair(count: int, planes: int, height: int, width: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    hr = torch.rand((count, planes, height, width), generator=generator, dtype=torch.float64)
    noise = 0.1 * torch.randn(hr.shape, generator=generator, dtype=torch.float64)
    return (hr + noise).clamp(0, 1), hr


def test_psnr_is_a_value_for_each_picture_never_pooled() -> None:
    """One picture off by 1/10, one by 1/100: 20 and 40 dB, whatever the mean of their errors."""
    hr = torch.zeros(2, 3, 8, 8)
    sr = torch.stack([torch.full((3, 8, 8), 0.1), torch.full((3, 8, 8), 0.01)])
    assert psnr(sr, hr).tolist() == pytest.approx([20, 40], abs=1e-4)


def test_psnr_of_equal_pictures_is_infinite() -> None:
    assert math.isinf(float(psnr(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4))))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.integers(1, 3), st.integers(1, 150), st.integers(1, 30), st.integers(0, 99))
def test_psnr_is_the_papers_formula_on_0_to_255(planes: int, height: int, width: int, seed: int) -> None:
    sr, hr = pair(1, planes, height, width, seed)
    error = np.mean((255 * sr.numpy() - 255 * hr.numpy()) ** 2)
    assert float(psnr(sr, hr)) == pytest.approx(10 * np.log10(255**2 / error), abs=1e-9)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(1, 3), st.integers(11, 80), st.integers(11, 60), st.integers(0, 99))
def test_ssim_is_scikit_images_on_the_valid_region(planes: int, height: int, width: int, seed: int) -> None:
    sr, hr = pair(1, planes, height, width, seed)
    values = []
    for plane in range(planes):
        _, whole = structural_similarity(
            sr[0, plane].numpy(),
            hr[0, plane].numpy(),
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        values.append(whole[5 : height - 5, 5 : width - 5].mean())
    assert float(ssim(sr, hr)) == pytest.approx(np.mean(values), abs=1e-7)


def test_ssim_of_equal_pictures_is_one_and_of_batches_one_value_each() -> None:
    sr, hr = pair(3, 1, 16, 20, 0)
    assert ssim(hr, hr).tolist() == pytest.approx([1, 1, 1])
    assert ssim(sr, hr).shape == (3,)


def test_ssim_has_the_gradient_that_a_loss_needs() -> None:
    sr, hr = pair(1, 1, 13, 14, 0)
    assert torch.autograd.gradcheck(lambda image: ssim(image, hr), (sr.requires_grad_(),))


def test_ssim_of_a_picture_smaller_than_its_window_is_refused() -> None:
    with pytest.raises(ValueError, match="SSIM needs 11×11 pixels, the picture has 10×40"):
        ssim(*pair(1, 1, 10, 40, 0))


@pytest.mark.parametrize("metric", [PSNR(), SSIM()])
def test_both_say_their_direction_and_need_the_truth(metric: PSNR | SSIM) -> None:
    assert metric.higher_is_better
    assert metric.needs == "hr"
