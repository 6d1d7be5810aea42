"""Every network is rebuilt from its weights file alone, and answers with the same bits."""

from __future__ import annotations

from pathlib import Path

import torch

from sr_core import load_model
from sr_core.checkpoint import write_weights
from sr_plugins_cnn.planes import plane_count
from tests.networks.catalogue import SmallNetwork
from tests.networks.every import every_scale


@every_scale
def test_the_file_alone_is_the_network(small: SmallNetwork, scale: int, tmp_path: Path) -> None:
    network = small.build(scale).train()
    planes = plane_count(network.channels)
    with torch.no_grad():
        network(torch.rand(4, planes, 8, 8), scale)  # what is counted while training is saved too
    network.eval()
    write_weights(tmp_path / "weights.safetensors", network, small.card(scale))
    loaded = load_model(tmp_path / "weights.safetensors")
    assert type(loaded) is type(network)
    lr = torch.rand(1, planes, 9, 8)
    with torch.inference_mode():
        assert torch.equal(loaded(lr, scale), network(lr, scale))
    assert (loaded.scales, loaded.channels, loaded.margin) == (network.scales, network.channels, network.margin)
