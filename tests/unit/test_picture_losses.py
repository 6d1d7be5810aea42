"""What every loss promises that looks at whole pictures: gradients, one plane or three, autocast, equal pictures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import sr_plugins_losses.plugin
from sr_core import Batch, Loss, resize
from sr_core.testing import check_loss, check_plugin
from sr_plugins_losses.consistency import Consistency
from sr_plugins_losses.edge import Edge
from sr_plugins_losses.frequency import Frequency
from sr_plugins_losses.structural import SSIM, MultiScaleSSIM
from sr_plugins_losses.total_variation import TotalVariation

Make = Callable[[], Loss]

SMALL: dict[str, Make] = {
    "isotropic total variation": TotalVariation,
    "anisotropic total variation": lambda: TotalVariation("anisotropic", "sum_per_sample"),
    "sobel": Edge,
    "laplacian": lambda: Edge("laplacian"),
    "amplitude": Frequency,
    "complex": lambda: Frequency("complex"),
    "consistency": Consistency,
    "ssim": SSIM,
}
EVERY: dict[str, Make] = {**SMALL, "ms_ssim": MultiScaleSSIM}


def pictures(planes: int, size: tuple[int, int], seed: int = 0) -> tuple[Tensor, Tensor]:
    """(SR, HR) in float64."""
    generator = torch.Generator().manual_seed(seed)
    hr = torch.rand(2, planes, *size, dtype=torch.float64, generator=generator)
    return hr + 0.1 * torch.randn(hr.shape, dtype=torch.float64, generator=generator), hr


def batch_of(hr: Tensor) -> Batch:
    return Batch(lr=resize(hr, 0.5), scale=2, step=0, progress=0.0)


def size_for(name: str) -> tuple[int, int]:
    return (162, 164) if name == "ms_ssim" else (12, 14)


@pytest.mark.parametrize("planes", [1, 3])
@pytest.mark.parametrize("name", SMALL)
def test_gradients_are_right(name: str, planes: int) -> None:
    sr, hr = (picture[:1] for picture in pictures(planes, (12, 12)))
    loss, batch = SMALL[name](), batch_of(hr)
    assert torch.autograd.gradcheck(lambda picture: loss(picture, hr, batch), sr.requires_grad_(), fast_mode=True)


def test_the_gradient_of_ms_ssim_is_right_in_a_direction() -> None:
    sr, hr = pictures(1, (161, 161))
    loss, batch = MultiScaleSSIM(), batch_of(hr)
    (gradient,) = torch.autograd.grad(loss(sr.requires_grad_(), hr, batch), sr)
    direction = torch.randn(sr.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        ahead, behind = (loss(sr + step * direction, hr, batch) for step in (1e-5, -1e-5))
    assert (gradient * direction).sum().item() == pytest.approx((ahead - behind).item() / 2e-5, rel=1e-5)


@pytest.mark.parametrize("planes", [1, 3])
@pytest.mark.parametrize("name", EVERY)
def test_autocast_changes_nothing(name: str, planes: int) -> None:
    sr, hr = (picture.float() for picture in pictures(planes, size_for(name)))
    loss, batch = EVERY[name](), batch_of(hr)
    with torch.autocast("cpu", torch.bfloat16):
        low = loss(sr, hr, batch)
    assert low.dtype == torch.float32
    assert low.ndim == 0
    assert torch.equal(low, loss(sr, hr, batch))
    exact = loss(sr.double(), hr.double(), Batch(batch.lr.double(), 2, 0, 0.0))
    assert low.item() == pytest.approx(exact.item(), rel=2e-5)


@pytest.mark.parametrize("name", EVERY)
def test_equal_pictures_cost_nothing_and_have_a_finite_gradient(name: str) -> None:
    _, hr = pictures(3, size_for(name))
    if "variation" in name:
        hr = torch.full_like(hr, 0.3)  # the picture without any
    sr = hr.clone().requires_grad_()
    value = EVERY[name]()(sr, hr, Batch(resize(hr, 0.5), 2, 0, 0.0))
    # The borders of LR are made of what is there, so that even a border of 0 would be met.
    assert value.item() == pytest.approx(0, abs=1e-12)
    (gradient,) = torch.autograd.grad(value, sr)
    assert gradient.isfinite().all()
    assert gradient.abs().max() < 1e-9


@pytest.mark.parametrize("colour", [(0, 0, 0), (1, 1, 1), (0.5, 0.5, 0.5)], ids=["black", "white", "gray"])
@pytest.mark.parametrize("name", EVERY)
def test_flat_pictures_have_a_finite_gradient(name: str, colour: tuple[float, float, float]) -> None:
    _, hr = (picture.float() for picture in pictures(3, size_for(name)))
    sr = torch.tensor(colour, dtype=torch.float32).view(1, 3, 1, 1).expand_as(hr).clone().requires_grad_()
    for other in (hr, sr.detach(), 1 - sr.detach()):
        value = EVERY[name]()(sr, other, batch_of(hr))
        (gradient,) = torch.autograd.grad(value, sr)
        assert value.isfinite()
        assert gradient.isfinite().all()


@pytest.mark.parametrize("name", EVERY)
def test_planes_are_compared_one_by_one(name: str) -> None:
    sr, hr = pictures(3, size_for(name))
    loss, batch = EVERY[name](), batch_of(hr)
    alone = [loss(sr[:, [p]], hr[:, [p]], Batch(batch.lr[:, [p]], 2, 0, 0.0)).item() for p in range(3)]
    parts = sum(alone) if name == "anisotropic total variation" else sum(alone) / 3
    assert loss(sr, hr, batch).item() == pytest.approx(parts)


@pytest.mark.parametrize("name", SMALL)
def test_the_losses_keep_their_contract(name: str) -> None:
    check_loss(SMALL[name]())


def test_the_plugin_registers_them() -> None:
    names = {component.name for component in check_plugin(sr_plugins_losses.plugin)}
    assert names >= {"total_variation", "edge", "frequency", "consistency", "ssim", "ms_ssim"}
