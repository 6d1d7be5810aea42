"""The learned degradation: sizes below scale 1, its margin and tiles, its noise, and that it learns."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core import resize, sr_size
from sr_core.building import build
from sr_core.discovery import discover
from sr_core.inference.engine import super_resolve
from sr_core.parameters import ComponentReference
from sr_core.testing import check_model
from sr_plugins_gan.downscaler import Downscaler
from tests.unit import network_promises as promises

SCALES = (0.5, 1 / 3, 0.25, 0.125)
every_scale = pytest.mark.parametrize("scale", SCALES)


def awake(scale: float = 0.25, *, noise: bool = True, channels: int = 3) -> Downscaler:
    """A small network whose last layer does not rest at zero any more."""
    torch.manual_seed(0)
    made = Downscaler(scale, blocks=1, width=4, noise=noise, channels=channels).eval()
    torch.nn.init.normal_(made.tail.weight, std=0.1)
    return made


@every_scale
def test_it_keeps_the_contract_at_scales_below_one(scale: float) -> None:
    check_model(awake(scale))
    promises.check_copies(awake(scale), scale)


@every_scale
def test_pictures_of_any_size_come_out_by_the_size_rule(scale: float) -> None:
    for size in ((16, 24), (13, 11), (9, 30), (8, 5)):
        hr, network = torch.rand(2, 3, *size), awake(scale)
        smaller = super_resolve(network, hr, scale)
        assert smaller.shape == (2, 3, *sr_size(size, scale))
        torch.testing.assert_close(network(hr, scale), smaller)


@every_scale
def test_untrained_it_is_bicubic(scale: float) -> None:
    hr = torch.rand(1, 3, 48, 24)
    expected = resize(hr, scale, sr_size((48, 24), scale), "bicubic")
    torch.testing.assert_close(Downscaler(scale, width=8)(hr, scale), expected)


@every_scale
@pytest.mark.parametrize("blocks", [1, 2])
def test_a_pixel_depends_on_the_larger_picture_as_far_as_the_margin_says(scale: float, blocks: int) -> None:
    network = Downscaler(scale, blocks=blocks, width=2, noise=False, channels=1).double()
    with torch.no_grad():  # positive weights: no two ways from a pixel cancel, and no ReLU closes
        for parameter in network.parameters():
            parameter.copy_((1 + torch.rand_like(parameter)) / max(1, parameter[0].numel()))
    factor = round(1 / scale)
    at = network.margin // factor + 1  # type: ignore[operator]
    hr = torch.rand(1, 1, (2 * at + 1) * factor, 1 * factor, dtype=torch.float64).requires_grad_()
    (gradient,) = torch.autograd.grad(network(hr, scale)[..., at, :].sum(), hr)
    places = gradient[0, 0].abs().sum(dim=1).nonzero()
    centre = (at + 0.5) * factor - 0.5
    # The centre lies on an edge where the factor is even: the margin counts from the pixel that is further away.
    assert (places - centre).abs().max().item() + (0.5 if factor % 2 == 0 else 0) == network.margin


@every_scale
def test_tiles_are_equal_to_the_whole(scale: float) -> None:
    network = awake(scale)
    side = 2 * network.margin + 90  # type: ignore[operator]
    hr = torch.rand(1, 3, side, side + 7)
    torch.testing.assert_close(super_resolve(network, hr, scale, tile=32), super_resolve(network, hr, scale))


def test_noise_is_drawn_in_training_and_none_in_use() -> None:
    network, hr = awake(), torch.rand(2, 3, 16, 16)
    quiet = network(hr, 0.25)
    assert torch.equal(quiet, network(hr, 0.25))
    assert torch.equal(quiet, network(hr, 0.25, torch.zeros(2, 1, 16, 16)))
    network.train()
    torch.manual_seed(1)
    first, second = network(hr, 0.25), network(hr, 0.25)
    assert not torch.equal(first, second)
    torch.manual_seed(1)
    assert torch.equal(first, network(hr, 0.25)), "PyTorch's own generator, which training seeds, is all its chance"


def test_noise_that_is_given_decides() -> None:
    network, hr = awake(), torch.rand(1, 3, 13, 15)
    noise = torch.randn(1, 1, 13, 15)
    given = network(hr, 0.25, noise)
    assert not torch.equal(given, network(hr, 0.25))
    assert torch.equal(given, network.train()(hr, 0.25, noise))


def test_without_noise_training_is_deterministic() -> None:
    network, hr = awake(noise=False).train(), torch.rand(1, 3, 8, 8)
    assert not network.takes_noise
    assert torch.equal(network(hr, 0.25), network(hr, 0.25))


def test_low_precision_does_not_round_the_picture() -> None:
    network, hr = awake(), torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        exact = network(hr, 0.25)
        with torch.autocast("cpu", torch.bfloat16):
            low = network(hr, 0.25)
    assert low.dtype == torch.float32
    assert (low - exact).abs().max() < 2 / 255


def degraded(hr: Tensor) -> Tensor:
    """A camera that is dark, soft and a little off."""
    return 0.8 * F.avg_pool2d(F.pad(hr, (1, 0, 1, 0), mode="replicate"), 3, stride=2) + 0.05


def test_it_learns_another_way_of_making_pictures_smaller() -> None:
    torch.manual_seed(0)
    network = Downscaler(0.5, blocks=1, width=8, channels=1)
    hr = promises.pictures(4, 1, 16)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    errors = []
    for _ in range(120):
        (prediction,) = network.predictions(hr, degraded(hr), 0.5, 0.0)
        error = F.mse_loss(prediction.image, prediction.target)
        optimizer.zero_grad()
        error.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < errors[0] / 20
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_its_weights_are_saved_and_a_copy_answers_alike(tmp_path: Path) -> None:
    network, other = awake(), Downscaler(0.25, blocks=1, width=4).eval()
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    hr = torch.rand(1, 3, 16, 12)
    assert torch.equal(network(hr, 0.25), other(hr, 0.25))
    assert torch.equal(network(hr, 0.25), copy.deepcopy(network)(hr, 0.25))


def test_a_spec_gives_it_the_scale() -> None:
    made = build(discover().registry, "model", ComponentReference.of("downscaler", {"width": 4}), {"scale": 0.5})
    assert made.scales == {0.5}


@pytest.mark.parametrize("scale", [2, 0.3, 0.333, 1.0])
def test_other_scales_are_refused_with_those_there_are(scale: float) -> None:
    with pytest.raises(ValueError, match=r"scale must be 0.5, 0.3333333333333333, 0.25 or 0.125, it is"):
        Downscaler(scale)
