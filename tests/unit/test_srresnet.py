"""SRResNet: the paper's wiring, its ranges of values, and the files of three ports."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.srresnet import SRResNet
from tests.unit import network_promises as promises

# The layers of a ×4 network with two blocks, from LR to SR, as we and as three ports call them.
OURS = """conv_first prelu_first
    body.0.conv1 body.0.bn1 body.0.prelu body.0.conv2 body.0.bn2
    body.1.conv1 body.1.bn1 body.1.prelu body.1.conv2 body.1.bn2
    conv_after_body bn_after_body upsample.0.conv upsample.0.prelu upsample.1.conv upsample.1.prelu conv_last"""
LEFTTHOMAS = """block1.0 block1.1
    block2.conv1 block2.bn1 block2.prelu block2.conv2 block2.bn2
    block3.conv1 block3.bn1 block3.prelu block3.conv2 block3.bn2
    block4.0 block4.1 block5.0.conv block5.0.prelu block5.1.conv block5.1.prelu block5.2"""
SGRVINOD = """conv_block1.conv_block.0 conv_block1.conv_block.1
    residual_blocks.0.conv_block1.conv_block.0 residual_blocks.0.conv_block1.conv_block.1
    residual_blocks.0.conv_block1.conv_block.2
    residual_blocks.0.conv_block2.conv_block.0 residual_blocks.0.conv_block2.conv_block.1
    residual_blocks.1.conv_block1.conv_block.0 residual_blocks.1.conv_block1.conv_block.1
    residual_blocks.1.conv_block1.conv_block.2
    residual_blocks.1.conv_block2.conv_block.0 residual_blocks.1.conv_block2.conv_block.1
    conv_block2.conv_block.0 conv_block2.conv_block.1
    subpixel_convolutional_blocks.0.conv subpixel_convolutional_blocks.0.prelu
    subpixel_convolutional_blocks.1.conv subpixel_convolutional_blocks.1.prelu conv_block3.conv_block.0"""
LORNATANG = """conv1.0 conv1.1
    trunk.0.rcb.0 trunk.0.rcb.1 trunk.0.rcb.2 trunk.0.rcb.3 trunk.0.rcb.4
    trunk.1.rcb.0 trunk.1.rcb.1 trunk.1.rcb.2 trunk.1.rcb.3 trunk.1.rcb.4
    conv2.0 conv2.1 upsampling.0.upsample_block.0 upsampling.0.upsample_block.2
    upsampling.1.upsample_block.0 upsampling.1.upsample_block.2 conv3"""
LORNATANG_EARLIER = LORNATANG.replace("conv1.", "conv_block1.").replace("conv2.", "conv_block2.") + " "
LORNATANG_EARLIER = LORNATANG_EARLIER.replace("conv3 ", "conv_block3")


def small(
    scale: int = 4, channels: str | int = "rgb", seed: int = 0, *, tanh: bool = False, standardised: bool = False
) -> SRResNet:
    """Two blocks whose normalisations have seen something, ready to be used."""
    torch.manual_seed(seed)
    network = SRResNet(scale, 2, 8, tanh, standardised, channels)  # type: ignore[arg-type]
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                assert tensor is not None
                tensor.data.uniform_(0.5, 1.5)
    return network.eval()


def laid_out(network: SRResNet, layout: str) -> dict[str, Tensor]:
    """The network's tensors as a port's file has them."""
    theirs = dict(zip(OURS.split(), layout.split(), strict=True))
    split = {name: name.rpartition(".") for name in network.state_dict()}
    return {f"{theirs[split[name][0]]}.{split[name][2]}": tensor for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("training", [False, True])
def test_its_layers_are_those_of_the_paper(training: bool) -> None:
    network = small(3).train(training)
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    def convolved(name: str, features: Tensor) -> Tensor:
        weight = tensors[f"{name}.weight"]
        return F.conv2d(features, weight, tensors[f"{name}.bias"], padding=weight.shape[-1] // 2)

    def normalised(name: str, features: Tensor) -> Tensor:
        mean, variance, weight, bias = (
            tensors[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(features, mean, variance, weight, bias, training)

    def rectified(name: str, features: Tensor) -> Tensor:
        return torch.where(features > 0, features, tensors[f"{name}.weight"] * features)

    lr = torch.rand(2, 3, 6, 5)
    first = rectified("prelu_first", convolved("conv_first", lr))
    features = first
    for block in ("body.0", "body.1"):
        inner = rectified(f"{block}.prelu", normalised(f"{block}.bn1", convolved(f"{block}.conv1", features)))
        features = features + normalised(f"{block}.bn2", convolved(f"{block}.conv2", inner))
    features = first + normalised("bn_after_body", convolved("conv_after_body", features))
    features = rectified("upsample.0.prelu", F.pixel_shuffle(convolved("upsample.0.conv", features), 3))
    expected = convolved("conv_last", features) / 2 + 0.5
    torch.testing.assert_close(network(lr, 3), expected, atol=1e-5, rtol=1e-5)


def test_an_output_of_zero_is_mid_grey_and_tanh_keeps_sr_in_range() -> None:
    network, bounded = small(), small(tanh=True)
    for last in (network.conv_last, bounded.conv_last):
        last.weight.data.mul_(1000)
    lr = torch.rand(1, 3, 5, 5)
    assert network(lr, 4).max() > 2
    assert 0 <= bounded(lr, 4).min() < bounded(lr, 4).max() <= 1
    nn.init.zeros_(network.conv_last.weight)
    nn.init.zeros_(network.conv_last.get_parameter("bias"))
    assert torch.equal(network(lr, 4), torch.full((1, 3, 20, 20), 0.5))


def test_standardised_is_imagenets_mean_and_deviation_in_front() -> None:
    lr = torch.rand(1, 3, 5, 6)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    standard = (lr - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)
    torch.testing.assert_close(small(standardised=True)(lr, 4), small()(standard, 4))
    assert small(standardised=True).state_dict().keys() == small().state_dict().keys()


@pytest.mark.parametrize("layout", [LEFTTHOMAS, SGRVINOD], ids=["leftthomas", "sgrvinod"])
@pytest.mark.parametrize("prefix", ["", "net."])
def test_files_of_ports_with_equal_layers_give_what_they_give_there(layout: str, prefix: str) -> None:
    theirs, loaded = small(tanh=True), small(tanh=True, seed=1)
    file = {prefix + name: tensor for name, tensor in laid_out(theirs, layout).items()}
    loaded.load_state_dict(dict(loaded.adopt(file)))
    lr = torch.rand(1, 3, 5, 6)
    assert torch.equal(loaded(lr, 4), theirs(lr, 4))


@pytest.mark.parametrize("layout", [LORNATANG, LORNATANG_EARLIER], ids=["conv1", "conv_block1"])
def test_files_without_biases_and_with_sr_from_0_to_1_give_what_they_give_there(layout: str) -> None:
    theirs, loaded = small(), small(seed=1)
    names = dict(zip(theirs.state_dict(), laid_out(theirs, layout), strict=True))
    file = laid_out(theirs, layout)
    for name in ("body.0.conv1", "body.0.conv2", "body.1.conv1", "body.1.conv2", "conv_after_body"):
        nn.init.zeros_(theirs.get_parameter(f"{name}.bias"))
        del file[names[f"{name}.bias"]]
    loaded.load_state_dict(dict(loaded.adopt(file)))
    lr = torch.rand(1, 3, 5, 6)
    last_layer_there = 2 * theirs(lr, 4) - 1  # which is SR there, without a change of range
    torch.testing.assert_close(loaded(lr, 4), last_layer_there, atol=1e-5, rtol=1e-5)


def test_first_weights_are_pytorch_s() -> None:
    torch.manual_seed(0)
    network = SRResNet(4, blocks=1)
    promises.check_first_weights_of_pytorch(network)
    slopes = [module.weight.tolist() for module in network.modules() if isinstance(module, nn.PReLU)]
    assert slopes == [[0.25]] * 4


def test_its_own_names_stay_as_they_are() -> None:
    tensors = small().state_dict()
    adopted = small().adopt(tensors)
    assert adopted.keys() == tensors.keys()
    assert all(adopted[name] is tensors[name] for name in tensors)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_the_margin_is_exact(scale: int) -> None:
    promises.check_margin(SRResNet(scale, blocks=3, width=2, channels="y").eval(), scale)


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(SRResNet(2, blocks=2, width=16, channels="y"))


def test_any_size_and_any_number_of_planes() -> None:
    promises.check_one_pixel_and_odd_sizes(small(3), (3,))
    promises.check_copies(small(4), 4)
    for channels in ("y", "rgb", 1, 31, 200):
        check_model(small(2, channels))


@pytest.mark.parametrize("wrong", [{"blocks": 0}, {"width": 0}, {"tanh": "yes"}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(SRResNet, {"scale": 4, **wrong})


def test_only_rgb_has_imagenets_mean() -> None:
    with pytest.raises(ValueError, match="'rgb'"):
        SRResNet(4, standardised=True, channels="y")
