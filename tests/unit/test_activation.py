"""xUnit where a ReLU stands: what it computes, and that networks with ReLU are as they were."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from sr_core import Model
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_plugins_cnn.activation import XUnit
from sr_plugins_cnn.edsr import EDSR
from sr_plugins_cnn.mdsr import MDSR
from sr_plugins_cnn.rdn import RDN
from sr_plugins_cnn.srcnn import SRCNN
from sr_plugins_cnn.vdsr import VDSR
from tests.unit import network_promises as promises

Build = Callable[..., Model]
NETWORKS: dict[str, tuple[Build, int]] = {
    "vdsr": (lambda **more: VDSR(3, 4, scales=(2,), **more), 2),
    "srcnn": (lambda **more: SRCNN(3, (4, 3), scales=(2,), **more), 2),
    "edsr": (lambda **more: EDSR(2, 2, 4, channels="y", **more), 2),
    "mdsr": (lambda **more: MDSR((2,), 1, 4, channels="y", **more), 3),
    "rdn": (lambda **more: RDN(2, 1, 2, 3, 4, "y", **more), 2),
}
"""Each with the number of its rectifiers."""

every_network = pytest.mark.parametrize(("build", "count"), NETWORKS.values(), ids=NETWORKS)


def randomised(unit: XUnit) -> XUnit:
    with torch.no_grad():
        for name, tensor in unit.state_dict().items():
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 2) if "var" in name else tensor.normal_()
    return unit


def test_it_weighs_each_pixel_by_a_bell_of_its_rectified_neighbourhood() -> None:
    torch.manual_seed(0)
    unit = randomised(XUnit(3)).eval().double()
    maps = torch.randn(2, 3, 12, 11, dtype=torch.float64)
    own = unit.state_dict()

    def normalised(layer: int, maps: torch.Tensor) -> torch.Tensor:
        weight, bias, mean, variance = (
            own[f"features.{layer}.{name}"].view(-1, 1, 1) for name in ("weight", "bias", "running_mean", "running_var")
        )
        return (maps - mean) / (variance + 1e-5).sqrt() * weight + bias

    rectified = F.pad(normalised(0, maps).clamp(min=0), (4, 4, 4, 4))
    seen = torch.zeros_like(maps)
    for row in range(9):
        for column in range(9):
            weight = own["features.2.weight"][:, 0, row, column].view(-1, 1, 1)
            seen += weight * rectified[..., row : row + 12, column : column + 11]
    torch.testing.assert_close(unit(maps), maps * torch.exp(-(normalised(3, seen) ** 2)))


@every_network
def test_it_stands_wherever_a_relu_stood(build: Build, count: int) -> None:
    units = [layer for layer in build(activation="xunit").modules() if isinstance(layer, XUnit)]
    rectifiers = [layer for layer in build().modules() if isinstance(layer, torch.nn.ReLU)]
    assert len(units) == len(rectifiers) == count


@every_network
def test_its_tensors_are_the_only_ones_more(build: Build, count: int) -> None:
    plain, with_units = build().state_dict(), build(activation="xunit").state_dict()
    assert plain.keys() < with_units.keys()
    assert all(".features." in name for name in with_units.keys() - plain.keys())
    assert len(with_units) - len(plain) == count * 11


@every_network
def test_the_margin_grows_by_4_pixels_for_each_one_after_the_other_and_is_exact(build: Build, count: int) -> None:
    network = build(activation="xunit").eval()
    promises.check_margin(network, 2)
    assert network.margin is not None
    assert network.margin > (build().margin or 0) + count


def test_without_padding_srcnn_learns_from_pixels_that_no_zeros_reach() -> None:
    torch.manual_seed(0)
    network = SRCNN(1, (4, 3), activation="xunit").eval()
    lr, hr = torch.rand(1, 1, 20, 20), torch.rand(1, 1, 40, 40)
    (prediction,) = network.predictions(lr, hr, 2, 0.0)
    border = 4 + 4 + 0 + 4 + 2
    assert torch.equal(prediction.target, hr[..., border:-border, border:-border])
    torch.testing.assert_close(prediction.image, network(lr, 2)[..., border:-border, border:-border])


def test_another_activation_is_refused() -> None:
    with pytest.raises(ParameterError):
        check_parameters(VDSR, {"activation": "tanh"})
