"""ESPCN: the sub-pixel convolution, and what every network promises."""

from __future__ import annotations

from typing import Literal

import pytest
import torch

from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.espcn import ESPCN
from tests.unit import network_promises as promises


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("channels", ["y", "rgb"])
def test_plane_c_r_r_plus_row_r_plus_column_becomes_that_sub_pixel(scale: int, channels: Literal["y", "rgb"]) -> None:
    """The order of PyTorch's and the paper's shuffle: colour first, then the row, then the column in an LR pixel."""
    network = ESPCN(scale, channels=channels)
    planes = 3 if channels == "rgb" else 1
    levels = torch.arange(planes * scale * scale, dtype=torch.float32)
    with torch.no_grad():
        network.last.weight.zero_()
        network.last.bias.copy_(levels)  # type: ignore[union-attr]
    sr = network(torch.rand(1, planes, 4, 3), scale)
    for row in range(4 * scale):
        for column in range(3 * scale):
            expected = levels.view(planes, scale, scale)[:, row % scale, column % scale]
            assert torch.equal(sr[0, :, row, column], expected)


def test_the_features_are_bounded_by_tanh_unless_relu_is_asked_for() -> None:
    lr = torch.rand(1, 1, 6, 6) * 100
    with torch.no_grad():
        tanh, relu = ESPCN(2), ESPCN(2, activation="relu")
        bound = tanh.last.weight.abs().sum(dim=(1, 2, 3)).max()
        assert tanh(lr, 2).abs().max() <= bound + 1e-4
        assert relu(lr, 2).abs().max() > bound


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(ESPCN(2, features=(16, 8)))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_margin_is_exact(scale: int) -> None:
    promises.check_margin(ESPCN(scale, features=(2, 2)), scale)


@pytest.mark.parametrize("scale", [2, 3, 5, 8])
def test_any_size(scale: int) -> None:
    promises.check_one_pixel_and_odd_sizes(ESPCN(scale, features=(8, 8)), (scale,))


def test_colour_and_copies() -> None:
    colour = ESPCN(3, channels="rgb", activation="relu")
    check_model(colour)
    promises.check_copies(colour, 3)


@pytest.mark.parametrize(
    "wrong", [{}, {"scale": 2.5}, {"scale": 1}, {"scale": 2, "activation": "gelu"}, {"scale": 2, "features": [0, 1]}]
)
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(ESPCN, wrong)
