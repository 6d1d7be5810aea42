"""VDSR: bicubic and what is added to it, one network for several scales, and what every network promises."""

from __future__ import annotations

import pytest
import torch

from sr_core import resize
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.vdsr import VDSR
from tests.unit import network_promises as promises


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("bias", [True, False])
def test_without_a_residual_it_is_bicubic_at_every_scale(scale: int, bias: bool) -> None:
    network = VDSR(depth=4, width=8, bias=bias)
    torch.nn.init.zeros_(network.last.weight)
    lr = torch.rand(2, 1, 6, 7)
    assert torch.equal(network(lr, scale), resize(lr, scale))


def test_its_depth_counts_all_convolutions_and_it_sees_41_pixels_as_the_paper_says() -> None:
    network = VDSR(width=4)
    layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert len(layers) == 20
    assert 1 + sum(layer.kernel_size[0] - 1 for layer in layers) == 41


def test_without_bias_there_is_none() -> None:
    assert not [name for name, _ in VDSR(depth=3, width=4, bias=False).named_parameters() if "bias" in name]


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(VDSR(depth=5, width=16))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("depth", [2, 5, 20])
def test_the_margin_is_exact(depth: int, scale: int) -> None:
    promises.check_margin(VDSR(depth, width=1, scales=(scale,)), scale)


def test_any_size_and_any_scale_that_it_says_it_takes() -> None:
    network = VDSR(depth=3, width=4, scales=(2, 2.5, 3, (2, 3)))
    promises.check_one_pixel_and_odd_sizes(network, (2, 2.5, 3, (2, 3)))
    check_model(network)


def test_colour_and_copies() -> None:
    colour = VDSR(depth=3, width=8, channels="rgb")
    check_model(colour)
    promises.check_copies(colour, 3)


@pytest.mark.parametrize("wrong", [{"depth": 1}, {"width": 0}, {"bias": "yes"}, {"scales": [0.9]}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(VDSR, wrong)


@pytest.mark.parametrize(
    ("first", "inner", "last"),
    [
        ("input.weight", "residual_layer.{}.conv.weight", "output.weight"),
        ("conv1.0.weight", "trunk.{}.conv.weight", "conv2.weight"),
        ("first.weight", "body.{}.weight", "last.weight"),
    ],
)
def test_the_weights_of_common_ports_are_adopted(first: str, inner: str, last: str) -> None:
    network = VDSR(depth=13, width=4, bias=False)
    own = network.state_dict()
    theirs = {inner.format(index): own[f"body.{index}.weight"] for index in reversed(range(11))}
    adopted = network.adopt(
        {last: own["last.weight"], **theirs, first: own["first.weight"], "strange": own["last.weight"]}
    )
    assert adopted.keys() == {*own, "strange"}
    assert all(adopted[name] is own[name] for name in own)


def test_the_weights_of_its_authors_are_adopted() -> None:
    network = VDSR(depth=13, width=4)
    own = network.state_dict()
    layers = ["first", *(f"body.{index}" for index in range(11)), "last"]
    kinds = ("weight", "bias")
    theirs = {f"{kind}.{index}": own[f"{layer}.{kind}"] for index, layer in enumerate(layers) for kind in kinds}
    assert {name: id(tensor) for name, tensor in network.adopt(theirs).items()} == {k: id(v) for k, v in own.items()}


def test_its_first_weights_are_those_of_he() -> None:
    torch.manual_seed(0)
    network = VDSR(depth=3)
    assert network.body[0].weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    assert not any(parameter.any() for name, parameter in network.named_parameters() if "bias" in name)


def test_dilated_layers_read_pixels_that_far_apart_in_turn() -> None:
    torch.manual_seed(0)
    network = VDSR(depth=6, width=5, dilation=(1, 2, 3))
    enlarged = torch.rand(1, 1, 20, 18)
    features = network.first(enlarged).relu()
    for layer, gap in zip(network.body, (1, 2, 3, 1), strict=True):
        padded = torch.nn.functional.pad(features, (gap,) * 4)
        taps = [
            torch.einsum(
                "oi,nihw->nohw", layer.weight[..., row, column], padded[..., gap * row :, gap * column :][..., :20, :18]
            )
            for row in range(3)
            for column in range(3)
        ]
        features = (torch.stack(taps).sum(0) + layer.bias.view(-1, 1, 1)).relu()
    torch.testing.assert_close(network(enlarged, 1), network.last(features) + enlarged)


@pytest.mark.parametrize("scale", [2, 3, 2.5])
@pytest.mark.parametrize("dilation", [(2,), (1, 2, 3), (1, 2, 3, 4, 3, 2, 1)])
def test_the_margin_of_dilated_layers_is_exact(dilation: tuple[int, ...], scale: float) -> None:
    network = VDSR(8, width=2, scales=(scale,), dilation=dilation)
    promises.check_margin(network, scale)


def test_dilation_adds_no_weights() -> None:
    shapes = [
        {name: tensor.shape for name, tensor in VDSR(9, 8, dilation=dilation).state_dict().items()}
        for dilation in ((1,), (1, 2, 3, 4, 3, 2, 1))
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("wrong", [{"dilation": []}, {"dilation": [0]}, {"dilation": 2}])
def test_dilations_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(VDSR, wrong)
