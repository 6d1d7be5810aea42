"""RCAN: attention over the whole picture, the authors' names, and BasicSR's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_plugins_cnn.channel_attention import ChannelAttention
from sr_plugins_cnn.rcan import RCAN
from tests.unit import network_promises as promises

DIV2K_MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).view(3, 1, 1)


def small(scale: int = 2, **more: object) -> RCAN:
    torch.manual_seed(0)
    return RCAN(scale, **{"groups": 2, "blocks": 3, "width": 8, "reduction": 4, **more})  # type: ignore[arg-type]


def test_its_tensors_are_called_as_the_authors_call_them() -> None:
    names = {name.removesuffix(".weight") for name in RCAN(8, groups=1, blocks=2).state_dict() if "weight" in name}
    block = {f"body.0.body.{n}.body.{layer}" for n in (0, 1) for layer in ("0", "2", "3.conv_du.0", "3.conv_du.2")}
    ends = {"head.0", "body.0.body.2", "body.1", "tail.0.0", "tail.0.2", "tail.0.4", "tail.1", "sub_mean", "add_mean"}
    assert names == block | ends


def of_basicsr(tensors: dict[str, Tensor], lr: Tensor, shuffles: dict[int, int]) -> Tensor:
    """What BasicSR's layers, by its names, make of a picture: two groups of three blocks."""

    def layer(name: str, features: Tensor) -> Tensor:
        weight = tensors[f"{name}.weight"]
        return F.conv2d(features, weight, tensors[f"{name}.bias"], padding=weight.shape[-1] // 2)

    shallow = layer("conv_first", 255 * (lr - DIV2K_MEAN))
    features = shallow
    for group in ("body.0", "body.1"):
        inside = features
        for block in range(3):
            name = f"{group}.residual_group.{block}.rcab"
            added = layer(f"{name}.2", layer(f"{name}.0", inside).relu())
            mean = F.adaptive_avg_pool2d(added, 1)
            weights = layer(f"{name}.3.attention.3", layer(f"{name}.3.attention.1", mean).relu()).sigmoid()
            inside = inside + weights * added
        features = features + layer(f"{group}.conv", inside)
    features = shallow + layer("conv_after_body", features)
    for place, factor in shuffles.items():
        features = F.pixel_shuffle(layer(f"upsample.{place}", features), factor)
    return layer("conv_last", features) / 255 + DIV2K_MEAN


@pytest.mark.parametrize(("scale", "shuffles"), [(2, {0: 2}), (3, {0: 3}), (4, {0: 2, 2: 2}), (8, {0: 2, 2: 2, 4: 2})])
def test_weights_of_basicsr_give_what_they_give_there(scale: int, shuffles: dict[int, int]) -> None:
    network, theirs = small(scale), {}
    names = {"head.0": "conv_first", "body.2": "conv_after_body", "tail.1": "conv_last"}
    names |= {f"tail.0.{place}": f"upsample.{place}" for place in shuffles}
    for group in range(2):
        names[f"body.{group}.body.3"] = f"body.{group}.conv"
        for block in range(3):
            ours, other = f"body.{group}.body.{block}.body", f"body.{group}.residual_group.{block}.rcab"
            names |= {f"{ours}.{place}": f"{other}.{place}" for place in (0, 2)}
            names |= {f"{ours}.3.conv_du.0": f"{other}.3.attention.1", f"{ours}.3.conv_du.2": f"{other}.3.attention.3"}
    for name, tensor in network.state_dict().items():
        layer, _, kind = name.rpartition(".")
        if "mean" not in layer:
            theirs[f"{names[layer]}.{kind}"] = tensor + torch.randn_like(tensor) / 20
    network.load_state_dict(dict(network.adopt(theirs)))
    lr = torch.rand(2, 3, 5, 6)
    torch.testing.assert_close(network(lr, scale), of_basicsr(theirs, lr, shuffles), atol=1e-5, rtol=1e-5)


def test_its_own_names_stay_as_they_are_and_the_mean_never_learns() -> None:
    network = small()
    tensors = network.state_dict()
    assert dict(network.adopt(tensors)) == tensors
    torch.testing.assert_close(tensors["add_mean.bias"], 255 * DIV2K_MEAN.flatten())
    assert not [name for name, _ in network.named_parameters() if "mean" in name]


def test_attention_weighs_a_map_by_its_mean_alone() -> None:
    torch.manual_seed(0)
    attention = ChannelAttention(8, 2)
    features = torch.randn(2, 8, 5, 6)
    flat = features.mean(dim=(2, 3), keepdim=True).expand_as(features)
    weights = attention(features)
    assert weights.shape == (2, 8, 1, 1)
    assert ((weights > 0) & (weights < 1)).all()
    torch.testing.assert_close(weights, attention(flat))
    assert not torch.allclose(weights, attention(features + 1), atol=1e-3)


def test_every_pixel_depends_on_the_whole_picture() -> None:
    network, lr = small(groups=1, blocks=1, width=32).eval(), torch.rand(1, 3, 30, 40, requires_grad=True)
    network(lr, 2)[..., 0, 0].sum().backward()
    assert lr.grad is not None
    assert network.margin is None
    assert lr.grad.any(dim=1).all()


def test_first_weights_are_pytorch_s() -> None:
    torch.manual_seed(0)
    promises.check_first_weights_of_pytorch(RCAN(4, groups=1, blocks=1))


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    promises.check_learning_and_low_precision(small(blocks=1, width=16, channels="y"))


@pytest.mark.parametrize(
    "wrong", [{"groups": 0}, {"blocks": 0}, {"width": 0}, {"reduction": 0}, {"channels": "bgr"}, {"scale": 17}]
)
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(RCAN, {"scale": 2, **wrong})


def test_attention_that_leaves_no_map_is_refused() -> None:
    with pytest.raises(ValueError, match="reduction: 16 leaves none of 8 maps; choose at most 8"):
        RCAN(2, width=8)
