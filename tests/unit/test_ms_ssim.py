"""MS-SSIM against other programs and against its definition, written with scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from sr_core.metrics.ms_ssim import WEIGHTS, MultiScaleSSIM, ms_ssim
from sr_core.metrics.ssim import ssim
from tests.unit.metric_pictures import chirps


def by_definition(sr: np.ndarray, hr: np.ndarray) -> float:
    """msssim.m: scipy's Gaussian cut off at five pixels, its symmetric border, every other pixel of 2×2 means."""
    product = 1.0
    for level, weight in enumerate(WEIGHTS):
        blurred = [ndimage.gaussian_filter(x, 1.5, radius=5)[5:-5, 5:-5] for x in (sr, hr, sr**2, hr**2, sr * hr)]
        mean_1, mean_2, square_1, square_2, mixed = blurred
        contrast = (2 * (mixed - mean_1 * mean_2) + 9e-4) / (square_1 - mean_1**2 + square_2 - mean_2**2 + 9e-4)
        luminance = (2 * mean_1 * mean_2 + 1e-4) / (mean_1**2 + mean_2**2 + 1e-4)
        product *= (contrast * luminance if level == 4 else contrast).mean() ** weight
        sr, hr = (ndimage.uniform_filter(x, 2, mode="reflect", origin=-1)[::2, ::2] for x in (sr, hr))
    return product


@pytest.mark.parametrize(
    ("size", "expected"),
    [((176, 192), 0.8659630839590936), ((208, 240), 0.809704761830568)],
)
def test_it_is_that_of_piq(size: tuple[int, int], expected: float) -> None:
    """piq 0.8.0, multi_scale_ssim; sides that halve evenly, since piq pads odd ones with zeros."""
    assert float(ms_ssim(*chirps(*size))) == pytest.approx(expected, abs=1e-9)


@settings(derandomize=True, deadline=None, max_examples=8)
@given(st.integers(161, 200), st.integers(161, 200), st.integers(0, 99))
def test_it_is_its_definition_at_every_size(height: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    hr = ndimage.gaussian_filter(random.random((height, width)), 1)
    sr = (hr + random.normal(0, 0.05, hr.shape)).clip(0, 1)
    value = ms_ssim(torch.from_numpy(sr)[None, None], torch.from_numpy(hr)[None, None])
    assert float(value) == pytest.approx(by_definition(sr, hr), abs=1e-9)


def test_equal_pictures_give_one_a_negative_gives_nothing_and_a_batch_one_value_each() -> None:
    _, hr = chirps(161, 170)
    assert ms_ssim(hr.expand(3, 2, -1, -1), hr.expand(3, 2, -1, -1)).tolist() == pytest.approx([1, 1, 1])
    assert float(ms_ssim(1 - hr, hr)) == 0


def test_it_is_kinder_than_ssim_where_only_fine_detail_is_lost() -> None:
    sr, hr = chirps(176, 192)
    assert float(ms_ssim(sr, hr)) > float(ssim(sr, hr))


def test_a_picture_too_small_for_five_resolutions_is_refused() -> None:
    with pytest.raises(ValueError, match="MS-SSIM needs 161×161 pixels, the picture has 160×200"):
        ms_ssim(*chirps(160, 200))


def test_it_says_what_it_needs() -> None:
    metric = MultiScaleSSIM()
    assert metric.higher_is_better
    assert metric.needs == "hr"
    assert torch.equal(metric(*chirps(161, 161)), ms_ssim(*chirps(161, 161)))
