"""MSRResNet: BasicSR's wiring and first weights, and the older names of the same layers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core import resize
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.msrresnet import MSRResNet
from tests.unit import network_promises as promises


def small(scale: int = 4, channels: str | int = "rgb", seed: int = 0) -> MSRResNet:
    torch.manual_seed(seed)
    network = MSRResNet(scale, blocks=2, width=8, channels=channels)  # type: ignore[arg-type]
    for parameter in network.parameters():
        parameter.data.uniform_(-0.3, 0.3)
    return network


@pytest.mark.parametrize(("scale", "factors"), [(2, (2,)), (3, (3,)), (4, (2, 2))])
def test_its_layers_and_their_names_are_those_of_basicsr(scale: int, factors: tuple[int, ...]) -> None:
    network = small(scale)
    tensors = network.state_dict()

    def convolved(name: str, features: Tensor) -> Tensor:
        return F.conv2d(features, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=1)

    def leaky(features: Tensor) -> Tensor:
        return torch.maximum(features, 0.1 * features)

    lr = torch.rand(2, 3, 6, 5)
    features = leaky(convolved("conv_first", lr))
    for block in ("body.0", "body.1"):
        features = features + convolved(f"{block}.conv2", convolved(f"{block}.conv1", features).relu())
    for stage, factor in enumerate(factors, start=1):
        features = leaky(F.pixel_shuffle(convolved(f"upconv{stage}", features), factor))
    expected = convolved("conv_last", leaky(convolved("conv_hr", features))) + resize(lr, scale, method="bilinear")
    torch.testing.assert_close(network(lr, scale), expected, atol=1e-5, rtol=1e-5)


def test_it_starts_near_the_bilinear_picture() -> None:
    torch.manual_seed(0)
    network, lr = MSRResNet(4, blocks=2), torch.rand(1, 3, 6, 6)
    assert (network(lr, 4) - resize(lr, 4, method="bilinear")).abs().max() < 0.01
    assert network.conv_hr.weight.std().item() == pytest.approx(0.1 * (2 / (64 * 9)) ** 0.5, rel=0.02)
    assert not any(parameter.any() for name, parameter in network.named_parameters() if "bias" in name)


@pytest.mark.parametrize(
    "theirs",
    [
        {"body.": "trunk_net.", "upconv1": "upsample1.upsample_conv", "upconv2": "upsample2.upsample_conv"},
        {"body.": "recon_trunk.", "conv_hr": "HRconv"},
    ],
    ids=["MMagic", "mmsr and KAIR"],
)
@pytest.mark.parametrize("scale", [3, 4])
def test_files_with_other_names_give_what_they_give_there(theirs: dict[str, str], scale: int) -> None:
    written, loaded = small(scale), small(scale, seed=1)
    file = written.state_dict()
    for ours, name in theirs.items():
        file = {key.replace(ours, name): tensor for key, tensor in file.items()}
    assert file.keys() != written.state_dict().keys()
    loaded.load_state_dict(dict(loaded.adopt(file)))
    lr = torch.rand(1, 3, 5, 6)
    assert torch.equal(loaded(lr, scale), written(lr, scale))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("blocks", [1, 4])
def test_the_margin_is_exact(blocks: int, scale: int) -> None:
    promises.check_margin(MSRResNet(scale, blocks, width=2, channels="y"), scale)  # type: ignore[arg-type]


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(MSRResNet(2, blocks=2, width=16, channels="y"))


def test_any_size_and_any_number_of_planes() -> None:
    promises.check_one_pixel_and_odd_sizes(small(3), (3,))
    promises.check_copies(small(4), 4)
    for channels in ("y", "rgb", 1, 31, 200):
        check_model(small(2, channels))


@pytest.mark.parametrize("wrong", [{"scale": 8}, {"blocks": 0}, {"width": 0}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(MSRResNet, {"scale": 4, **wrong})
