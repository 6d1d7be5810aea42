"""MSRN: the authors' RGB network, the paper's own on Y, and the files of both releases."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.msrn import MSRN
from tests.unit import network_promises as promises

WIDTH = 4
DIV2K_MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).view(3, 1, 1)


def small(scale: int = 2, *, one_step: bool = False, channels: str | int | None = None) -> MSRN:
    torch.manual_seed(0)
    channels = channels or ("y" if one_step else "rgb")
    return MSRN(scale, blocks=2, width=WIDTH, one_step=one_step, channels=channels)  # type: ignore[arg-type]


def convolved(tensors: dict[str, Tensor], name: str, features: Tensor) -> Tensor:
    weight = tensors[f"{name}.weight"]
    return F.conv2d(features, weight, tensors.get(f"{name}.bias"), padding=weight.shape[-1] // 2)


def multi_scale_block(tensors: dict[str, Tensor], name: str, features: Tensor) -> Tensor:
    def pair(which: int, read: Tensor) -> Tensor:
        both = [convolved(tensors, f"{name}.conv_{kernel}_{which}", read) for kernel in (3, 5)]
        return torch.cat(both, 1).relu()

    return convolved(tensors, f"{name}.confusion", pair(2, pair(1, features))) + features


@pytest.mark.parametrize(
    ("scale", "shuffles"), [(1, {}), (2, {0: 2}), (3, {0: 3}), (4, {0: 2, 2: 2}), (8, {0: 2, 2: 2, 4: 2})]
)
def test_its_layers_and_their_names_are_those_of_the_released_rgb_network(scale: int, shuffles: dict[int, int]) -> None:
    network = small(scale)
    tensors = dict(network.state_dict())
    lr = torch.rand(2, 3, 6, 5)
    first = convolved(tensors, "head.0", 255 * (lr - DIV2K_MEAN))
    one = multi_scale_block(tensors, "body.0", first)
    two = multi_scale_block(tensors, "body.1", one)
    features = convolved(tensors, "tail.1", convolved(tensors, "tail.0", torch.cat([one, two, first], 1)))
    for place, factor in shuffles.items():
        features = F.pixel_shuffle(convolved(tensors, f"tail.2.{place}", features), factor)
    expected = convolved(tensors, "tail.3", features) / 255 + DIV2K_MEAN
    torch.testing.assert_close(network(lr, scale), expected, atol=1e-5, rtol=0)
    with torch.no_grad():
        torch.testing.assert_close(network(lr, scale), expected, atol=1e-5, rtol=0)


def first_release(scale: int, name_of_upsampler: str, *, bias: bool) -> dict[str, Tensor]:
    """A file as the authors' first release (`OLD`) lays it out; `bias`: whether all layers have one."""
    torch.manual_seed(1)
    shapes = {"conv_input": (WIDTH, 1, 3), "bottle": (WIDTH, 3 * WIDTH, 1), "conv_output": (1, WIDTH, 3)}
    shapes[name_of_upsampler] = (scale**2 * WIDTH, WIDTH, 3)
    for block in ("residual1.0", "residual2.0"):
        for kernel in (3, 5):
            shapes[f"{block}.conv_{kernel}_1"] = (WIDTH, WIDTH, kernel)
            shapes[f"{block}.conv_{kernel}_2"] = (2 * WIDTH, 2 * WIDTH, kernel)
        shapes[f"{block}.confusion"] = (WIDTH, 4 * WIDTH, 1)
    file = {}
    for name, (outputs, inputs, kernel) in shapes.items():
        file[f"{name}.weight"] = torch.randn(outputs, inputs, kernel, kernel) / (kernel * inputs**0.5)
        if bias or ".conv_" in name:
            file[f"{name}.bias"] = torch.randn(outputs) / 5
    return file


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("scale", "name_of_upsampler"), [(2, "conv"), (3, "conv_2x"), (4, "conv_4x"), (8, "conv_8x")])
def test_a_file_of_the_first_release_gives_its_pictures(scale: int, name_of_upsampler: str, bias: bool) -> None:
    file = first_release(scale, name_of_upsampler, bias=bias)
    lr = torch.rand(1, 1, 5, 7)
    first = convolved(file, "conv_input", lr)
    one = multi_scale_block(file, "residual1.0", first)
    two = multi_scale_block(file, "residual2.0", one)
    features = convolved(file, name_of_upsampler, convolved(file, "bottle", torch.cat([first, one, two], 1)))
    expected = convolved(file, "conv_output", F.pixel_shuffle(features, scale))
    network = small(scale, one_step=True)
    network.load_state_dict(dict(network.adopt(file)))
    torch.testing.assert_close(network(lr, scale), expected, atol=1e-5, rtol=0)


def test_a_file_of_the_first_release_that_lacks_a_bias_they_all_have_is_refused() -> None:
    file = first_release(2, "conv", bias=False)
    del file["residual2.0.conv_5_1.bias"]
    network = small(2, one_step=True)
    with pytest.raises(RuntimeError, match=r"Missing key.*body\.1\.conv_5_1\.bias"):
        network.load_state_dict(dict(network.adopt(file)))


@pytest.mark.parametrize("one_step", [False, True])
def test_its_own_names_stay_as_they_are(one_step: bool) -> None:
    tensors = small(one_step=one_step).state_dict()
    assert dict(small().adopt(tensors)) == tensors


@pytest.mark.parametrize("levels", [255, 1])
def test_the_mean_is_in_the_range_of_the_network_and_never_learns(levels: int) -> None:
    network = small(one_step=levels == 1, channels="rgb")
    torch.testing.assert_close(network.state_dict()["add_mean.bias"], levels * DIV2K_MEAN.flatten())
    assert not [name for name, _ in network.named_parameters() if "mean" in name]


def test_first_weights_are_pytorch_s() -> None:
    torch.manual_seed(0)
    promises.check_first_weights_of_pytorch(MSRN(4, blocks=1))


@pytest.mark.parametrize(("scale", "one_step"), [(1, False), (3, False), (8, False), (1, True), (5, True)])
@pytest.mark.parametrize("blocks", [1, 3])
def test_the_margin_is_exact(scale: int, one_step: bool, blocks: int) -> None:
    promises.check_margin(MSRN(scale, blocks, 2, one_step, "y"), scale)


def test_low_precision_does_not_round_the_picture() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(MSRN(2, blocks=1, width=12, channels="y"))


def test_any_number_of_planes() -> None:
    for channels in ("y", 31):
        check_model(small(2, channels=channels))
        check_model(small(5, one_step=True, channels=channels))


@pytest.mark.parametrize("wrong", [{"blocks": 0}, {"width": 0}, {"scale": 17}, {"one_step": 2}, {"channels": "bgr"}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(MSRN, {"scale": 2, **wrong})


def test_a_scale_that_only_one_step_can_make_is_refused_without_it() -> None:
    with pytest.raises(ValueError, match="×5"):
        small(5)
