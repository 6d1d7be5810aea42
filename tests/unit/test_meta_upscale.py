"""Meta-Upscale: weights predicted for every place on the SR picture, grouped so that it is fast, and equal everywhere."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Backbone, Grid, Scale, sr_size
from sr_core.errors import ParameterError
from sr_core.imaging.size import exact_ratio
from sr_core.inference.alive_tensors import AliveTensors
from sr_core.inference.engine import super_resolve
from sr_core.parameters import check_parameters
from sr_core.testing import check_backbone, check_model
from sr_plugins_cnn import weight_prediction
from sr_plugins_cnn.edsr import EDSR, EDSRBackbone
from sr_plugins_cnn.meta_upscale import MetaEDSR, MetaRDN, MetaUpscale
from sr_plugins_cnn.rdn import RDN, RDNBackbone
from sr_plugins_cnn.weight_prediction import WeightPrediction
from tests.unit import network_promises as promises

SCALES: list[Scale] = [1, 1.1, 1.37, 2, 2.5, 3.99, (2, 3), (1.5, 3.3), 2**0.5]
every_kind_of_scale = pytest.mark.parametrize("scale", SCALES, ids=str)
DIV2K_MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).view(3, 1, 1)


def small(channels: str = "rgb") -> MetaEDSR:
    torch.manual_seed(0)
    return MetaEDSR(blocks=1, width=6, channels=channels)  # type: ignore[arg-type]


def pixel_by_pixel(prediction: WeightPrediction, features: Tensor, scale: tuple[float, float]) -> Tensor:
    """The paper's section 3 for each SR pixel alone, with the order of numbers in the authors' code."""
    count, width, height, length = features.shape
    neighbours = F.unfold(features, 3, padding=1).view(count, 9 * width, height, length)
    rows, columns = sr_size((height, length), scale)
    sr = features.new_empty((count, prediction.planes, rows, columns))
    vertical, horizontal = (exact_ratio(axis) for axis in scale)
    for i in range(rows):
        for j in range(columns):
            y, x = i // vertical, j // horizontal
            place = [math.prod(scale) ** -0.5, float(i / vertical - y), float(j / horizontal - x)]
            weights = prediction.meta_block(features.new_tensor([place])).view(9 * width, prediction.planes)
            sr[:, :, i, j] = neighbours[:, :, y, x] @ weights
    return sr


@pytest.mark.parametrize("most", [None, 0], ids=["by weights where they repeat", "by features"])
@pytest.mark.parametrize("block", [None, 1000], ids=["at once", "in blocks"])
@every_kind_of_scale
def test_grouped_it_is_what_each_pixel_alone_would_be(
    scale: Scale, most: int | None, block: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if most is not None:
        monkeypatch.setattr(weight_prediction, "_MOST_PAIRS", most)
    if block is not None:
        monkeypatch.setattr(weight_prediction, "_BLOCK", block)
    torch.manual_seed(0)
    prediction = WeightPrediction(4, 2).double()
    features = torch.randn(2, 4, 7, 6, dtype=torch.float64)
    grid = Grid.of((7, 6), scale)
    with torch.no_grad():
        made = prediction.mapped(features, grid)
        expected = pixel_by_pixel(prediction, features, grid.scale)
        torch.testing.assert_close(made, expected, rtol=0, atol=1e-12)
        part = prediction.mapped(features, grid.cut(slice(3, 6), slice(1, 5)))
    torch.testing.assert_close(part, expected[..., 3:6, 1:5], rtol=0, atol=1e-12)


def test_no_pixel_falls_to_its_neighbour() -> None:
    """In float32, as the authors compute, SR pixel 69 at ×2.3 lies at 29.999998 and belongs to LR pixel 29."""
    assert int(torch.tensor(69.0) * (1 / 2.3)) == 29
    prediction, rows = WeightPrediction(1, 1), torch.arange(500.0).view(1, 1, -1, 1)
    with torch.no_grad():
        for parameter in prediction.parameters():
            parameter.zero_()
        prediction.meta_block[2].bias[4] = 1  # of the 3×3 weights the middle one
        made = prediction.mapped(rows, Grid.of((500, 1), 2.3))[..., 0]
    assert made.flatten().tolist() == [i * 10 // 23 for i in range(1150)]


@pytest.mark.parametrize("scale", [1.1, 1.37, 2, 2.5, 3.99, (2, 3), 2**0.5], ids=str)
def test_tiles_are_the_whole_picture(scale: Scale) -> None:
    network, picture = small().eval(), torch.rand(1, 3, 45, 38)
    whole = super_resolve(network, picture, scale)
    assert (super_resolve(network, picture, scale, tile=16) - whole).abs().max() < 4e-5


@pytest.mark.parametrize("scale", [1.1, 1.5, 2, 2.5, 3, (1.5, 2)], ids=str)
def test_the_margin_holds_and_is_reached_between_whole_scales(scale: Scale) -> None:
    network = MetaRDN(1, 1, 2, 2, "y")
    assert network.margin == 1 + 3 + 2
    assert promises.check_margin(network, scale) == (5 if scale in (2, 3) else 6)


@pytest.mark.parametrize("backbone", [EDSRBackbone(1, 4), RDNBackbone(2, 1, 3, 4), RDNBackbone(1, 2, 3, 4, "y")])
def test_any_backbone_will_do(backbone: Backbone) -> None:
    check_backbone(backbone)
    network = MetaUpscale(backbone)
    assert network.channels == backbone.channels
    check_model(network, (1.7, (2, 3)))


def test_the_backbones_are_what_the_networks_have_in_front_of_their_upsampler() -> None:
    torch.manual_seed(0)
    levels = torch.rand(1, 3, 6, 5)
    for network, backbone in ((EDSR(2, 2, 4), EDSRBackbone(2, 4)), (RDN(2, 2, 2, 3, 4), RDNBackbone(2, 2, 3, 4))):
        own = {name: network.state_dict()[name] for name in backbone.state_dict()}
        backbone.load_state_dict(own)
        torch.testing.assert_close(backbone(levels), network.features_of(levels))
        with torch.inference_mode():
            torch.testing.assert_close(backbone(levels), network.features_of(levels).clone(), rtol=1e-5, atol=1e-6)


def test_inside_the_picture_is_in_levels_around_the_mean_of_div2k() -> None:
    class Seen(Backbone):
        width, margin = 3, 0

        def forward(self, lr: Tensor) -> Tensor:
            return lr

    network, lr = MetaUpscale(Seen()), torch.rand(1, 3, 4, 5)
    torch.testing.assert_close(network.encode(lr), 255 * (lr - DIV2K_MEAN), atol=1e-3, rtol=0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    torch.testing.assert_close(network(lr, 2), DIV2K_MEAN.expand(1, 3, 8, 10), atol=1e-6, rtol=0)


def test_the_authors_files_are_taken() -> None:
    """XuecaiHu/Meta-SR-Pytorch: the backbone's layers stand beside `P2W`, `sub_mean` and `add_mean`."""
    for network in (small(), MetaRDN(2, 2, 3, 4)):
        tensors = network.state_dict()
        assert {"P2W.meta_block.0.weight", "P2W.meta_block.2.bias", "sub_mean.weight", "add_mean.bias"} <= set(tensors)
        theirs = {name.removeprefix("backbone."): tensor for name, tensor in tensors.items()}
        assert {"head.0.weight", "SFENet1.weight"} & set(theirs)
        adopted = network.adopt(theirs)
        assert set(adopted) == set(tensors)
        assert all(torch.equal(adopted[name], tensor) for name, tensor in tensors.items())
        assert dict(network.adopt(tensors)) == tensors


def test_weights_are_predicted_in_full_precision() -> None:
    torch.manual_seed(0)
    network, lr = small().eval(), torch.rand(1, 3, 9, 8)
    features, grid = network.encode(lr).detach(), Grid.of((9, 8), 2.5)
    exact = network.decode(features, grid, 2.5)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(network.decode(features, grid, 2.5), exact)
    promises.check_learning_and_low_precision(MetaEDSR(2, 16, channels="y"))


@pytest.mark.parametrize("scale", [2.5, 1.37, (1.5, 2), 2**0.5], ids=str)
def test_it_runs_without_contents_and_is_exported_at_any_scale(scale: Scale) -> None:
    promises.check_copies(small(), scale)

    class AtOneScale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = small()

        def forward(self, lr: Tensor) -> Tensor:
            sr: Tensor = self.network(lr, scale)
            return sr

    lr = torch.rand(1, 3, 7, 6)
    with torch.no_grad():
        exported = torch.export.export(AtOneScale(), (lr,)).module()(lr)
        torch.testing.assert_close(exported, small()(lr, scale), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", [1.1, 3.9, 4, 2.37, 2**0.5], ids=str)
def test_predicted_weights_do_not_fill_memory(scale: float) -> None:
    """A weight for each SR pixel would be 1728 numbers: of 16 crops at ×4 2.8 GB, of a large picture 29 GB."""
    with torch.device("meta"):
        prediction = WeightPrediction(64, 3)
        crops, picture = torch.empty(16, 64, 50, 50), torch.empty(1, 64, 512, 512)
        with AliveTensors() as training:
            prediction.mapped(crops, Grid.of((50, 50), scale)).sum().backward()  # type: ignore[no-untyped-call]
        with torch.inference_mode(), AliveTensors() as enlarging:
            prediction.mapped(picture, Grid.of((512, 512), scale))
    assert training.peak < 1e9
    assert enlarging.peak < 0.4e9


@pytest.mark.parametrize("wrong", [{"blocks": 0}, {"width": 0}, {"channels": "bgr"}, {"scale": 2}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(MetaEDSR, wrong)
