"""DBPN: projections mended by what they got wrong, dense or not, under the names of the authors' files."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.dbpn import DBPN
from tests.unit import network_promises as promises

KERNELS = {2: 6, 4: 8, 8: 12}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def small(scale: int = 2, stages: int = 3, dense: bool = True, channels: str | int = "rgb") -> DBPN:
    return DBPN(scale, stages, dense, features=6, width=4, channels=channels)  # type: ignore[arg-type]


def published(scale: int, stages: int, dense: bool, features: int = 6, width: int = 4) -> dict[str, Tensor]:
    """A file as the authors' code stores it."""
    kernel = KERNELS[scale]
    shapes = {"feat0.conv": (features, 3, 3, 3), "feat1.conv": (width, features, 1, 1)}
    for stage in range(1, stages + 1):
        for unit in ("up", "down"):
            if unit == "down" and stage == stages:
                continue
            former = stage - 1 if unit == "up" else stage
            if dense and former > 1:
                shapes[f"{unit}{stage}.conv.conv"] = (width, former * width, 1, 1)
            for place in (1, 2, 3):
                enlarges = (place == 2) == (unit == "down")
                name = f"{unit}{stage}.{unit}_conv{place}." + ("deconv" if enlarges else "conv")
                shapes[name] = (width, width, kernel, kernel)
    file = {}
    for name, shape in shapes.items():
        file[f"{name}.weight"] = torch.randn(shape) / (shape[1] * shape[2] ** 2) ** 0.5
        file[f"{name}.bias"] = torch.randn(shape[0]) / 5
        file[f"{name.rpartition('.')[0]}.act.weight"] = 0.1 + torch.rand(1) / 2
    file["output_conv.conv.weight"] = torch.randn(3, stages * width, 3, 3) / 10
    file["output_conv.conv.bias"] = torch.randn(3)
    return file


def as_the_authors_compute(file: dict[str, Tensor], lr: Tensor, scale: int, stages: int, dense: bool) -> Tensor:
    """Their layers one after the other; the newest output first."""

    def layer(name: str, maps: Tensor) -> Tensor:
        block, kind = name.rsplit(".", 1)
        weight, bias = file[f"{name}.weight"], file[f"{name}.bias"]
        if kind == "deconv":
            maps = F.conv_transpose2d(maps, weight, bias, stride=scale, padding=2)
        elif weight.shape[-1] == KERNELS[scale]:
            maps = F.conv2d(maps, weight, bias, stride=scale, padding=2)
        else:
            maps = F.conv2d(maps, weight, bias, padding=weight.shape[-1] // 2)
        return F.prelu(maps, file[f"{block}.act.weight"]) if f"{block}.act.weight" in file else maps

    def projected(unit: str, number: int, maps: Tensor) -> Tensor:
        there, back = ("deconv", "conv") if unit == "up" else ("conv", "deconv")
        place = f"{unit}{number}"
        if f"{place}.conv.conv.weight" in file:
            maps = layer(f"{place}.conv.conv", maps)
        first = layer(f"{place}.{unit}_conv1.{there}", maps)
        error = layer(f"{place}.{unit}_conv2.{back}", first) - maps
        return layer(f"{place}.{unit}_conv3.{there}", error) + first

    high = newest = projected("up", 1, layer("feat1.conv", layer("feat0.conv", lr)))
    low: Tensor | None = None
    for number in range(1, stages):
        newest = projected("down", number, high if dense else newest)
        low = newest if low is None else torch.cat((newest, low), 1)
        newest = projected("up", number + 1, low if dense else newest)
        high = torch.cat((newest, high), 1)
    return layer("output_conv.conv", high)


@pytest.mark.parametrize(("scale", "stages", "dense"), [(2, 4, True), (4, 3, True), (8, 2, True), (2, 4, False)])
def test_the_authors_files_give_what_they_give_there(scale: int, stages: int, dense: bool) -> None:
    file = published(scale, stages, dense)
    network = small(scale, stages, dense)
    network.load_state_dict(dict(network.adopt(file)))
    lr = torch.rand(2, 3, 5, 4)
    expected = as_the_authors_compute(file, lr, scale, stages, dense)
    torch.testing.assert_close(network(lr, scale), expected, atol=1e-5, rtol=1e-5)


def test_first_weights_are_he_s_as_if_transposed_convolutions_were_ordinary_ones() -> None:
    network = DBPN(4, stages=2, features=64, width=32)
    tensors = network.state_dict()
    expected = {"feat0.conv": 27, "feat1.conv": 64, "up1.up_conv1.deconv": 32 * 64, "down1.down_conv1.conv": 32 * 64}
    for name, fan_in in expected.items():
        assert tensors[f"{name}.weight"].std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.06)
    assert not any(tensor.any() for name, tensor in tensors.items() if name.endswith("bias"))
    assert {tensor.item() for name, tensor in tensors.items() if ".act." in name} == {0.25}


@pytest.mark.parametrize(("scale", "stages"), [(2, 1), (2, 4), (4, 2), (8, 2)])
@pytest.mark.parametrize("dense", [True, False])
def test_the_margin_is_exact(scale: int, stages: int, dense: bool) -> None:
    promises.check_margin(DBPN(scale, stages, dense, features=2, width=2, channels="y"), scale)


def test_low_precision_does_not_round_the_picture() -> None:
    network = small()
    lr = torch.rand(1, 3, 12, 12)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        sr = network(lr, 2)
    assert sr.dtype == torch.float32
    assert not torch.equal(sr, sr.bfloat16().float())


def test_any_size_and_any_number_of_planes() -> None:
    promises.check_one_pixel_and_odd_sizes(small(4), (4,))
    promises.check_copies(small(2), 2)
    for channels in ("y", "rgb", 1, 31, 200):
        check_model(small(2, channels=channels))


@pytest.mark.parametrize("wrong", [{"stages": 0}, {"features": 0}, {"width": 0}, {"channels": "bgr"}, {"scale": 16}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(DBPN, {"scale": 2, **wrong})


@pytest.mark.parametrize("scale", [3, 5])
def test_a_scale_that_the_paper_has_no_network_for_is_refused(scale: int) -> None:
    with pytest.raises(ValueError, match=f"×2, ×4 or ×8, not ×{scale}"):
        DBPN(scale)
