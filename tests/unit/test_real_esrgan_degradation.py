"""Real-ESRGAN's degradation: what it draws, against the published options, and what it does with it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from sr_core import SampleRandom, resize
from sr_core.degradations import real_esrgan
from sr_core.degradations.chance import Chance
from sr_core.degradations.real_esrgan import FIRST, SECOND, RealESRGAN, random_kernel
from sr_core.degradations.resizing import random_factor
from sr_core.degradations.sharpening import sharpened
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_degradation

DRAWS = 1000


def within(count: int, probability: float, draws: int = DRAWS) -> None:
    """A count that 5 standard deviations allow."""
    assert count == pytest.approx(draws * probability, abs=5 * math.sqrt(draws * probability * (1 - probability)))


def noted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[tuple[Any, ...]]:
    """Every call of a function of the module."""
    calls: list[tuple[Any, ...]] = []
    real: Callable[..., Any] = getattr(real_esrgan, name)

    def noting(*arguments: Any) -> Any:
        calls.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(real_esrgan, name, noting)
    return calls


def photograph(side: int = 64, count: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return resize(torch.rand(count, 3, side // 4, side // 4, generator=generator), size=(side, side)).clamp(0, 1)


@pytest.mark.parametrize(("order", "widest"), [(FIRST, 3.0), (SECOND, 1.5)])
def test_kernels_keep_the_published_ranges_and_shares(
    monkeypatch: pytest.MonkeyPatch, order: real_esrgan.Order, widest: float
) -> None:
    """0.2 … 3 (second 0.2 … 1.5), 7 … 21, β 0.5 … 4 and 1 … 2, shares .45 .25 .12 .03 .12 .03, sinc .1."""
    elliptic, sinc = noted(monkeypatch, "elliptic_kernel"), noted(monkeypatch, "sinc_kernel")
    chances = [Chance(SampleRandom(0, 0, [i])) for i in range(DRAWS)]
    kernels = [random_kernel(order.sigma, chance) for chance in chances]
    assert all(abs(float(kernel.sum()) - 1) < 1e-9 for kernel in kernels)
    assert {len(kernel) for kernel in kernels} == set(range(7, 22, 2))
    within(len(sinc), 0.1)
    assert all(math.pi / (3 if size < 13 else 5) <= cutoff <= math.pi for size, cutoff in sinc)
    kinds: Counter[tuple[str, bool]] = Counter()
    for _, (first, second), angle, power, profile in elliptic:
        assert 0.2 <= min(first, second) <= max(first, second) <= widest
        assert abs(angle) <= math.pi
        kind = profile if profile == "plateau" else "gaussian" if power == 1 else "generalised"
        assert (0.5 if kind == "generalised" else 1) <= power <= {"gaussian": 1, "generalised": 4, "plateau": 2}[kind]
        kinds[(kind, first == second)] += 1
    for kind, shares in (("gaussian", (0.45, 0.25)), ("generalised", (0.12, 0.03)), ("plateau", (0.12, 0.03))):
        for is_round, share in zip((True, False), shares, strict=True):
            within(kinds[(kind, is_round)], share, len(elliptic))
    assert max(max(sigmas) for _, sigmas, *_ in elliptic) > 0.97 * widest


@pytest.mark.parametrize(
    ("order", "low", "high", "shares"),
    [(FIRST, 0.15, 1.5, (0.2, 0.7, 0.1)), (SECOND, 0.3, 1.2, (0.3, 0.4, 0.3))],
)
def test_factors_keep_the_published_ranges_and_shares(
    order: real_esrgan.Order, low: float, high: float, shares: tuple[float, float, float]
) -> None:
    chances = [Chance(SampleRandom(1, 0, [i])) for i in range(DRAWS)]
    factors = [random_factor(order.up_down_keep, order.factors, chance) for chance in chances]
    assert low <= min(factors) < low + 0.02
    assert high - 0.02 < max(factors) <= high
    within(sum(factor > 1 for factor in factors), shares[0])
    within(sum(factor < 1 for factor in factors), shares[1])
    within(sum(factor == 1 for factor in factors), shares[2])


def test_noise_jpeg_and_the_last_filter_keep_the_published_ranges_and_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaussian .5: 1 … 30, then 1 … 25; Poisson .05 … 3, then .05 … 2.5; gray .4; JPEG 30 … 95; blur 2 .8, sinc .8."""
    gaussian, poisson = noted(monkeypatch, "with_gaussian_noise"), noted(monkeypatch, "with_poisson_noise")
    coded, sinc = noted(monkeypatch, "compressed"), noted(monkeypatch, "sinc_kernel")
    blurs, resized = noted(monkeypatch, "random_kernel"), noted(monkeypatch, "interpolated")
    RealESRGAN(sharpen=False)(torch.rand(1, 1, 16, 16).expand(DRAWS, -1, -1, -1), 4, SampleRandom(2, 0, range(DRAWS)))
    strengths = [255 * sigma for _, sigma, _, _ in gaussian]
    assert 1 <= min(strengths) <= 1.2
    assert 29 <= max(strengths) <= 30
    assert 0.05 <= min(strength for _, strength, _, _ in poisson) < 0.1
    assert 2.9 < max(strength for _, strength, _, _ in poisson) <= 3
    within(len(gaussian), 0.5, 2 * DRAWS)
    within(sum(gray for _, _, gray, _ in (*gaussian, *poisson)), 0.4, 2 * DRAWS)
    assert {quality for _, quality, _ in coded} == set(range(30, 96))
    assert len(coded) == 2 * DRAWS
    within(len(blurs) - DRAWS, 0.8)
    kernels = sum(len(size) == 2 for size in sinc)
    assert kernels - len(blurs) * 0.1 == pytest.approx(0.8 * DRAWS, abs=5 * (13 + 13))
    assert len(resized) == 3 * DRAWS
    # The second JPEG sees LR's size where it comes last, and where the factor was 1 or (4 pixels are few) up to 1.2.
    within(sum(image.shape[-2:] == (4, 4) for image, _, _ in coded[1::2]), 0.5 + 0.5 * (0.3 + 0.3))


def test_lr_is_in_8_bits_and_differs_from_sample_to_sample() -> None:
    hr = photograph(count=1).expand(6, -1, -1, -1)
    lr = RealESRGAN()(hr, 4, SampleRandom(0, 0, range(6)))
    assert isinstance(lr, Tensor)
    assert lr.shape == (6, 3, 16, 16)
    assert torch.allclose(lr * 255, (lr * 255).round(), atol=1e-4)
    assert len({float(sample.sum()) for sample in lr}) == 6
    # It is still the same picture: nearer to its own LR than to that of its mirror image.
    plain = resize(hr[:1], 0.25)
    assert ((lr - plain) ** 2).mean() < ((lr - plain.flip(-1)) ** 2).mean()


def test_lr_lies_where_hr_lies() -> None:
    """The mean of many degradations of a bright spot is centred on it."""
    hr = torch.zeros(1, 1, 64, 64)
    hr[..., 20:28, 36:44] = 1
    lr = RealESRGAN(sharpen=False)(hr.expand(300, -1, -1, -1), 4, SampleRandom(0, 0, range(300)))
    assert isinstance(lr, Tensor)
    light = (lr.mean((0, 1)) - 0.03).clamp(min=0)
    places = torch.arange(16.0)
    centre = [(light.sum(axis) * places).sum().item() / light.sum().item() for axis in (1, 0)]
    assert centre == pytest.approx([24 / 4 - 0.5, 40 / 4 - 0.5], abs=0.15)


def test_the_target_can_be_the_sharpened_picture() -> None:
    hr = photograph(count=2)
    random = SampleRandom(0, 0, range(2))
    made = RealESRGAN(target="sharpened")(hr, 4, random)
    assert isinstance(made, tuple)
    assert torch.allclose(made[1], sharpened(hr), atol=1e-6)
    same = RealESRGAN()(hr, 4, SampleRandom(0, 0, range(2)))
    assert isinstance(same, Tensor)
    assert torch.equal(made[0], same)
    plain = RealESRGAN(sharpen=False)(hr, 4, SampleRandom(0, 0, range(2)))
    assert isinstance(plain, Tensor)
    assert not torch.equal(plain, same)


@pytest.mark.parametrize("codec", ["auto", "differentiable"])
def test_it_keeps_its_contract_at_all_sizes_and_scales(codec: Any) -> None:
    check_degradation(RealESRGAN(codec=codec), scales=(1, 2, 3, 4, 0.5, 1.7, 2.3, 2.5, (2, 3)))
    for size in ((1, 1), (3, 50), (9, 4)):
        lr = RealESRGAN(codec=codec)(torch.rand(1, 1, *size), 1, SampleRandom(0, 0, [0]))
        assert isinstance(lr, Tensor)
        assert lr.shape[-2:] == size
    assert RealESRGAN(target="sharpened")(torch.rand(0, 3, 8, 8), 2, SampleRandom(0, 0, []))[0].shape == (0, 3, 4, 4)


@pytest.mark.parametrize("wrong", [{"target": "blurred"}, {"codec": "webp"}, {"sharpen": "yes"}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(RealESRGAN, wrong)
