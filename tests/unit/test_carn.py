"""CARN and CARN-M: whose files they read, what is shared, and which upsampler a scale has."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_plugins_cnn.carn import CARN, CARNM
from tests.unit import network_promises as promises


def released(network: CARN | CARNM) -> dict[str, torch.Tensor]:
    """Its tensors as the authors' CARN-pytorch saves them; a network of one scale calls its upsampler `up`."""
    names = {name: name.replace("_mean.", "_mean.shifter.") for name in network.state_dict()}
    if len(network.upsample) == 1:
        (only,) = network.upsample
        names = {name: theirs.replace(f".{only}.", ".up.") for name, theirs in names.items()}
    return {names[name]: tensor for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("kind", [CARN, CARNM])
@pytest.mark.parametrize("scales", [(2, 3, 4), (3,)])
def test_files_of_the_authors_are_read(kind: type[CARN | CARNM], scales: tuple[int, ...]) -> None:
    theirs = kind(scales, width=8)
    ours = kind(scales, width=8)
    assert ours.load_state_dict(dict(ours.adopt(released(theirs))))
    lr = torch.rand(1, 3, 5, 6)
    for scale in scales:
        assert torch.equal(ours(lr, scale), theirs(lr, scale))


def test_of_a_file_for_three_scales_a_network_takes_what_its_own_needs() -> None:
    theirs, ours = CARN((2, 3, 4), width=8), CARN((4,), width=8)
    ours.load_state_dict(dict(ours.adopt(released(theirs))))
    lr = torch.rand(1, 3, 5, 6)
    assert torch.equal(ours(lr, 4), theirs(lr, 4))


def test_names_are_the_authors() -> None:
    names = set(CARN().state_dict())
    assert {"entry.weight", "b1.b2.body.2.weight", "b3.c1.body.0.weight", "c3.body.0.bias", "exit.bias"} <= names
    assert {"upsample.up2.body.0.weight", "upsample.up3.body.0.weight", "upsample.up4.body.3.weight"} <= names
    mobile = set(CARNM().state_dict())
    assert {"b1.b1.body.4.weight", "b2.c3.body.0.weight"} <= mobile
    assert not [name for name in mobile if ".b2." in name], "a block of CARN-M has one residual block"


def test_a_step_at_one_scale_teaches_the_upsampler_of_that_scale_alone() -> None:
    network = CARN((2, 3), width=8)
    network(torch.rand(1, 3, 6, 6), 3).sum().backward()
    learned = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
    assert {name for name in learned if name.startswith("upsample")} == {
        "upsample.up3.body.0.weight",
        "upsample.up3.body.0.bias",
    }


def test_the_mobile_one_splits_its_large_kernels_into_groups() -> None:
    groups = {layer.kernel_size[0]: set() for layer in CARNM().modules() if isinstance(layer, nn.Conv2d)}
    for name, layer in CARNM().named_modules():
        if isinstance(layer, nn.Conv2d) and not name.startswith(("entry", "exit")):
            groups[layer.kernel_size[0]].add(layer.groups)
    assert groups == {1: {1}, 3: {4}}


def test_the_mean_is_that_of_pictures_from_0_to_1() -> None:
    tensors = CARN(width=4).state_dict()
    torch.testing.assert_close(tensors["add_mean.bias"], torch.tensor([0.4488, 0.4371, 0.4040]))
    assert torch.equal(tensors["sub_mean.bias"], -tensors["add_mean.bias"])


def test_first_weights_are_pytorch_s() -> None:
    torch.manual_seed(0)
    promises.check_first_weights_of_pytorch(CARN((2,), width=32))


def test_he_s_first_weights_are_as_large_as_relu_needs_them() -> None:
    torch.manual_seed(0)
    for name, layer in CARN((2,), initialisation="he").named_modules():
        if isinstance(layer, nn.Conv2d) and name != "exit" and layer.weight.numel() > 2000:
            fan_in = layer.weight[0].numel()
            assert layer.weight.detach().std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05), name
            assert layer.bias is not None
            assert not layer.bias.any()


def test_axes_that_differ_are_refused() -> None:
    promises.check_axes_that_differ_are_refused(CARN((2, 3), width=4), (2, 3))


@pytest.mark.parametrize("wrong", [{"scales": []}, {"scales": [5]}, {"width": 0}, {"groups": 0}, {"groups": 3}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ParameterError, ValueError), match=r"scales|×5|width|groups"):
        CARNM(**check_parameters(CARNM, wrong))
