"""LIIF: a perceptron asked four times for each SR pixel, drawn pixels in training, and the authors' files."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core import Backbone, Scale, sr_size
from sr_core.errors import ParameterError
from sr_core.imaging.size import per_axis
from sr_core.inference.engine import super_resolve
from sr_core.parameters import check_parameters
from sr_plugins_cnn import liif
from sr_plugins_cnn.edsr import EDSRBackbone
from sr_plugins_cnn.liif import LIIF
from sr_plugins_cnn.rdn import RDNBackbone

SCALES = pytest.mark.parametrize("scale", [1.1, 1.37, 2.5, 3.99, (2, 3), 1, 8], ids=str)


def small(**more: Any) -> LIIF:
    torch.manual_seed(0)
    return LIIF(EDSRBackbone(blocks=1, width=6), depth=3, width=10, **more)


def centres(count: int, scale: float) -> Tensor:
    """Of SR pixels on a picture that reaches from 0 to 1 over each LR pixel."""
    return (torch.arange(count, dtype=torch.float64) + 0.5) / scale


def plainly(network: LIIF, lr: Tensor, scale: Scale) -> Tensor:
    """The paper's section 3 pixel by pixel, with the coordinates, areas and small numbers of the authors' code."""
    size = (lr.shape[-2], lr.shape[-1])
    features = network.encoder(lr * 2 - 1)
    unfolded = F.unfold(features, 3, padding=1).view(len(lr), -1, *size)
    places = torch.meshgrid(*(centres(side, 1) * 2 / side - 1 for side in size), indexing="ij")
    lr_places = torch.stack(places)[None].expand(len(lr), -1, -1, -1)
    axes = zip(sr_size(size, scale), size, per_axis(scale), strict=True)
    sr = torch.stack(torch.meshgrid(*(centres(n, s) * 2 / side - 1 for n, side, s in axes), indexing="ij"), -1)
    sr = sr.expand(len(lr), -1, -1, -1)
    sides = torch.tensor(size, dtype=torch.float64)
    cell = (2 / torch.tensor(per_axis(scale), dtype=torch.float64)).expand_as(sr)
    answers, areas = [], []
    for corner in itertools.product((-1, 1), repeat=2):
        shifted = (sr + torch.tensor(corner) / sides + 1e-6).clamp(-1 + 1e-6, 1 - 1e-6).flip(-1)
        found, place = (
            F.grid_sample(maps, shifted, mode="nearest", align_corners=False).permute(0, 2, 3, 1)
            for maps in (unfolded, lr_places)
        )
        way = (sr - place) * sides
        answers.append(network.imnet.layers(torch.cat([found, way, cell], -1)))
        areas.append(way.prod(-1).abs() + 1e-9)
    across = areas[::-1]
    mean = (
        sum((a * s[..., None] for a, s in zip(answers, across, strict=True)), torch.zeros(())) / sum(areas)[..., None]
    )
    return mean.permute(0, 3, 1, 2) * 0.5 + 0.5


@SCALES
def test_it_is_the_paper_s_function(scale: Scale) -> None:
    network = small().double().eval()
    with torch.no_grad():  # answers that differ much from each other
        for layer in network.imnet.layers[::2]:
            layer.weight.mul_(3)
    lr = torch.rand(2, 3, 6, 5, dtype=torch.float64)
    sr, expected = network(lr, scale), plainly(network, lr, scale)
    assert sr.shape == (2, 3, *sr_size((6, 5), scale))
    # A pixel exactly on the centre of the last LR row or column has no area anywhere: there the authors' answer hangs
    # on rounding, and ours is what its neighbours come ever closer to.
    rows, columns = (slice(-2 if axis in (1, 3) else None) for axis in per_axis(scale))
    assert (sr - expected)[..., rows, columns].abs().max() < 1e-6


@pytest.mark.parametrize("scale", [1, 3])
def test_on_the_centre_of_an_lr_pixel_only_that_one_answers(scale: int) -> None:
    network, lr = small().double().eval(), torch.rand(1, 3, 4, 5, dtype=torch.float64)
    near = network.decode(network.encode(lr), liif.Grid.of((4, 5), scale + 1e-7), scale)
    exact = network(lr, scale)
    assert (near - exact).abs().max() < 1e-5


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network, lr = small().eval(), torch.rand(2, 3, 7, 9)
    whole = network(lr, 2.5)
    monkeypatch.setattr(liif, "_PIXELS_ON_CPU", 100)
    torch.testing.assert_close(network(lr, 2.5), whole)


@SCALES
def test_training_compares_drawn_pixels_with_the_same_pixels_of_hr(scale: Scale) -> None:
    network, lr = small(), torch.rand(3, 3, 6, 8)
    sr = network(lr, scale)
    (prediction,) = network.predictions(lr, sr, scale, 0.0)
    assert prediction.name == "sr"
    assert prediction.image.shape == ((3, 3, 48, 1) if scale != 1 else sr.shape)
    torch.testing.assert_close(prediction.image, prediction.target)


def drawn(network: LIIF, lr: Tensor, scale: int) -> Tensor:
    """The numbers of the pixels that are compared, N×count."""
    height, width = sr_size((lr.shape[-2], lr.shape[-1]), scale)
    numbered = torch.arange(height * width).view(1, 1, height, width).expand(len(lr), 3, -1, -1)
    (prediction,) = network.predictions(lr, numbered, scale, 0.0)
    return prediction.target[:, 0].flatten(1)


def test_each_picture_draws_its_own_pixels_and_none_twice() -> None:
    network, lr = small(samples=70), torch.rand(2, 3, 6, 6)
    torch.manual_seed(1)
    first, second = drawn(network, lr, 2)
    assert len(set(first.tolist())) == len(set(second.tolist())) == 70
    assert set(first.tolist()) != set(second.tolist())
    torch.manual_seed(1)
    assert torch.equal(drawn(network, lr, 2), torch.stack([first, second]))
    assert not torch.equal(drawn(network, lr, 2), torch.stack([first, second]))


def test_enough_samples_compare_the_whole_picture_as_does_a_network_in_use() -> None:
    lr, hr = torch.rand(2, 3, 6, 6), torch.rand(2, 3, 12, 12)
    for network in (small(samples=144), small().eval()):
        (prediction,) = network.predictions(lr, hr, 2, 0.0)
        assert torch.equal(prediction.target, hr)
        assert torch.equal(prediction.image, network(lr, 2))


def test_the_encoder_says_which_planes_and_how_far_it_sees() -> None:
    network = LIIF(RDNBackbone(depth=1, convolutions=2, growth=3, width=5, channels=7), width=4)
    assert (network.channels, network.margin) == (7, network.encoder.margin + 2)
    assert network(torch.rand(1, 7, 4, 4), 1.5).shape == (1, 7, 6, 6)


def test_around_an_encoder_that_sees_everything_it_has_no_margin() -> None:
    assert LIIF(Averaging()).margin is None


class Averaging(Backbone):
    """The picture less its mean."""

    width = 3

    def forward(self, lr: Tensor) -> Tensor:
        return lr - lr.mean((2, 3), keepdim=True)


def test_a_file_of_the_authors_is_taken() -> None:
    """Of their EDSR it also has the two layers for the mean colour, which nothing uses."""
    torch.manual_seed(2)
    ours = small()
    layers = {
        "head.0": (6, 3, 3, 3),
        "body.0.body.0": (6, 6, 3, 3),
        "body.0.body.2": (6, 6, 3, 3),
        "body.1": (6, 6, 3, 3),
    }
    published = {f"encoder.{name}.weight": torch.randn(shape) for name, shape in layers.items()}
    published |= {f"encoder.{name}.bias": torch.randn(6) for name in layers}
    published |= {f"encoder.{end}_mean.weight": torch.eye(3).view(3, 3, 1, 1) for end in ("sub", "add")}
    published |= {f"encoder.{end}_mean.bias": torch.rand(3) for end in ("sub", "add")}
    for place, (inputs, outputs) in {0: (58, 10), 2: (10, 10), 4: (10, 10), 6: (10, 3)}.items():
        published |= {f"imnet.layers.{place}.weight": torch.randn(outputs, inputs)}
        published |= {f"imnet.layers.{place}.bias": torch.randn(outputs)}
    ours.load_state_dict(ours.adopt(published))
    assert all(torch.equal(published[name], tensor) for name, tensor in ours.state_dict().items())


def test_it_enlarges_far_beyond_what_is_learned() -> None:
    assert super_resolve(small().eval(), torch.rand(1, 3, 2, 3), 30).shape == (1, 3, 60, 90)


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"width": 0}, {"samples": 0}, {"encoder": "vdsr", "depth": -1}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(LIIF, wrong)
