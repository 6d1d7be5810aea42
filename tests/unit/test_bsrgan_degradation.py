"""BSRGAN's degradation: what it draws, against the released code, and what it does with it."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from sr_core import SampleRandom, resize
from sr_core.degradations import bsrgan
from sr_core.degradations.blur_kernels import elliptic_kernel
from sr_core.degradations.bsrgan import BSRGAN, random_kernel, random_order, with_random_noise
from sr_core.degradations.chance import Chance
from sr_core.degradations.filtering import filtered
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_degradation

DRAWS = 1000


def chances(count: int, seed: int = 0) -> list[Chance]:
    return [Chance(SampleRandom(seed, 0, [i])) for i in range(count)]


def within(count: int, probability: float, draws: int = DRAWS) -> None:
    """A count that 5 standard deviations allow."""
    assert count == pytest.approx(draws * probability, abs=5 * math.sqrt(draws * probability * (1 - probability)))


def noted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[tuple[Any, ...]]:
    """Every call of a function of the module."""
    calls: list[tuple[Any, ...]] = []
    real: Any = getattr(bsrgan, name)

    def noting(*arguments: Any) -> Any:
        calls.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(bsrgan, name, noting)
    return calls


def lr_of(hr: Tensor, scale: Any, codec: Any = "auto") -> Tensor:
    return BSRGAN(codec)(hr, scale, SampleRandom(0, 0, range(len(hr))))


def test_orders_are_random_with_the_shrinking_to_lrs_size_after_the_other() -> None:
    orders = [random_order(chance) for chance in chances(DRAWS)]
    for order in orders:
        assert sorted(order) == list(range(7))
        assert order.index(2) < order.index(3)
    # The first place is any step's but the last shrinking's; a shuffle puts 2 or 3 there with 2/7.
    first = Counter(order[0] for order in orders)
    assert first[3] == 0
    within(first[2], 2 / 7)
    for step in (0, 1, 4, 5, 6):
        within(first[step], 1 / 7)


def test_kernels_keep_the_released_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of them ellipses of variances up to 4 + s, the others round of σ up to 2 + s/5; 7 … 25 pixels."""
    calls: list[tuple[Any, ...]] = []
    real = bsrgan.elliptic_kernel

    def noting(*arguments: Any) -> Tensor:
        calls.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(bsrgan, "elliptic_kernel", noting)
    for chance in chances(DRAWS):
        assert float(random_kernel(4, chance).sum()) == pytest.approx(1)
    assert {size for size, *_ in calls} == set(range(7, 26, 2))
    ellipses = [sigmas for _, sigmas, *angle in calls if angle]
    rounds = [sigmas for _, sigmas, *angle in calls if not angle]
    within(len(ellipses), 0.5)
    assert 7.9 < max(max(sigmas) for sigmas in ellipses) ** 2 < 8
    assert 2.75 < max(max(sigmas) for sigmas in rounds) < 2.8


def test_noise_is_in_colour_gray_or_between_of_2_to_25_levels() -> None:
    picture = torch.full((1, 3, 24, 24), 0.5)
    noise = torch.cat([with_random_noise(picture, chance) for chance in chances(400, 1)]) - picture
    gray = (noise[:, 0] - noise[:, 1]).abs().amax((1, 2)) < 1e-6
    within(int(gray.sum()), 0.4, 400)
    levels = 255 * noise[gray][:, 0].flatten(1).std(1)
    assert 1.7 < levels.min() < 3.5
    assert 23 < levels.max() < 28
    correlation = torch.stack([torch.corrcoef(each.flatten(1))[0, 1] for each in noise[~gray]])
    # Of what is not gray, a third has planes that share noise; .21 is 5 standard errors of planes that do not.
    assert 20 < (correlation.abs() > 0.21).sum() < 0.6 / 3 * 400 + 5 * 8


def test_every_scale_th_pixel_of_a_shifted_blur_lies_where_lr_lies() -> None:
    """The released code's blur and subsampling: pixel i of LR is centred on i · s + (s − 1)/2 of HR."""
    ramp = torch.arange(64.0).expand(1, 1, 64, 64) / 64
    for scale in (2, 3, 4):
        seen = []
        for chance in chances(40, 2):
            made = bsrgan._shrunk(ramp, (scale, scale), chance)
            if made.shape[-1] == 64 // scale:
                seen.append(made[0, 0, 0] * 64)
        middle = 64 // scale // 2
        assert any(abs(float(row[middle]) - (middle * scale + (scale - 1) / 2)) < 0.02 for row in seen)


def test_jpeg_halving_and_shrinking_keep_the_released_ranges_and_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """JPEG .9 and once more at the end, 30 … 95; halved first .25; .75 by 1 … 2 s, else σ 0.1 … 0.6 s on 25 pixels."""
    coded, halved = noted(monkeypatch, "compressed"), noted(monkeypatch, "_halved")
    shrunk, kernels = noted(monkeypatch, "_shrunk"), noted(monkeypatch, "filtered")
    resized = noted(monkeypatch, "interpolated")
    BSRGAN()(torch.rand(1, 1, 32, 32).expand(DRAWS, -1, -1, -1), 4, SampleRandom(3, 0, range(DRAWS)))
    within(len(coded) - DRAWS, 0.9)
    assert {quality for _, quality, _ in coded} == set(range(30, 96))
    within(len(halved), 0.25)
    assert {scale for _, scale, _ in shrunk} == {(4, 4), (2, 2)}
    within(sum(scale == (2, 2) for _, scale, _ in shrunk), 0.25)
    within(len(kernels), 0.25)
    assert {len(kernel) for _, kernel in kernels} == {25}
    half = 0.5 * len(halved)  # of those halved, half by one of the random methods
    assert len(resized) == pytest.approx(DRAWS + 0.75 * DRAWS + half, abs=5 * (14 + 8))
    assert {size for _, size, _ in resized} >= {(4, 4), (8, 8), (16, 16), (31, 31)}, "from 1 / 2 s of the sides to all"
    assert min(size for _, size, _ in resized) == (4, 4)


def test_its_blur_and_subsampling_are_scipys() -> None:
    generator = np.random.default_rng(0)
    hr = generator.random((33, 33))
    offsets = np.arange(25) - 12
    line = np.exp(-((offsets + 1) ** 2) / (2 * 1.3**2))  # moved up and to the left by (3 − 1)/2
    kernel = np.outer(line, line) / line.sum() ** 2
    expected = ndimage.convolve(hr, kernel, mode="mirror")[::3, ::3]
    made = filtered(torch.from_numpy(hr)[None, None].float(), elliptic_kernel(25, (1.3, 1.3), shift=(-1, -1)))
    assert np.allclose(made[0, 0, ::3, ::3], expected, atol=2e-6)


def test_lr_is_in_8_bits_and_differs_from_sample_to_sample() -> None:
    generator = torch.Generator().manual_seed(5)
    hr = resize(torch.rand(1, 3, 16, 16, generator=generator), size=(64, 64)).clamp(0, 1).expand(8, -1, -1, -1)
    lr = lr_of(hr, 4)
    assert lr.shape == (8, 3, 16, 16)
    assert torch.allclose(lr * 255, (lr * 255).round(), atol=1e-4)
    assert len({float(sample.sum()) for sample in lr}) == 8
    plain = resize(hr[:1], 0.25)
    assert ((lr - plain) ** 2).mean() < ((lr - plain.flip(-1)) ** 2).mean()


def test_lr_lies_where_hr_lies() -> None:
    hr = torch.zeros(1, 1, 64, 64)
    hr[..., 20:28, 36:44] = 1
    light = (lr_of(hr.expand(300, -1, -1, -1), 4).mean((0, 1)) - 0.03).clamp(min=0)
    places = torch.arange(16.0)
    centre = [(light.sum(axis) * places).sum().item() / light.sum().item() for axis in (1, 0)]
    assert centre == pytest.approx([24 / 4 - 0.5, 40 / 4 - 0.5], abs=0.15)


@pytest.mark.parametrize("codec", ["auto", "differentiable"])
def test_it_keeps_its_contract_at_all_sizes_and_scales(codec: Any) -> None:
    check_degradation(BSRGAN(codec), scales=(1, 2, 3, 4, 0.5, 1.7, 2.3, 2.5, (2, 3)))
    for planes, size in ((1, (1, 1)), (2, (3, 50)), (4, (9, 4))):
        assert lr_of(torch.rand(5, planes, *size), 1, codec).shape == (5, planes, *size)
    assert lr_of(torch.rand(0, 3, 8, 8), 2).shape == (0, 3, 4, 4)


def test_parameters_that_it_cannot_have_are_refused() -> None:
    with pytest.raises(ParameterError):
        check_parameters(BSRGAN, {"codec": "webp"})
