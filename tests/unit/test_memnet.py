"""MemNet: gates that choose from every memory, and a picture from each."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core import resize
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_plugins_cnn.memnet import MemNet
from tests.unit import network_promises as promises
from tests.unit.recomputing_promises import check_recomputing
from tests.unit.test_drrn import with_own_statistics


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_its_pictures_are_those_of_the_layers_written_out_plainly() -> None:
    network = MemNet(blocks=3, recursions=2, width=4)
    with_own_statistics(network)
    torch.nn.init.normal_(network.ensemble)
    lr, hr = torch.rand(2, 1, 6, 7), torch.rand(2, 1, 12, 14)
    with torch.no_grad():
        *blocks, last = network.predictions(lr, hr, 2, 0.0)
        pictures = written_out(network.state_dict(), resize(lr, 2), blocks=3, recursions=2)
        for prediction, picture in zip(blocks, pictures, strict=True):
            torch.testing.assert_close(prediction.image, picture)
        together = sum(weight * picture for weight, picture in zip(network.ensemble, pictures, strict=True))
        torch.testing.assert_close(last.image, together)
        assert torch.equal(network(lr, 2), last.image)


def written_out(tensors: dict[str, Tensor], enlarged: Tensor, blocks: int, recursions: int) -> list[Tensor]:
    def layer(norm: str, convolution: str, maps: Tensor) -> Tensor:
        statistics = (tensors[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        normal, weight = F.batch_norm(maps, *statistics), tensors[f"{convolution}.weight"]
        return F.conv2d(normal.relu(), weight, tensors[f"{convolution}.bias"], padding=weight.shape[-1] // 2)

    memories = [layer("feature_extractor.bn", "feature_extractor.conv", enlarged)]
    for block in (f"dense_memory.{number}" for number in range(blocks)):
        unit, features, short_term = f"{block}.recursive_unit", memories[-1], []
        for recursion in range(recursions):
            hidden = layer(f"{unit}.bn1.{recursion}", f"{unit}.conv1", features)
            features = features + layer(f"{unit}.bn2.{recursion}", f"{unit}.conv2", hidden)
            short_term.append(features)
        memories.append(layer(f"{block}.gate_unit.bn", f"{block}.gate_unit.conv", torch.cat(memories + short_term, 1)))
    return [
        layer(f"bn_reconstructor.{number}", "reconstructor", memory) + enlarged
        for number, memory in enumerate(memories[1:])
    ]


@pytest.mark.parametrize("progress", [0.0, 1.0])
def test_every_memory_s_picture_and_sr_matter_alike_from_start_to_end(progress: float) -> None:
    network = MemNet(width=2)
    predictions = network.predictions(torch.rand(2, 1, 4, 4), torch.rand(2, 1, 8, 8), 2, progress)
    assert [p.name for p in predictions] == [*(f"block {n}" for n in range(1, 7)), "sr"]
    assert {p.weight for p in predictions} == {1.0}


def test_sr_starts_as_the_mean_of_the_pictures() -> None:
    network = MemNet(blocks=3, recursions=1, width=4).eval()
    *blocks, last = network.predictions(torch.rand(1, 1, 4, 4), torch.rand(1, 1, 8, 8), 2, 0.0)
    torch.testing.assert_close(last.image, torch.stack([prediction.image for prediction in blocks]).mean(dim=0))


def test_each_gate_is_wider_than_the_last_by_one_memory() -> None:
    network = MemNet(blocks=4, recursions=3, width=2)
    widths = [block.get_parameter("gate_unit.conv.weight").shape[1] for block in network.dense_memory]
    assert widths == [2 * (3 + memories) for memories in (1, 2, 3, 4)]


def test_it_sees_as_far_as_all_its_convolutions_together() -> None:
    promises.check_margin(MemNet(blocks=3, recursions=2, width=1, scales=(2,)).eval(), 2)


def test_fractional_scales_and_scales_of_two_axes_are_taken() -> None:
    scales = (2, 2.5, (2, 3))
    promises.check_one_pixel_and_odd_sizes(MemNet(2, 1, width=4, scales=scales).eval(), scales)


def test_recomputing_gives_the_same_gradients_and_statistics_in_less_memory() -> None:
    check_recomputing(MemNet(width=8), share=0.45)


def test_its_first_weights_are_those_of_he() -> None:
    weight = MemNet().dense_memory[0].get_parameter("recursive_unit.conv1.weight")
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)


@pytest.mark.parametrize("wrong", [{"blocks": 0}, {"recursions": 0}, {"width": 0}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(MemNet, wrong)
