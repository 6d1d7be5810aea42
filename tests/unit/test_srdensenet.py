"""SRDenseNet: which features each block reads, and which are enlarged."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import sr_size
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_plugins_cnn.srdensenet import SRDenseNet
from tests.unit import network_promises as promises

Skip = Literal["H", "HL", "All"]
BLOCKS, CONVOLUTIONS = 3, 2
every_variant = pytest.mark.parametrize("skip", ["H", "HL", "All"])


def small(scale: Literal[2, 3, 4, 8], skip: Skip = "All", *, overlapping: bool = True) -> SRDenseNet:
    torch.manual_seed(0)
    return SRDenseNet(scale, skip, BLOCKS, CONVOLUTIONS, growth=3, enlarged_width=5, overlapping=overlapping)


@every_variant
def test_it_is_wired_as_in_the_paper(skip: Skip) -> None:
    network, lr = small(4, skip), torch.rand(2, 1, 5, 7)
    tensors = network.state_dict()

    def rectified(features: Tensor, name: str) -> Tensor:
        weight = tensors[f"{name}.weight"]
        return F.conv2d(features, weight, tensors[f"{name}.bias"], padding=weight.shape[-1] // 2).relu()

    levels = [rectified(lr, "conv.conv")]
    for block in range(BLOCKS):
        name = f"dense_blocks.{block}.block"
        made = [rectified(torch.cat(levels, 1) if skip == "All" else levels[-1], f"{name}.0.conv")]
        for layer in range(1, CONVOLUTIONS):
            made.append(rectified(torch.cat(made, 1), f"{name}.{layer}.conv"))
        levels.append(torch.cat(made, 1))
    if skip == "All":
        features = rectified(torch.cat(levels, 1), "bottleneck.0")
    else:
        features = levels[-1] if skip == "H" else torch.cat((levels[0], levels[-1]), 1)
    for layer in (0, 2):
        weight, bias = tensors[f"deconv.{layer}.weight"], tensors[f"deconv.{layer}.bias"]
        features = F.conv_transpose2d(features, weight, bias, stride=2, padding=1, output_padding=1).relu()
    sr = F.conv2d(features, tensors["reconstruction.weight"], tensors["reconstruction.bias"], padding=1)
    torch.testing.assert_close(network(lr, 4), sr)


def test_it_has_the_paper_s_69_layers_and_68_activations() -> None:
    with torch.device("meta"):
        network = SRDenseNet(4)
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(layers) == 69
    assert sum(isinstance(module, nn.ReLU) for module in network.modules()) == 68
    assert network.bottleneck[0].weight.shape == (256, 128 * 9, 1, 1)
    assert [layer.kernel_size for layer in layers if isinstance(layer, nn.ConvTranspose2d)] == [(3, 3), (3, 3)]


def test_only_all_has_a_bottleneck() -> None:
    assert [hasattr(small(4, skip), "bottleneck") for skip in ("H", "HL", "All")] == [False, False, True]


def test_its_names_are_those_of_yjn870_s_port() -> None:
    names = {name.removesuffix(".weight") for name in small(4).state_dict() if name.endswith(".weight")}
    blocks = {f"dense_blocks.{block}.block.{layer}.conv" for block in range(BLOCKS) for layer in range(CONVOLUTIONS)}
    assert names == {"conv.conv", *blocks, "bottleneck.0", "deconv.0", "deconv.2", "reconstruction"}


@every_variant
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("overlapping", [True, False])
def test_it_enlarges_exactly_and_sees_as_far_as_it_says(
    scale: Literal[2, 3, 4, 8], skip: Skip, overlapping: bool
) -> None:
    network = small(scale, skip, overlapping=overlapping)
    assert network(torch.rand(1, 1, 5, 6), scale).shape[-2:] == sr_size((5, 6), scale)
    promises.check_margin(network, scale)


def test_transposed_convolutions_that_do_not_overlap_fill_each_pixel_s_place_alone() -> None:
    for scale in (2, 3, 4):
        network = small(scale, overlapping=False)
        features = torch.zeros(1, 5, 3, 3)
        dark = network.deconv(features)
        features[..., 1, 1] = 1
        changed = (network.deconv(features) != dark).any(dim=1)[0].nonzero()
        assert changed.min() >= scale
        assert changed.max() < 2 * scale


def test_its_first_weights_are_those_of_he() -> None:
    torch.manual_seed(0)
    network = SRDenseNet(4, blocks=1)
    for layer in (network.bottleneck[0], network.deconv[0], network.deconv[2], network.reconstruction):
        fan_in = layer.weight[0].numel()  # square for the transposed ones
        assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.03)
    assert not any(parameter.any() for name, parameter in network.named_parameters() if "bias" in name)


@pytest.mark.parametrize("wrong", [{"skip": "L"}, {"blocks": 0}, {"convolutions": 0}, {"growth": 0}, {"scale": 5}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(SRDenseNet, {"scale": 4, **wrong})
