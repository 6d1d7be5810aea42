"""DWSR: sub-bands of the Haar wavelet in and out, at half the size of SR, and the names of the authors' variables."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core import resize
from sr_core.errors import ParameterError
from sr_core.inference.engine import super_resolve
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.dwsr import DWSR
from sr_plugins_cnn.wavelets import from_sub_bands, sub_bands
from tests.unit import network_promises as promises


def small(**parameters: object) -> DWSR:
    torch.manual_seed(0)
    return DWSR(depth=2, width=8, **parameters)  # type: ignore[arg-type]


def haar(length: int) -> Tensor:
    """The matrix of the Haar transform along one side: sums above, differences below, of length one each."""
    pairs = torch.eye(length // 2, dtype=torch.float64).repeat_interleave(2, dim=1)
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(length // 2)
    return torch.cat([pairs, pairs * signs]) / 2**0.5


def test_sub_bands_are_the_product_with_the_haar_matrix_on_both_sides() -> None:
    image = torch.rand(1, 1, 6, 10, dtype=torch.float64)
    product = haar(6) @ image[0, 0] @ haar(10).T
    expected = torch.stack([product[:3, :5], product[3:, :5], product[:3, 5:], product[3:, 5:]])
    torch.testing.assert_close(sub_bands(image)[0], expected)


def test_sub_bands_of_a_plane_stand_together_and_give_it_back() -> None:
    image = torch.rand(2, 3, 8, 6)
    bands = sub_bands(image)
    for plane in range(3):
        torch.testing.assert_close(bands[:, 4 * plane : 4 * plane + 4], sub_bands(image[:, plane : plane + 1]))
    torch.testing.assert_close(from_sub_bands(bands), image)


def test_a_squared_error_of_sub_bands_is_that_of_pixels() -> None:
    """So that training compares what the paper compares."""
    sr, hr = torch.rand(2, 1, 1, 12, 12, dtype=torch.float64)
    torch.testing.assert_close(F.mse_loss(sub_bands(sr), sub_bands(hr)), F.mse_loss(sr, hr))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_without_residual_sub_bands_it_is_bicubic(scale: int) -> None:
    network = small()
    torch.nn.init.zeros_(network.last.weight)
    lr = torch.rand(2, 1, 5, 7)
    assert torch.equal(network(lr, scale), resize(lr, scale))


def test_an_odd_side_is_continued_by_one_line() -> None:
    network = small()
    lr = torch.rand(1, 1, 5, 6)
    enlarged = resize(lr, 3)
    features = sub_bands(torch.cat([enlarged, enlarged[..., -1:, :]], dim=-2))
    bands = features
    for layer in (network.first, *network.body):
        features = layer(features).relu()
    expected = from_sub_bands(bands + network.last(features))[..., :15, :]
    torch.testing.assert_close(network(lr, 3), expected)


def test_at_3_tiles_begin_where_sub_bands_do() -> None:
    assert small(scales=(2, 4)).multiple == 1
    network = small(scales=(3,)).eval()
    picture = torch.rand(1, 1, 21, 23)
    torch.testing.assert_close(
        super_resolve(network, picture, 3, tile=5), super_resolve(network, picture, 3), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("scale", [2, 3, 4, 5])
@pytest.mark.parametrize("first_kernel", [3, 5])
def test_the_margin_is_exact(first_kernel: int, scale: int) -> None:
    promises.check_margin(small(first_kernel=first_kernel, scales=(scale,)), scale)


def test_its_first_weights_are_those_of_the_authors() -> None:
    torch.manual_seed(0)
    network = DWSR(depth=1)
    assert network.first.weight.std().item() == pytest.approx((2 / 9) ** 0.5, rel=0.03)
    for layer in (network.body[0], network.last):
        assert layer.weight.std().item() == pytest.approx((2 / 9 / 64) ** 0.5, rel=0.03)
    assert not any(parameter.any() for name, parameter in network.named_parameters() if "bias" in name)


def test_the_authors_variables_are_adopted() -> None:
    network = small()
    own = network.state_dict()
    layers = {"conv_00": "first", "conv_01": "body.0", "conv_02": "body.1", "conv_20": "last"}
    theirs = {f"{theirs}_w": own[f"{ours}.weight"].permute(2, 3, 1, 0) for theirs, ours in layers.items()}
    theirs |= {f"{theirs}_b": own[f"{ours}.bias"] for theirs, ours in layers.items()}
    adopted = network.adopt(theirs)
    assert adopted.keys() == own.keys()
    assert all(torch.equal(adopted[name], own[name]) for name in own)
    assert dict(network.adopt(own)) == own


def test_any_number_of_planes_and_low_precision() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(DWSR(depth=3, width=16))
    for channels in ("rgb", 31):
        check_model(small(channels=channels))


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"first_kernel": 4}, {"scales": [2.5]}, {"scales": []}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(DWSR, wrong)
