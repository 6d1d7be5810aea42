"""SAN: roots of covariances in float32, quarters that look at themselves, and the authors' names."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sr_core.errors import ParameterError
from sr_core.inference.alive_tensors import AliveTensors
from sr_core.parameters import check_parameters
from sr_plugins_cnn.non_local import RegionNonLocal
from sr_plugins_cnn.san import SAN
from sr_plugins_cnn.second_order import SecondOrderAttention, covariance, matrix_square_root
from tests.unit import network_promises as promises


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def small(scale: int = 2, **more: object) -> SAN:
    small_sizes = {"groups": 2, "blocks": 1, "width": 8, "reduction": 4, "embedded": 4}
    return SAN(scale, **{**small_sizes, **more})  # type: ignore[arg-type]


def looking(width: int = 8, embedded: int = 4) -> RegionNonLocal:
    """As after training: at first it adds nothing."""
    layer = RegionNonLocal(width, embedded)
    nn.init.normal_(layer.non_local.W.weight)
    nn.init.normal_(layer.non_local.W.bias)  # type: ignore[arg-type]
    return layer


def test_the_covariance_is_that_of_the_maps_over_all_places() -> None:
    features = 5 + torch.randn(2, 4, 7, 9)
    expected = torch.stack([picture.flatten(1).cov(correction=0) for picture in features])
    torch.testing.assert_close(covariance(features), expected)
    torch.testing.assert_close(covariance(features.contiguous(memory_format=torch.channels_last)), expected)


def test_the_root_is_found_by_five_steps_of_newton_and_schulz() -> None:
    def step_by_step(share: float) -> float:
        y, z = share, 1.0
        for _ in range(5):
            middle = (3 - z * y) / 2
            y, z = y * middle, middle * z
        return y

    turned, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
    shares = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
    matrix = 40 * turned @ shares.diag() @ turned.T
    expected = torch.tensor([step_by_step(float(share)) for share in shares], dtype=torch.float64)
    torch.testing.assert_close(matrix_square_root(matrix[None])[0], 40**0.5 * turned @ expected.diag() @ turned.T)
    many = matrix_square_root(matrix[None], iterations=20)[0]
    torch.testing.assert_close(many @ many, matrix)


def test_maps_that_do_not_vary_give_finite_weights_and_gradients() -> None:
    layer = SecondOrderAttention(8, 4)
    for features in (torch.rand(2, 8, 1, 1), torch.full((1, 8, 5, 5), 0.1), torch.zeros(1, 8, 3, 4)):
        features.requires_grad_()
        attended = layer(features)
        attended.sum().backward()
        assert attended.isfinite().all()
        assert features.grad is not None
        assert features.grad.isfinite().all()


@pytest.mark.parametrize("layer", [SecondOrderAttention(8, 4), looking()], ids=["second order", "non-local"])
def test_autocast_rounds_neither_attention(layer: nn.Module) -> None:
    features = 100 * torch.randn(1, 8, 12, 10)
    exact = layer(features)
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast = layer(features)
    assert under_autocast.dtype == torch.float32
    assert torch.equal(under_autocast, exact)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 1), (6, 4), (7, 5)])
def test_each_place_looks_at_all_places_of_its_quarter(size: tuple[int, int]) -> None:
    layer, features = looking(), torch.randn(2, 8, *size)
    inside = layer.non_local
    expected = features.clone()
    down, across = size[0] // 2, size[1] // 2
    for rows in (slice(0, down), slice(down, None)):
        for columns in (slice(0, across), slice(across, None)):
            quarter = features[:, :, rows, columns]
            if not quarter.numel():
                continue
            query, key, value = (part(quarter).flatten(2) for part in (inside.theta, inside.phi, inside.g))
            shares = torch.einsum("ncq,nck->nqk", query, key).softmax(dim=2)
            found = torch.einsum("nqk,nck->ncq", shares, value).view(2, -1, *quarter.shape[2:])
            expected[:, :, rows, columns] += inside.W(found)
    torch.testing.assert_close(layer(features), expected)
    torch.testing.assert_close(layer(features.contiguous(memory_format=torch.channels_last)), expected)


@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_large_pictures_need_no_table_of_all_pairs_of_places(learning: bool, layout: torch.memory_format) -> None:
    layer, features = looking(), torch.randn(1, 8, 96, 96).contiguous(memory_format=layout)
    with torch.set_grad_enabled(learning), AliveTensors() as meter:
        layer(features)
    pairs = (48 * 48) ** 2 * 4
    assert meter.peak < pairs / 8


@pytest.mark.parametrize("scale", [2, 4])
def test_the_authors_file_fits_without_the_layers_that_they_never_call(scale: int) -> None:
    with torch.device("meta"):
        network = SAN(scale)
        unused = nn.ModuleDict({"conv_last": nn.Conv2d(64, 64, 3)}).state_dict()
        for layer, shape in (("0", (64, 8)), ("2", (8, 64))):
            unused |= nn.ModuleDict({f"non_local_soca_conv_du_{layer}": nn.Conv2d(*shape, 1)}).state_dict()
        unused = {name.replace("non_local_soca_conv_du_", "non_local.soca.conv_du."): t for name, t in unused.items()}
        unused |= {f"RG.{group}.gamma": torch.zeros(1) for group in range(20)}
    assert sum(tensor.numel() for tensor in unused.values()) == 38_044
    released: dict[str, Tensor] = {**network.state_dict(), **unused}
    assert network.adopt(released).keys() == network.state_dict().keys()


def test_a_file_of_the_authors_other_network_is_not_taken_for_one_of_this() -> None:
    """Its unused layer stays, and names that a network does not have are refused."""
    network = small()
    other = {**network.state_dict(), "conv_last.weight": torch.zeros(8, 8, 3, 3), "conv_last.bias": torch.zeros(8)}
    assert network.adopt(other).keys() - network.state_dict().keys() == {"conv_last.weight", "conv_last.bias"}


def test_its_tensors_are_called_as_the_authors_call_them() -> None:
    names = {name.removesuffix(".weight") for name in small(4, groups=1).state_dict() if not name.endswith("bias")}
    group = {f"RG.0.{layer}" for layer in ("rcab.0.conv_first.0", "rcab.0.conv_first.2", "conv_last")}
    attentions = {f"non_local.non_local.{layer}" for layer in ("g", "theta", "phi", "W")}
    attentions |= {"RG.0.soca.conv_du.0", "RG.0.soca.conv_du.2"}
    ends = {"gamma", "head.0", "tail.0.0", "tail.0.2", "tail.1", "sub_mean", "add_mean"}
    assert names == group | attentions | ends


def test_at_first_nothing_is_added_by_places_and_by_the_shared_source() -> None:
    network = small(width=64, blocks=2)
    assert torch.equal(network.gamma, torch.zeros(1))
    features = torch.randn(1, 64, 6, 5)
    assert torch.equal(network.non_local(features), features)
    network.non_local.non_local.W = nn.Conv2d(1, 1, 1)  # the one that starts otherwise
    promises.check_first_weights_of_pytorch(network)


def test_a_pixel_depends_on_others_far_beyond_its_convolutions() -> None:
    network, lr = small(groups=1).eval(), torch.rand(1, 3, 40, 40, requires_grad=True)
    network(lr, 2)[..., 0, 0].sum().backward()
    assert lr.grad is not None
    assert network.margin is None
    assert lr.grad.any(dim=1).all()


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    promises.check_learning_and_low_precision(small(width=16, channels="y"))


@pytest.mark.parametrize(
    "wrong", [{"groups": 0}, {"blocks": 0}, {"reduction": 0}, {"embedded": 0}, {"channels": "bgr"}]
)
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(SAN, {"scale": 2, **wrong})
