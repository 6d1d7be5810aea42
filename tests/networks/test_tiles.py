"""Cut in tiles, every network makes the picture that it makes of the whole."""

from __future__ import annotations

import pytest
import torch

from sr_core.inference.engine import super_resolve
from sr_plugins_cnn.planes import plane_count
from tests.networks.catalogue import SmallNetwork
from tests.networks.every import every_scale


@every_scale
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
