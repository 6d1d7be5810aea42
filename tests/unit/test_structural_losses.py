"""1 − SSIM and 1 − MS-SSIM: scikit-image's figure, the metrics' own, and how small a crop may be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from sr_core import Batch, SrkitError
from sr_core.metrics.ms_ssim import ms_ssim
from sr_core.metrics.ssim import similarities, ssim
from sr_plugins_losses.structural import SSIM, MultiScaleSSIM, crop_similarities
from tests.unit.metric_pictures import chirps

BATCH = Batch(lr=torch.zeros(1, 1, 1, 1), scale=2, step=0, progress=0.0)


def pictures(*shape: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    hr = torch.rand(shape, dtype=torch.float64, generator=generator)
    return hr + 0.2 * torch.randn(shape, dtype=torch.float64, generator=generator), hr


@pytest.mark.parametrize("planes", [1, 3])
def test_ssim_is_scikit_images(planes: int) -> None:
    sr, hr = pictures(2, planes, 24, 31)
    expected = []
    for one, other in zip(sr.flatten(0, 1).numpy(), hr.flatten(0, 1).numpy(), strict=True):
        _, values = structural_similarity(
            one, other, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
        )
        expected.append(values[5:-5, 5:-5].mean())
    assert SSIM()(sr, hr, BATCH).item() == pytest.approx(1 - np.mean(expected))


@pytest.mark.parametrize("shape", [(2, 3, 11, 11), (1, 1, 50, 83), (3, 3, 96, 96)])
def test_it_is_one_less_the_metric(shape: tuple[int, ...]) -> None:
    sr, hr = pictures(*shape)
    assert 1 - SSIM()(sr, hr, BATCH).item() == pytest.approx(ssim(sr, hr).mean().item(), rel=1e-9)
    torch.testing.assert_close(crop_similarities(sr, hr), similarities(sr, hr), rtol=1e-9, atol=1e-12)
    single = SSIM()(sr.float(), hr.float(), BATCH).item()
    assert 1 - single == pytest.approx(ssim(sr, hr).mean().item(), abs=1e-5)


@pytest.mark.parametrize("size", [(161, 161), (170, 185)])
def test_ms_ssim_is_one_less_the_metric(size: tuple[int, int]) -> None:
    sr, hr = chirps(*size)
    assert 1 - MultiScaleSSIM()(sr, hr, BATCH).item() == pytest.approx(ms_ssim(sr, hr).item(), rel=1e-9)
    sr, hr = pictures(2, 3, *size)
    assert 1 - MultiScaleSSIM()(sr, hr, BATCH).item() == pytest.approx(ms_ssim(sr, hr).mean().item(), rel=1e-9)


def test_ms_ssim_of_a_negative_is_1_with_a_finite_gradient() -> None:
    _, hr = pictures(1, 1, 161, 161)
    sr = (1 - hr).requires_grad_()
    value = MultiScaleSSIM()(sr, hr, BATCH)
    (gradient,) = torch.autograd.grad(value, sr)
    assert value.item() == 1
    assert gradient.isfinite().all()


def test_a_step_down_the_gradient_is_a_step_towards_hr() -> None:
    sr, hr = pictures(1, 3, 170, 170)
    for loss in (SSIM(), MultiScaleSSIM()):
        moving = sr.clone().requires_grad_()
        for _ in range(3):
            value = loss(moving, hr, BATCH)
            (gradient,) = torch.autograd.grad(value, moving)
            moving = (moving - 0.01 * gradient / gradient.abs().max()).detach().requires_grad_()
        assert loss(moving, hr, BATCH) < loss(sr, hr, BATCH)
        assert (moving - hr).abs().mean() < (sr - hr).abs().mean()


def test_crops_that_are_too_small_say_how_small_they_may_be() -> None:
    small = torch.rand(1, 1, 10, 40)
    with pytest.raises(
        SrkitError, match=r"'ssim' compares targets of 11×11 pixels or more, this one is 10×40; take a l"
    ):
        SSIM()(small, small, BATCH)
    small = torch.rand(1, 1, 160, 200)
    expected = (
        r"'ms_ssim' compares .* 161×161 .*, this one is 160×200; take a larger crop, or 'ssim', which needs 11×11"
    )
    with pytest.raises(SrkitError, match=expected):
        MultiScaleSSIM()(small, small, BATCH)
