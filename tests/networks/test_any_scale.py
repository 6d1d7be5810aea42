"""Networks for every scale: sizes, tiles and quality between the whole scales and with one scale for each axis."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core import AnyScaleModel, Scale, resize, sr_size
from sr_core.discovery import discover
from sr_core.inference.engine import super_resolve
from sr_plugins_cnn.planes import plane_count
from tests.networks.catalogue import NETWORKS, SmallNetwork

REGISTRY = discover().registry
FOR_ANY_SCALE = {
    name: small
    for name, small in NETWORKS.items()
    if issubclass(REGISTRY.get("model", small.component).load(), AnyScaleModel)
}
every_any_scale_network = pytest.mark.parametrize("small", FOR_ANY_SCALE.values(), ids=FOR_ANY_SCALE)
every_kind_of_scale = pytest.mark.parametrize("scale", [1.1, 1.37, 2.5, 3.99, (2, 3)], ids=str)

SIDE = 40
STEPS = 400
ENOUGH = 0.3
"""dB above bicubic: more than from one look at the pictures to the next by chance."""


def test_there_are_some() -> None:
    assert FOR_ANY_SCALE


@every_any_scale_network
@every_kind_of_scale
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (6, 1), (5, 8), (13, 11)], ids=str)
def test_the_picture_has_the_size_of_the_size_rule(small: SmallNetwork, scale: Scale, size: tuple[int, int]) -> None:
    network = small.build().eval()
    sr = super_resolve(network, torch.rand(2, plane_count(network.channels), *size), scale)
    assert sr.shape[-2:] == sr_size(size, scale)
    assert sr.isfinite().all()


@every_any_scale_network
@every_kind_of_scale
def test_tiles_share_one_grid(small: SmallNetwork, scale: Scale) -> None:
    torch.manual_seed(0)
    network = small.build().eval()
    picture = torch.rand(1, plane_count(network.channels), 53, 38)
    whole = super_resolve(network, picture, scale)
    tiled = super_resolve(network, picture, scale, tile=16)
    assert (tiled - whole).abs().max() <= 4e-5 * min(1.0, whole.abs().max().item())


@pytest.mark.slow
@every_any_scale_network
def test_a_short_training_brings_more_than_bicubic_between_whole_scales(small: SmallNetwork) -> None:
    torch.manual_seed(0)
    network, scale = small.build(), 2.5
    planes = plane_count(network.channels)
    optimizer = torch.optim.Adam(network.parameters(), small.rate)
    unseen = pictures(16, planes, seed=0)
    bicubic = psnr(resize(resize(unseen, 1 / scale), scale), unseen)
    ours = -math.inf
    for step in range(1, STEPS + 1):
        hr = pictures(4, planes, seed=step)
        (prediction,) = network.train().predictions(resize(hr, 1 / scale), hr, scale, step / STEPS)
        optimizer.zero_grad()
        F.l1_loss(prediction.image, prediction.target).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % 25 == 0:
            ours = psnr(super_resolve(network.eval(), resize(unseen, 1 / scale), scale), unseen)
            if ours > bicubic + ENOUGH:
                return
    pytest.fail(f"{ours:.2f} dB, and bicubic {bicubic:.2f} dB")


def pictures(count: int, planes: int, seed: int) -> Tensor:
    """Waves, and a disc with a sharp edge, in the range of Y, count×planes×40×40; others for each seed."""
    draw = torch.Generator().manual_seed(seed)

    def drawn(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand((count, planes, 1, 1), generator=draw)

    rows, columns = torch.meshgrid(torch.arange(float(SIDE)), torch.arange(float(SIDE)), indexing="ij")
    picture = torch.full((count, planes, SIDE, SIDE), 0.5)
    for _ in range(3):
        turn, pace = drawn(0, math.pi), drawn(0.1, 1.0)
        picture += 0.15 * torch.sin(pace * (rows * turn.cos() + columns * turn.sin()) + drawn(0, 6))
    disc = drawn(6, 14) - ((rows - drawn(0, SIDE)) ** 2 + (columns - drawn(0, SIDE)) ** 2).sqrt()
    return torch.lerp(picture, drawn(0, 1), torch.sigmoid(3 * disc)) * 219 / 255 + 16 / 255


def psnr(sr: Tensor, hr: Tensor) -> float:
    return -10 * math.log10(F.mse_loss(sr, hr).item())
