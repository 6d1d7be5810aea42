"""Noise on LR: its strength, its colour, and what sensors count, against their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from sr_core import SampleRandom
from sr_core.degradations.chance import Chance
from sr_core.degradations.noise import Noise, gray_of, with_correlated_noise
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters

SIDE = 200
PIXELS = SIDE * SIDE


def noise_on(degradation: Noise, level: float | Tensor, count: int = 1) -> Tensor:
    """What is added to a picture of one level, before LR is rounded."""
    picture = torch.as_tensor(level).expand(1, 3, SIDE, SIDE).contiguous()
    random = SampleRandom(5, 0, range(count))
    return torch.cat([degradation.applied(picture, Chance(random, i)) for i in range(count)]) - picture


def test_gaussian_noise_has_the_strength_it_was_given() -> None:
    noise = noise_on(Noise(sigma=10.0, gray=0), 0.5) * 255
    # 5 standard errors of a mean and of a standard deviation over 120,000 pixels.
    assert noise.mean().item() == pytest.approx(0, abs=5 * 10 / math.sqrt(3 * PIXELS))
    assert noise.std().item() == pytest.approx(10, abs=5 * 10 / math.sqrt(2 * 3 * PIXELS))
    planes = np.corrcoef(noise[0].flatten(1).numpy())
    assert np.abs(planes - np.eye(3)).max() < 5 / math.sqrt(PIXELS)


def test_gray_noise_is_the_same_in_all_planes() -> None:
    noise = noise_on(Noise(sigma=10.0, gray=1), 0.5)
    assert torch.allclose(noise[:, 0], noise[:, 1], atol=1e-6)
    assert torch.allclose(noise[:, 0], noise[:, 2], atol=1e-6)


def test_the_share_of_gray_noise_is_its_probability_and_sigma_stays_in_its_range() -> None:
    picture = torch.full((1, 3, 16, 16), 0.5)
    random = SampleRandom(5, 0, range(600))
    degradation = Noise(sigma=(2.0, 20.0), gray=0.4)
    noise = torch.cat([degradation.applied(picture, Chance(random, i)) for i in range(600)]) - picture
    gray = (noise[:, 0] - noise[:, 1]).abs().amax((1, 2)) < 1e-6
    assert gray.sum().item() == pytest.approx(240, abs=5 * math.sqrt(600 * 0.24))
    sigma = 255 * noise[~gray].flatten(1).std(1)
    assert 1.5 < sigma.min() < 4
    assert 18 < sigma.max() < 23


def test_poisson_noise_keeps_the_mean_and_its_variance_grows_with_the_light() -> None:
    """A picture with 4 levels counts 4 photons at white: the variance of light x is x / 4, times the strength²."""
    levels = torch.tensor([0.0, 51.0, 102.0, 153.0]) / 255
    picture = levels.repeat_interleave(SIDE * SIDE // 4).view(1, 1, SIDE, SIDE).expand(1, 3, -1, -1).contiguous()
    noise = Noise("poisson", strength=0.5, gray=0).applied(picture, Chance(SampleRandom(1, 0, [0]))) - picture
    for level in levels.tolist():
        there = noise[picture == level]
        rate = 4 * level  # photons
        if not rate:
            assert not there.any()
            continue
        # Clipping at white cuts little of a rate of 2.4; at 0.8 and 1.6 nothing is lost with half the strength.
        expected = 0.25 * level / 4
        error = 5 * math.sqrt(expected / len(there))
        assert there.mean().item() == pytest.approx(0, abs=error if rate < 2 else 0.01)
        assert there.var().item() == pytest.approx(expected, rel=0.05 if rate < 2 else 0.1)


def test_gray_poisson_noise_is_counted_in_the_luminance() -> None:
    colours = torch.tensor([0.2, 0.4, 0.6]).view(1, 3, 1, 1).expand(1, 3, SIDE, SIDE).contiguous()
    noise = Noise("poisson", strength=0.05, gray=1).applied(colours, Chance(SampleRandom(1, 0, [0]))) - colours
    assert torch.allclose(noise[:, 0], noise[:, 1], atol=1e-6)
    luminance = round((0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.6) * 255) / 255
    # One level in all: one photon at white, whose counts have the variance of the light.
    assert noise[:, 0].var().item() == pytest.approx(0.0025 * luminance, rel=0.1)


def test_either_kind_is_had_by_half_of_the_samples() -> None:
    black = torch.zeros(1, 3, 8, 8)  # light without photons has no noise
    random = SampleRandom(8, 0, range(400))
    degradation = Noise("either", sigma=20.0)
    gaussian = sum(bool(degradation.applied(black, Chance(random, i)).any()) for i in range(400))
    assert gaussian == pytest.approx(200, abs=5 * 10)


def test_noise_that_planes_share_in_part_has_its_covariance() -> None:
    covariance = torch.tensor([[4.0, 1.0, 0.5], [1.0, 2.0, -0.3], [0.5, -0.3, 1.0]]).double() / 255**2
    picture = torch.full((1, 3, SIDE, SIDE), 0.5)
    noise = with_correlated_noise(picture, covariance, Chance(SampleRandom(0, 0, [0]))) - picture
    found = np.cov(noise[0].flatten(1).double().numpy()) * 255**2
    assert np.abs(found - covariance.numpy() * 255**2).max() < 5 * 4 * math.sqrt(2 / PIXELS)


def test_lr_is_clipped_and_in_8_bits_and_comes_after_shrinking() -> None:
    hr = torch.rand(2, 3, 40, 40)
    lr = Noise(sigma=100.0)(hr, 4, SampleRandom(0, 0, [0, 1]))
    assert lr.shape == (2, 3, 10, 10)
    assert lr.min() == 0
    assert lr.max() == 1
    assert torch.allclose(lr * 255, (lr * 255).round(), atol=1e-4)
    flat = torch.full((1, 1, 400, 400), 0.5)
    lr = Noise(sigma=10.0)(flat, 4, SampleRandom(0, 0, [0]))
    assert (lr * 255).std().item() == pytest.approx(10, abs=0.4)  # shrunk noise would be weaker


def test_gray_weights_are_those_of_bt_601() -> None:
    assert torch.allclose(gray_of(torch.eye(3).view(3, 3, 1, 1)).flatten(), torch.tensor([0.299, 0.587, 0.114]))
    assert torch.allclose(gray_of(torch.ones(1, 2, 1, 1)), torch.ones(1, 1, 1, 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Noise(sigma=(5.0, 1.0)), r"sigma is a number or \[lowest, highest\] in 0 … 255, not \[5.0, 1.0\]"),
        (lambda: Noise(sigma=-1.0), "sigma is"),
        (lambda: Noise(strength=200.0), "strength is .* 0 … 100, not 200"),
    ],
)
def test_strengths_that_cannot_be_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("wrong", [{"gray": 1.5}, {"model": "salt"}, {"sigma": []}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(Noise, wrong)
