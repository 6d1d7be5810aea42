"""ESRGAN: the wiring and names of BasicSR's RRDBNet, two older layouts, and ×1 and ×2 in both of their forms."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_plugins_gan.esrgan import ESRGAN
from tests.unit import network_promises as promises


def small(scale: int = 4, blocks: int = 2, **parameters: Any) -> ESRGAN:
    torch.manual_seed(0)
    network = ESRGAN(scale, **{"blocks": blocks, "width": 6, "growth": 3, **parameters})  # type: ignore[arg-type]
    with torch.no_grad():  # not as it starts: what dense blocks add is then too small to tell
        for parameter in network.parameters():
            parameter.mul_(3).add_(torch.randn_like(parameter), alpha=0.1)
    return network


def plain(tensors: dict[str, Tensor], lr: Tensor, enlargings: int, blocks: int = 2) -> Tensor:
    """The released network's layers one after the other; LR as the first convolution reads it."""

    def convolved(name: str, maps: Tensor) -> Tensor:
        return F.conv2d(maps, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=1)

    first = convolved("conv_first", lr)
    features = first
    for block in range(blocks):
        inside = features
        for dense in (1, 2, 3):
            seen = [inside]
            for layer in (1, 2, 3, 4):
                made = convolved(f"body.{block}.rdb{dense}.conv{layer}", torch.cat(seen, 1))
                seen.append(torch.where(made > 0, made, 0.2 * made))
            inside = inside + 0.2 * convolved(f"body.{block}.rdb{dense}.conv5", torch.cat(seen, 1))
        features = features + 0.2 * inside
    features = first + convolved("conv_body", features)
    for stage in range(enlargings):
        larger = features.repeat_interleave(2, -1).repeat_interleave(2, -2)
        features = F.leaky_relu(convolved(f"conv_up{stage + 1}", larger), 0.2)
    return convolved("conv_last", F.leaky_relu(convolved("conv_hr", features), 0.2))


def squares(lr: Tensor, side: int) -> Tensor:
    """Each square of pixels as planes of one, row by row within a plane."""
    return torch.stack([lr[:, c, i::side, j::side] for c in range(3) for i in range(side) for j in range(side)], dim=1)


@pytest.mark.parametrize(("scale", "folded"), [(4, 1), (2, 2), (1, 4)])
def test_its_layers_and_their_names_are_those_of_the_release_which_folds_pixels_at_2_and_1(
    scale: int, folded: int
) -> None:
    network = small(scale)
    lr = torch.rand(2, 3, 8, 4)
    expected = plain(network.state_dict(), squares(lr, folded), enlargings=2)
    torch.testing.assert_close(network(lr, scale), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("scale", "enlargings"), [(4, 2), (2, 1), (1, 0)])
def test_without_unshuffling_it_enlarges_as_often_as_the_scale_needs(scale: int, enlargings: int) -> None:
    network = small(scale, unshuffle=False)
    lr = torch.rand(1, 3, 5, 6)
    expected = plain(network.state_dict(), lr, enlargings)
    torch.testing.assert_close(network(lr, scale), expected, atol=1e-4, rtol=1e-4)


def test_an_odd_picture_is_continued_by_its_last_pixels_to_whole_squares() -> None:
    network = small(2)
    lr = torch.rand(1, 3, 5, 7)
    continued = torch.cat([lr, lr[..., -1:]], -1)
    continued = torch.cat([continued, continued[..., -1:, :]], -2)
    torch.testing.assert_close(network(lr, 2), network(continued, 2)[..., :10, :14])
    promises.check_one_pixel_and_odd_sizes(small(1), (1,))


def as_mmsr_names(name: str) -> str:
    name = re.sub(r"body\.(\d+)\.rdb(\d)\.", r"RRDB_trunk.\1.RDB\2.", name)
    return re.sub(r"conv_up(\d)", r"upconv\1", name).replace("conv_body", "trunk_conv").replace("conv_hr", "HRconv")


def as_first_names(name: str, enlargings: int, blocks: int = 2) -> str:
    """A sequence in which each step of enlarging takes three places, and each later layer has its activation."""
    numbers = {"conv_first": "0", "conv_body": f"1.sub.{blocks}"}
    numbers |= {f"conv_up{stage + 1}": str(3 + 3 * stage) for stage in range(enlargings)}
    numbers |= {"conv_hr": str(2 + 3 * enlargings), "conv_last": str(4 + 3 * enlargings)}
    layer, _, kind = name.rpartition(".")
    dense = re.sub(r"body\.(\d+)\.rdb(\d)\.(conv\d)", r"1.sub.\1.RDB\2.\3.0", layer)
    return f"model.{numbers.get(layer, dense)}.{kind}"


@pytest.mark.parametrize(("scale", "enlargings"), [(4, 2), (2, 1), (1, 0)])
@pytest.mark.parametrize("stripped", [True, False])
def test_weights_of_esrgan_s_first_code_are_adopted_at_every_scale(scale: int, enlargings: int, stripped: bool) -> None:
    tensors = small(scale, unshuffle=False).state_dict()
    theirs = {as_first_names(name, enlargings): tensor for name, tensor in tensors.items()}
    assert "model.1.sub.0.RDB1.conv1.0.weight" in theirs
    assert scale != 4 or {"model.0.bias", "model.3.bias", "model.6.bias", "model.8.bias", "model.10.bias"} <= set(
        theirs
    )
    if stripped:  # `model.` is taken for a wrapping
        theirs = {name.removeprefix("model."): tensor for name, tensor in theirs.items()}
    adopted = small(scale, unshuffle=False).adopt(theirs)
    assert adopted.keys() == tensors.keys()
    assert all(adopted[name] is tensor for name, tensor in tensors.items())


def test_weights_of_mmsr_are_adopted_and_its_own_names_stay() -> None:
    network = small()
    tensors = network.state_dict()
    theirs = {as_mmsr_names(name): tensor for name, tensor in tensors.items()}
    assert {"RRDB_trunk.1.RDB3.conv5.weight", "trunk_conv.bias", "upconv2.weight", "HRconv.bias"} <= theirs.keys()
    for layout in (theirs, tensors):
        adopted = network.adopt(layout)
        assert adopted.keys() == tensors.keys()
        assert all(adopted[name] is tensor for name, tensor in tensors.items())


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ({"width": 5, "growth": 4}, "{width: 5, growth: 4} at scale 4"),
        ({"blocks": 3, "width": 5}, "{blocks: 3, width: 5} at scale 4"),
        ({"scale": 2, "growth": 2}, "{growth: 2} at scale 2"),
        ({"scale": 2, "unshuffle": False}, "{unshuffle: false} at scale 2"),
        ({"scale": 1, "unshuffle": False}, "{unshuffle: false} at scale 1"),
    ],
)
def test_weights_of_another_form_are_refused_with_the_parameters_that_fit(file: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        small(4).adopt(small(**file).state_dict())


def test_weights_of_another_scale_or_depth_are_adopted_for_what_fits() -> None:
    """A network may start from a shallower one, or ×2 from ×4."""
    for file in (small(4), small(2, blocks=1)):
        tensors = file.state_dict()
        adopted = small(2, blocks=3).adopt(tensors)
        assert adopted.keys() == tensors.keys()
        assert all(adopted[name] is tensor for name, tensor in tensors.items())


def test_dense_blocks_start_at_a_tenth_of_he_s_weights_and_all_else_as_pytorch_starts() -> None:
    torch.manual_seed(0)
    network = ESRGAN(4, blocks=1)
    for name, layer in network.named_modules():
        if isinstance(layer, torch.nn.Conv2d):
            fan_in = layer.weight[0].numel()
            dense = name.startswith("body.")
            deviation = 0.1 * (2 / fan_in) ** 0.5 if dense else (1 / 3 / fan_in) ** 0.5
            assert layer.weight.detach().std().item() == pytest.approx(deviation, rel=0.06), name
            assert layer.bias is not None
            assert bool(layer.bias.any()) != dense


@pytest.mark.parametrize("unshuffle", [True, False])
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_margin_is_exact(scale: int, unshuffle: bool) -> None:
    network = ESRGAN(scale, 1, width=2, growth=1, unshuffle=unshuffle, channels="y")  # type: ignore[arg-type]
    promises.check_margin(network, scale)


def test_low_precision_rounds_neither_the_picture_nor_the_sums_of_the_blocks() -> None:
    network = small(4, blocks=4, width=16, growth=8)
    sums: list[Tensor] = []
    network.conv_body.register_forward_pre_hook(lambda _, given: sums.append(given[0]))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert network(torch.rand(1, 3, 6, 5), 4).dtype == torch.float32
    assert sums[0].dtype == torch.float32


@pytest.mark.parametrize(
    "wrong", [{"scale": 3}, {"scale": 8}, {"blocks": 0}, {"width": 0}, {"growth": 0}, {"channels": "bgr"}]
)
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(ESRGAN, {"scale": 4, **wrong})
