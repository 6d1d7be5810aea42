"""FSRCNN: layout, where its pixels lie, and what every network promises."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.fsrcnn import FSRCNN
from tests.unit import network_promises as promises


def test_the_layout_is_the_papers() -> None:
    """FSRCNN(d, s, m): Conv(5,d,1), Conv(1,s,d), m×Conv(3,s,s), Conv(1,d,s), DeConv(9,1,d), PReLU after each."""
    network = FSRCNN(3, d=7, s=4, m=2)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    found = [(layer.kernel_size[0], layer.out_channels, layer.in_channels) for layer in layers]
    assert found == [(5, 7, 1), (1, 4, 7), (3, 4, 4), (3, 4, 4), (1, 7, 4), (9, 1, 7)]
    slopes = [layer.num_parameters for layer in network.modules() if isinstance(layer, nn.PReLU)]
    assert slopes == [7, 4, 4, 4, 7]
    assert layers[-1].stride == (3, 3)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_lr_pixel_i_is_the_centre_of_the_kernel_at_sr_pixel_scale_times_i(scale: int) -> None:
    """The phase of public weights: their kernels are shifted by it, and another phase would shift the picture."""
    network = FSRCNN(scale, d=1, s=1, m=0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for convolution in (network.features[0], network.shrinking[0], network.expanding[0]):
            convolution.weight[..., convolution.weight.shape[-1] // 2, convolution.weight.shape[-1] // 2] = 1
        network.last.weight[..., 4, 4] = 1
    lr = torch.rand(1, 1, 5, 6)
    sr = network(lr, scale)
    assert torch.equal(sr[..., ::scale, ::scale], lr)
    assert sr.sum().item() == pytest.approx(lr.sum().item())


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(FSRCNN(2, 16, 8, 1))


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_the_margin_is_exact(scale: int) -> None:
    promises.check_margin(FSRCNN(scale, d=2, s=2, m=1), scale)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_any_size(scale: int) -> None:
    promises.check_one_pixel_and_odd_sizes(FSRCNN(scale, 32, 5, 1), (scale,))


def test_colour_and_copies() -> None:
    colour = FSRCNN(3, channels="rgb")
    check_model(colour)
    promises.check_copies(colour, 3)


@pytest.mark.parametrize(
    "wrong", [{}, {"scale": 2.5}, {"scale": 1}, {"scale": 9}, {"scale": 2, "d": 0}, {"scale": 2, "m": -1}]
)
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(FSRCNN, wrong)


def test_a_run_of_several_scales_is_told_that_it_takes_one() -> None:
    with pytest.raises(ParameterError, match="takes one scale, and this run has 2 and 3"):
        check_parameters(FSRCNN, {}, {"scales": [2, 3]})
