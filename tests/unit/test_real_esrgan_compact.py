"""SRVGGNetCompact: its wiring on nearest pixels, and its names."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_plugins_gan.real_esrgan_compact import RealESRGANCompact
from tests.unit import network_promises as promises


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_its_layers_and_their_names_are_those_of_the_release(scale: int) -> None:
    torch.manual_seed(0)
    network = RealESRGANCompact(scale, convolutions=2, width=6)
    tensors = {name: torch.randn_like(tensor) / 3 for name, tensor in network.state_dict().items()}
    network.load_state_dict(tensors)
    assert {f"body.{place}.bias" for place in (0, 2, 4, 6)} | {f"body.{place}.weight" for place in range(7)} == set(
        tensors
    )
    lr = torch.rand(2, 3, 4, 5)
    features = lr
    for place in (0, 2, 4, 6):
        features = F.conv2d(features, tensors[f"body.{place}.weight"], tensors[f"body.{place}.bias"], padding=1)
        if place < 6:
            slopes = tensors[f"body.{place + 1}.weight"].view(-1, 1, 1)
            features = torch.where(features > 0, features, slopes * features)
    shuffled = features.view(2, 3, scale, scale, 4, 5).permute(0, 1, 4, 2, 5, 3).reshape(2, 3, 4 * scale, 5 * scale)
    nearest = lr.repeat_interleave(scale, -1).repeat_interleave(scale, -2)
    torch.testing.assert_close(network(lr, scale), shuffled + nearest, atol=1e-5, rtol=1e-5)


def test_a_network_that_has_learned_nothing_gives_the_nearest_pixels() -> None:
    network = RealESRGANCompact(3, convolutions=1, width=4)
    with torch.no_grad():
        for parameter in network.body[-1].parameters():
            parameter.zero_()
    lr = torch.rand(1, 3, 5, 4)
    assert torch.equal(network(lr, 3), lr.repeat_interleave(3, -1).repeat_interleave(3, -2))


def test_first_weights_are_pytorch_s() -> None:
    torch.manual_seed(0)
    promises.check_first_weights_of_pytorch(RealESRGANCompact(4, convolutions=2))


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("convolutions", [0, 3])
def test_the_margin_is_exact(convolutions: int, scale: int) -> None:
    promises.check_margin(RealESRGANCompact(scale, convolutions, width=2, channels="y"), scale)


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(RealESRGANCompact(2, convolutions=2, width=16, channels="y"))


@pytest.mark.parametrize(
    "wrong", [{"scale": 0}, {"scale": 2.5}, {"convolutions": -1}, {"width": 0}, {"channels": "bgr"}]
)
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(RealESRGANCompact, {"scale": 4, **wrong})
