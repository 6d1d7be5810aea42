"""SRCNN: the picture that a published layout makes, training without padding, and what every network promises."""

from __future__ import annotations

from typing import Literal

import pytest
import torch

from sr_core import SrkitError, resize
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.srcnn import SRCNN
from tests.unit import network_promises as promises


@pytest.mark.parametrize(("middle", "border"), [(1, 6), (3, 7), (5, 8)])
def test_33_pixel_crops_are_compared_with_their_centre_as_in_the_paper(middle: Literal[1, 3, 5], border: int) -> None:
    """33×33 sub-images give 21×21 for 9-1-5 and 17×17 for 9-5-5."""
    network = SRCNN(middle)
    hr = torch.rand(2, 1, 33, 33)
    (prediction,) = network.predictions(torch.rand(2, 1, 11, 11), hr, 3, 0.0)
    assert prediction.image.shape == (2, 1, 33 - 2 * border, 33 - 2 * border)
    assert torch.equal(prediction.target, hr[..., border:-border, border:-border])


def test_training_sees_the_same_centre_as_the_whole_picture_has() -> None:
    network = large(SRCNN())
    lr = torch.rand(1, 1, 12, 12)
    (prediction,) = network.predictions(lr, torch.rand(1, 1, 24, 24), 2, 0.0)
    assert torch.allclose(prediction.image, network(lr, 2)[..., 6:-6, 6:-6], atol=1e-6)


def test_a_network_that_passes_the_centre_on_gives_bicubic() -> None:
    network = SRCNN(5, features=(1, 1))
    with torch.no_grad():
        for layer in (network.first, network.middle, network.last):
            layer.weight.zero_()
            layer.weight[..., layer.kernel_size[0] // 2, layer.kernel_size[1] // 2] = 1
    lr = torch.rand(1, 1, 7, 9)
    assert torch.allclose(network(lr, 3), resize(lr, 3).relu(), atol=1e-6)


def test_a_flat_picture_stays_flat_up_to_its_border() -> None:
    sr = large(SRCNN(3))(torch.full((1, 1, 6, 5), 0.4), 2)
    assert torch.allclose(sr, sr[0, 0, 0, 0].expand_as(sr), atol=1e-6)


def test_crops_too_small_to_learn_from_say_what_is_needed() -> None:
    with pytest.raises(SrkitError, match=r"SRCNN learns from HR crops of 13 pixels or more; these are 12×12"):
        SRCNN().predictions(torch.rand(1, 1, 6, 6), torch.rand(1, 1, 12, 12), 2, 0.0)


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(large(SRCNN(features=(16, 8))))


@pytest.mark.parametrize("scales", [(2,), (3,), (4,)])
@pytest.mark.parametrize("middle", [1, 5])
def test_the_margin_is_exact(middle: Literal[1, 5], scales: tuple[int]) -> None:
    promises.check_margin(SRCNN(middle, features=(2, 2), scales=scales), scales[0])


def test_the_margin_of_several_scales_is_that_of_the_smallest() -> None:
    assert SRCNN(scales=(2, 3, 4)).margin == SRCNN(scales=(2,)).margin


def test_any_size_and_any_scale_that_it_says_it_takes() -> None:
    network = SRCNN(scales=(1.5, 2, (3, 2.5)))
    assert network.scales == {1.5, 2, 2.5, 3}
    promises.check_one_pixel_and_odd_sizes(network, (1.5, 2, (3, 2.5)))
    check_model(network)


def test_colour_and_copies() -> None:
    colour = SRCNN(5, channels="rgb")
    check_model(colour)
    promises.check_copies(colour, 3)


@pytest.mark.parametrize(
    "wrong", [{"middle_kernel": 7}, {"channels": "lab"}, {"features": [64]}, {"scales": [0.5]}, {"scales": []}]
)
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(SRCNN, wrong)


def large(network: SRCNN) -> SRCNN:
    """The paper's first weights are tiny; these make pictures."""
    for layer in (network.first, network.middle, network.last):
        torch.nn.init.kaiming_normal_(layer.weight)
    return network


def test_its_first_weights_are_the_papers() -> None:
    torch.manual_seed(0)
    network = SRCNN(5)
    for layer in (network.first, network.middle, network.last):
        assert layer.weight.std().item() == pytest.approx(1e-3, rel=0.1)
        assert not layer.get_parameter("bias").any()
