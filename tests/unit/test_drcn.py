"""DRCN: one convolution again and again, a picture after each, and supervision that fades."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core import resize
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_plugins_cnn.drcn import DRCN
from tests.unit import network_promises as promises
from tests.unit.recomputing_promises import check_recomputing


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_its_pictures_are_those_of_the_layers_written_out_plainly() -> None:
    network = DRCN(recursions=6, width=5)
    torch.nn.init.normal_(network.recursion.weight, std=0.2)
    torch.nn.init.normal_(network.ensemble)
    lr, hr = torch.rand(2, 1, 6, 7), torch.rand(2, 1, 12, 14)
    *early, last = network.predictions(lr, hr, 2, 0.0)
    pictures = written_out(dict(network.named_parameters()), resize(lr, 2), recursions=6)
    for prediction, picture in zip(early, pictures, strict=True):
        torch.testing.assert_close(prediction.image, picture)
    together = sum(weight * picture for weight, picture in zip(network.ensemble, pictures, strict=True))
    torch.testing.assert_close(last.image, together)
    assert torch.equal(network(lr, 2), last.image)


def written_out(weights: dict[str, Tensor], enlarged: Tensor, recursions: int) -> list[Tensor]:
    def convolved(name: str, maps: Tensor) -> Tensor:
        return F.conv2d(maps, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)

    state = convolved("embedding.1", convolved("embedding.0", enlarged).relu()).relu()
    pictures = []
    for _ in range(recursions):
        state = convolved("recursion", state).relu()
        pictures.append(enlarged + convolved("reconstruction.1", convolved("reconstruction.0", state).relu()))
    return pictures


def test_the_recursion_starts_as_the_identity_so_that_all_first_pictures_are_one() -> None:
    network = DRCN(recursions=16, width=6)
    lr, hr = torch.rand(1, 1, 5, 5), torch.rand(1, 1, 10, 10)
    first, *others = network.predictions(lr, hr, 2, 0.0)
    for prediction in others:
        torch.testing.assert_close(prediction.image, first.image)


def test_other_weights_start_as_he_starts_them() -> None:
    network = DRCN()
    for layer in (network.embedding[1], network.reconstruction[0]):
        assert layer.get_parameter("weight").std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.02)
    assert network.reconstruction[1].get_parameter("weight").std().item() == pytest.approx((2 / 2304) ** 0.5, rel=0.05)
    assert not any(parameter.any() for name, parameter in network.named_parameters() if "bias" in name)


@pytest.mark.parametrize(("progress", "alpha"), [(0.0, 1.0), (0.1, 0.75), (0.2, 0.5), (0.4, 0.0), (0.9, 0.0)])
def test_early_pictures_matter_less_and_less_and_sr_more(progress: float, alpha: float) -> None:
    network = DRCN(recursions=4, width=3, supervision=0.4)
    predictions = network.predictions(torch.rand(1, 1, 4, 4), torch.rand(1, 1, 8, 8), 2, progress)
    *early, last = predictions
    assert [prediction.name for prediction in predictions] == [*(f"recursion {n}" for n in range(1, 5)), "sr"]
    assert [prediction.weight for prediction in early] == pytest.approx([alpha / 4] * 4)
    assert last.weight == pytest.approx(1 - alpha)


def test_it_sees_as_far_as_all_its_convolutions_together() -> None:
    promises.check_margin(DRCN(width=1, scales=(2,)), 2)


def test_fractional_scales_and_scales_of_two_axes_are_taken() -> None:
    scales = (2, 2.5, (2, 3))
    promises.check_one_pixel_and_odd_sizes(DRCN(recursions=2, width=4, scales=scales), scales)


@pytest.mark.parametrize("recursions", [4, 6, 16])
def test_recomputing_gives_the_same_gradients(recursions: int) -> None:
    check_recomputing(DRCN(recursions=recursions, width=8), share=0.48 if recursions == 16 else 1)


@pytest.mark.parametrize("wrong", [{"recursions": 0}, {"width": 0}, {"supervision": 0}, {"supervision": 1.5}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(DRCN, wrong)
