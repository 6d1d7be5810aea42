"""SSIM over whole pictures against closed forms and numpy's statistics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sr_core.metrics.ssim_global import GlobalSSIM, ssim_global
from tests.unit.metric_pictures import chirps


def flat(level: float) -> torch.Tensor:
    return torch.full((1, 1, 5, 7), level, dtype=torch.float64)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.floats(0, 1), st.floats(0, 1))
def test_flat_pictures_differ_in_luminance_alone(first: float, second: float) -> None:
    expected = (2 * first * second + 1e-4) / (first**2 + second**2 + 1e-4)
    assert float(ssim_global(flat(first), flat(second))) == pytest.approx(expected, abs=1e-12)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(1, 3), st.integers(1, 20), st.integers(2, 20), st.integers(0, 99))
def test_it_is_the_short_form_of_the_formula(planes: int, height: int, width: int, seed: int) -> None:
    """With C₃ = C₂ / 2 contrast and structure are one fraction of covariances, which numpy has."""
    sr, hr = np.random.default_rng(seed).random((2, planes, height, width))
    values = []
    for first, second in zip(sr, hr, strict=True):
        (variance_1, covariance), (_, variance_2) = np.cov(first.ravel(), second.ravel())
        luminance = (2 * first.mean() * second.mean() + 1e-4) / (first.mean() ** 2 + second.mean() ** 2 + 1e-4)
        values.append(luminance * (2 * covariance + 9e-4) / (variance_1 + variance_2 + 9e-4))
    value = ssim_global(torch.from_numpy(sr)[None], torch.from_numpy(hr)[None])
    assert float(value) == pytest.approx(np.mean(values), abs=1e-12)


def test_equal_pictures_give_one_and_a_batch_one_value_each() -> None:
    _, hr = chirps(20, 30)
    assert ssim_global(hr.expand(3, 2, -1, -1), hr.expand(3, 2, -1, -1)).tolist() == pytest.approx([1, 1, 1])


def test_it_is_blind_to_where_pixels_are() -> None:
    sr, hr = chirps(20, 30)
    order = torch.randperm(600, generator=torch.Generator().manual_seed(0))
    shuffled = [image.flatten(2)[..., order].view_as(image) for image in (sr, hr)]
    assert float(ssim_global(*shuffled)) == pytest.approx(float(ssim_global(sr, hr)), abs=1e-12)


def test_a_single_pixel_has_no_variance() -> None:
    with pytest.raises(ValueError, match="needs at least two pixels"):
        GlobalSSIM()(torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 1))
