"""EDSR: the wiring of the paper on values 0 … 255 around DIV2K's mean, and the names of two public layouts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.errors import ParameterError
from sr_core.inference.engine import super_resolve
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.edsr import EDSR
from tests.unit import network_promises as promises

DIV2K_MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).view(3, 1, 1)


def small(scale: int = 2, residual_scaling: float = 1.0, channels: str | int = "rgb") -> EDSR:
    torch.manual_seed(0)
    return EDSR(scale, blocks=2, width=8, residual_scaling=residual_scaling, channels=channels)  # type: ignore[arg-type]


SHUFFLES = [(2, {0: 2}), (3, {0: 3}), (4, {0: 2, 2: 2}), (8, {0: 2, 2: 2, 4: 2})]
"""Of each scale: where in the upsampler which factor comes."""


def plain(
    tensors: dict[str, Tensor], lr: Tensor, residual_scaling: float, shuffles: dict[int, int], levels: int = 255
) -> Tensor:
    """The paper's layers one after the other, of a network with two blocks."""

    def convolved(name: str, features: Tensor) -> Tensor:
        return F.conv2d(features, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=1)

    first = convolved("head.0", levels * (lr - DIV2K_MEAN))
    features = first
    for block in ("body.0", "body.1"):
        features = features + residual_scaling * convolved(
            f"{block}.body.2", convolved(f"{block}.body.0", features).relu()
        )
    features = convolved("body.2", features) + first
    for place, factor in shuffles.items():
        features = F.pixel_shuffle(convolved(f"tail.0.{place}", features), factor)
    return convolved("tail.1", features) / levels + DIV2K_MEAN


@pytest.mark.parametrize(("scale", "shuffles"), SHUFFLES)
@pytest.mark.parametrize("residual_scaling", [1.0, 0.1])
def test_its_layers_and_their_names_are_those_of_the_authors(
    scale: int, shuffles: dict[int, int], residual_scaling: float
) -> None:
    network = small(scale, residual_scaling)
    lr = torch.rand(2, 3, 6, 5)
    expected = plain(network.state_dict(), lr, residual_scaling, shuffles)
    torch.testing.assert_close(network(lr, scale), expected, atol=1e-5, rtol=0)


def test_the_mean_is_stored_as_the_authors_store_it_and_never_learns() -> None:
    network = small()
    tensors = network.state_dict()
    assert torch.equal(tensors["sub_mean.weight"], torch.eye(3).view(3, 3, 1, 1))
    torch.testing.assert_close(tensors["add_mean.bias"], 255 * DIV2K_MEAN.flatten())
    torch.testing.assert_close(tensors["sub_mean.bias"], -255 * DIV2K_MEAN.flatten())
    assert not [name for name, _ in network.named_parameters() if "mean" in name]


@pytest.mark.parametrize(("scale", "shuffles"), SHUFFLES)
@pytest.mark.parametrize(("port", "levels"), [("BasicSR", 255), ("MMagic", 1)])
def test_weights_of_other_programs_give_what_they_give_there(
    port: str, levels: int, scale: int, shuffles: dict[int, int]
) -> None:
    ours = small(scale, residual_scaling=0.1).state_dict()
    theirs = {"head.0": "conv_first", "body.2": "conv_after_body", "tail.1": "conv_last"}
    theirs |= {f"body.{block}.body.{2 * half}": f"body.{block}.conv{1 + half}" for block in (0, 1) for half in (0, 1)}
    for stage in range(3):
        theirs[f"tail.0.{2 * stage}"] = (
            f"upsample.{stage}.upsample_conv" if port == "MMagic" else f"upsample.{2 * stage}"
        )
    split = [(*name.rpartition(".")[::2], tensor) for name, tensor in ours.items() if "mean" not in name]
    loaded = EDSR(scale, blocks=2, width=8, residual_scaling=0.1)
    loaded.load_state_dict(dict(loaded.adopt({f"{theirs[layer]}.{kind}": tensor for layer, kind, tensor in split})))
    lr = torch.rand(1, 3, 5, 6)
    torch.testing.assert_close(loaded(lr, scale), plain(ours, lr, 0.1, shuffles, levels), atol=1e-5, rtol=0)


def test_first_weights_are_pytorch_s() -> None:
    torch.manual_seed(0)
    promises.check_first_weights_of_pytorch(EDSR(4, blocks=1))


def test_its_own_names_stay_as_they_are() -> None:
    tensors = small().state_dict()
    assert dict(small().adopt(tensors)) == tensors


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("blocks", [1, 4])
def test_the_margin_is_exact(blocks: int, scale: int) -> None:
    promises.check_margin(EDSR(scale, blocks, width=2, channels="y"), scale)


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(EDSR(2, blocks=2, width=16, channels="y"))
    promises.check_learning_and_low_precision(EDSR(2, blocks=4, width=16, residual_scaling=0.1, channels="y"))


def test_any_size_and_any_number_of_planes() -> None:
    promises.check_one_pixel_and_odd_sizes(small(3), (3,))
    promises.check_copies(small(4), 4)
    for channels in ("y", "rgb", 1, 31, 200):
        check_model(small(2, channels=channels))


@pytest.mark.parametrize("wrong", [{"blocks": 0}, {"width": 0}, {"residual_scaling": 0}, {"channels": "bgr"}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(EDSR, {"scale": 2, **wrong})


def test_a_scale_that_sub_pixels_cannot_make_is_refused() -> None:
    with pytest.raises(ValueError, match="×5"):
        EDSR(5)


@pytest.mark.parametrize(("scale", "desubpixel"), [(2, 2), (3, 2), (2, 4)])
def test_desubpixel_makes_planes_of_squares_and_enlarges_by_so_much_more(scale: int, desubpixel: int) -> None:
    torch.manual_seed(0)
    network = EDSR(scale, blocks=2, width=8, desubpixel=desubpixel)
    tensors = network.state_dict()
    side = 2 * desubpixel
    lr = torch.rand(1, 3, side, side)
    levels = 255 * (lr - DIV2K_MEAN)
    squares = levels.view(1, 3, 2, desubpixel, 2, desubpixel).permute(0, 1, 3, 5, 2, 4).reshape(1, -1, 2, 2)
    first = F.conv2d(squares, tensors["head.0.weight"], tensors["head.0.bias"], padding=1)
    features = network.body(first) + first
    shuffles = {2: [2], 4: [2, 2]}[desubpixel] + [scale]
    for stage, factor in enumerate(shuffles):
        weight, bias = tensors[f"tail.0.{2 * stage}.weight"], tensors[f"tail.0.{2 * stage}.bias"]
        features = F.pixel_shuffle(F.conv2d(features, weight, bias, padding=1), factor)
    last = F.conv2d(features, tensors["tail.1.weight"], tensors["tail.1.bias"], padding=1)
    torch.testing.assert_close(network(lr, scale), last / 255 + DIV2K_MEAN, atol=1e-5, rtol=0)


def test_desubpixel_takes_any_size_and_its_squares_are_those_of_every_tile() -> None:
    torch.manual_seed(0)
    network = EDSR(3, blocks=1, width=8, channels="y", desubpixel=2)
    assert network.multiple == 2
    promises.check_one_pixel_and_odd_sizes(network, (3,))
    picture = torch.rand(1, 1, 51, 46)
    whole, tiled = super_resolve(network, picture, 3), super_resolve(network, picture, 3, tile=9)
    torch.testing.assert_close(tiled, whole, atol=4e-5, rtol=0)
    odd = torch.rand(1, 1, 5, 6)
    continued = torch.cat([odd, odd[..., -1:, :]], dim=-2)
    assert torch.equal(network(odd, 3), network(continued, 3)[..., :15, :])


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("desubpixel", [2, 3, 4])
def test_the_margin_of_desubpixel_is_exact(desubpixel: int, scale: int) -> None:
    promises.check_margin(EDSR(scale, 1, width=2, channels="y", desubpixel=desubpixel), scale)


def pooled(tensors: dict[str, Tensor], layer: str, features: Tensor, bins: tuple[int, ...]) -> Tensor:
    """Features, and their means over bins × bins parts of a picture whose sides the bins divide, brought to its size.

    Between the centres of the parts the means are interpolated; beyond the outermost they stay.
    """
    height, width = features.shape[-2:]

    def rows(length: int, count: int) -> Tensor:
        places = ((torch.arange(length) + 0.5) / length * count - 0.5).clamp(0, count - 1)
        return (1 - (places[:, None] - torch.arange(count)).abs()).clamp(min=0)

    levels = [features]
    for level, count in enumerate(bins):
        means = features.unflatten(-1, (count, -1)).mean(-1).unflatten(-2, (count, -1)).mean(-2)
        weight, bias = (tensors[f"{layer}.features.{level}.1.{kind}"] for kind in ("weight", "bias"))
        seen = F.conv2d(means, weight, bias, padding=1).relu()
        levels.append(rows(height, count) @ seen @ rows(width, count).T)
    return torch.cat(levels, dim=1)


def test_pyramid_pooling_stands_in_front_of_each_stage_of_the_upsampler_as_in_edsr_pp() -> None:
    torch.manual_seed(0)
    network = EDSR(4, blocks=2, width=8, pyramid_pooling=(1, 2, 3))
    tensors = network.state_dict()
    lr = torch.rand(2, 3, 6, 12)
    first = F.conv2d(255 * (lr - DIV2K_MEAN), tensors["head.0.weight"], tensors["head.0.bias"], padding=1)
    features = network.body(first) + first
    for stage in (0, 1):
        levels = pooled(tensors, f"tail.0.{3 * stage}", features, (1, 2, 3))
        weight, bias = (tensors[f"tail.0.{3 * stage + 1}.{kind}"] for kind in ("weight", "bias"))
        assert weight.shape == (4 * 8, 4 * 8, 3, 3)
        features = F.pixel_shuffle(F.conv2d(levels, weight, bias, padding=1), 2)
    last = F.conv2d(features, tensors["tail.1.weight"], tensors["tail.1.bias"], padding=1)
    torch.testing.assert_close(network(lr, 4), last / 255 + DIV2K_MEAN, atol=1e-5, rtol=0)


def test_with_pyramid_pooling_it_sees_the_whole_picture_and_takes_one_smaller_than_its_bins() -> None:
    torch.manual_seed(0)
    network = EDSR(3, blocks=1, width=4, channels="y", pyramid_pooling=(1, 2, 3, 6))
    assert network.margin is None
    promises.check_one_pixel_and_odd_sizes(network, (3,))
    lr = torch.rand(1, 1, 6, 90)
    elsewhere = lr.clone()
    elsewhere[..., 80:] = 0
    assert (network(lr, 3) - network(elsewhere, 3))[..., :30].abs().max() > 1e-6


@pytest.mark.parametrize("wrong", [{"desubpixel": 0}, {"pyramid_pooling": [0]}, {"activation": "elu"}])
def test_options_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(EDSR, {"scale": 2, **wrong})
