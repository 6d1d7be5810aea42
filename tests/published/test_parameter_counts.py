"""How many numbers each network learns, against the papers."""

from __future__ import annotations

import pytest
from torch import nn

import sr_plugins_cnn.plugin
from sr_core import Model
from sr_core.testing import check_plugin
from sr_plugins_cnn.espcn import ESPCN
from sr_plugins_cnn.fsrcnn import FSRCNN
from sr_plugins_cnn.srcnn import SRCNN
from sr_plugins_cnn.vdsr import VDSR

# SRCNN: Dong et al., TPAMI 2016, table of network widths and kernels; FSRCNN: Dong et al., ECCV 2016, table 1. Both count
# the weights of convolutions alone, without biases and PReLU slopes. VDSR: Kim et al., CVPR 2016, by its layout.
WEIGHTS = [
    (SRCNN(1), 8_032),
    (SRCNN(3), 24_416),
    (SRCNN(5), 57_184),
    *((FSRCNN(scale), 12_464) for scale in (2, 3, 4)),
    (FSRCNN(3, d=32, s=5, m=1), 3_937),
    (VDSR(), 664_704),
    (VDSR(bias=False), 664_704),
]
# Everything that is learned: recounted from the papers' layouts, as later tables print it.
ALL = [
    (SRCNN(1), 8_129),
    (SRCNN(3), 24_513),
    (SRCNN(5), 57_281),
    (SRCNN(5, channels="rgb"), 69_251),
    (FSRCNN(2), 12_637 + 172),
    (FSRCNN(2, d=32, s=5, m=1), 4_012 + 74),
    (ESPCN(2), 21_284),
    (ESPCN(3), 22_729),
    (ESPCN(4), 24_752),
    (VDSR(), 665_921),
    (VDSR(bias=False), 664_704),
]


@pytest.mark.parametrize(("network", "published"), WEIGHTS, ids=lambda value: type(value).__name__)
def test_the_weights_of_the_convolutions_are_as_many_as_published(network: Model, published: int) -> None:
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    assert sum(layer.weight.numel() for layer in layers) == published


@pytest.mark.parametrize(("network", "counted"), ALL, ids=lambda value: type(value).__name__)
def test_all_that_is_learned_is_as_much_as_counted(network: Model, counted: int) -> None:
    assert sum(parameter.numel() for parameter in network.parameters()) == counted


def test_every_network_of_the_package_has_a_row_here() -> None:
    listed = {type(network).__name__ for network, _ in WEIGHTS + ALL}
    registered = {component.target.partition(":")[2] for component in check_plugin(sr_plugins_cnn.plugin)}
    assert registered == listed
