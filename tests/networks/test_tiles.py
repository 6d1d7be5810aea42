"""Cut in tiles, every network makes the picture that it makes of the whole, or says that it cannot."""

from __future__ import annotations

import logging

import pytest
import torch

from sr_core import sr_size
from sr_core.inference.engine import super_resolve
from sr_core.inference.tiles import OVERLAP
from sr_plugins_cnn.planes import plane_count
from tests.networks.catalogue import NETWORKS, SmallNetwork
from tests.networks.test_margins import sees_the_whole_picture

EXACT = [
    pytest.param(small, scale, id=f"{name}-x{scale}")
    for name, small in NETWORKS.items()
    for scale in small.scales
    if not sees_the_whole_picture(small)
]
NEAR = {"edsr_pp": 0.5}
"""Of the contrast, what tiles may differ by, where that is more than 0.05: the bins of a tile lie elsewhere."""
FADING = [
    pytest.param(small, NEAR.get(name, 0.05), id=name)
    for name, small in NETWORKS.items()
    if sees_the_whole_picture(small)
]


@pytest.mark.parametrize(("small", "scale"), EXACT)
@pytest.mark.parametrize("size", [(70, 53), (31, 90)])
def test_tiles_with_the_declared_margin_give_the_whole_picture(
    small: SmallNetwork, scale: int, size: tuple[int, int]
) -> None:
    torch.manual_seed(scale)
    network = small.alone(scale).eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):  # as after training
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.5, 2)
    picture = torch.rand(2, plane_count(network.channels), *size)
    whole = super_resolve(network, picture, scale)
    tiled = super_resolve(network, picture, scale, tile=16)
    assert (tiled - whole).abs().max() <= 4e-5 * min(1.0, whole.abs().max().item())


@pytest.mark.parametrize(("small", "near"), FADING)
def test_tiles_of_a_network_that_sees_the_whole_picture_come_near_it_and_that_is_said(
    small: SmallNetwork, near: float, caplog: pytest.LogCaptureFixture
) -> None:
    torch.manual_seed(0)
    scale = small.scales[0]
    network = small.alone(scale).eval()
    places = torch.linspace(0, 12, 260)
    picture = (0.5 + 0.3 * torch.sin(places) * torch.linspace(0, 1, 260)).expand(
        1, plane_count(network.channels), 20, 260
    )
    whole = super_resolve(network, picture, scale)
    assert not caplog.text
    with caplog.at_level(logging.WARNING, "srkit"):
        tiled = super_resolve(network, picture, scale, tile=70)
    assert f"overlap by {OVERLAP}" in caplog.text
    assert tiled.shape[-2:] == sr_size((20, 260), scale)
    assert tiled.isfinite().all()
    error = (tiled - whole).abs()
    assert error.max() > 1e-5, "tiles see all that the whole picture shows: the network could declare a margin"
    assert error.max() < near * whole.std()
