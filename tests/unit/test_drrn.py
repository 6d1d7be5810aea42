"""DRRN: residual units that share their convolutions, and the files of its ports."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import resize
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_plugins_cnn.drrn import DRRN
from tests.unit import network_promises as promises
from tests.unit.recomputing_promises import check_recomputing

WIDTH = 4


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def with_own_statistics(network: nn.Module) -> nn.Module:
    """The network for use, its normalisations all different."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.weight, layer.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
            for tensor in (layer.bias, layer.running_mean):
                nn.init.uniform_(tensor, -0.5, 0.5)
    return network.eval()


@pytest.mark.parametrize("blocks", [1, 2])
def test_it_is_the_layers_written_out_plainly(blocks: int) -> None:
    network = with_own_statistics(DRRN(blocks, units=3, width=WIDTH))
    lr = torch.rand(2, 1, 6, 7)
    with torch.no_grad():
        expected = written_out(network.state_dict(), resize(lr, 2), blocks, units=3)
        torch.testing.assert_close(network(lr, 2), expected)


def written_out(tensors: dict[str, Tensor], enlarged: Tensor, blocks: int, units: int) -> Tensor:
    def layer(norm: str, convolution: str, maps: Tensor) -> Tensor:
        statistics = (tensors[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        normal = F.batch_norm(maps, *statistics)
        return F.conv2d(normal.relu(), tensors[f"{convolution}.weight"], tensors[f"{convolution}.bias"], padding=1)

    features = enlarged
    for block in (f"blocks.{number}" for number in range(blocks)):
        first = features = layer(f"{block}.input.bn", f"{block}.input.conv", features)
        for unit in range(units):
            hidden = layer(f"{block}.residual.bn1.{unit}", f"{block}.residual.conv1", features)
            features = layer(f"{block}.residual.bn2.{unit}", f"{block}.residual.conv2", hidden) + first
    return layer("output.bn", "output.conv", features) + enlarged


def test_more_units_are_deeper_and_have_no_more_convolutions() -> None:
    shallow, deep = DRRN(units=2, width=WIDTH), DRRN(units=5, width=WIDTH)
    convolutions = [[name for name, _ in n.named_parameters() if "conv" in name] for n in (shallow, deep)]
    assert convolutions[0] == convolutions[1]
    more = set(dict(deep.named_parameters())) - set(dict(shallow.named_parameters()))
    assert len(more) == 3 * 2 * 2
    assert all(".bn" in name for name in more)


def port(tensors: dict[str, Tensor], names: tuple[str, str, str, str], units: int, enlarged: Tensor) -> Tensor:
    """What the ports compute: ReLU in place, which also rectifies what it was given, wherever else that is used."""
    first, a, b, last = (tensors[name] for name in names)
    inputs = F.conv2d(F.relu(enlarged), first, padding=1)
    features = inputs
    for _ in range(units):
        hidden = F.conv2d(F.relu(features, inplace=True), a, padding=1)
        features = F.conv2d(F.relu(hidden, inplace=True), b, padding=1) + inputs
    return F.conv2d(F.relu(features, inplace=True), last, padding=1) + enlarged


PORTS = {
    "jt827859032/DRRN-pytorch": ("input.weight", "conv1.weight", "conv2.weight", "output.weight"),
    "yjn870/DRRN-pytorch": (
        "rbs.0.h0.module.1.weight",
        "rbs.0.ru.module.0.module.1.weight",
        "rbs.0.ru.module.1.module.1.weight",
        "rec.module.1.weight",
    ),
    "Lornatang/DRRN-PyTorch": (
        "conv1.1.weight",
        "trunk.residual_unit.1.weight",
        "trunk.residual_unit.3.weight",
        "conv2.1.weight",
    ),
}


@pytest.mark.parametrize("names", PORTS.values(), ids=PORTS)
def test_the_file_of_a_port_gives_the_port_s_pictures(names: tuple[str, str, str, str]) -> None:
    shapes = ((WIDTH, 1, 3, 3), (WIDTH, WIDTH, 3, 3), (WIDTH, WIDTH, 3, 3), (1, WIDTH, 3, 3))
    file = {name: torch.randn(shape) / 3 for name, shape in zip(names, shapes, strict=True)}
    network = DRRN(units=4, width=WIDTH, batch_norm=False, bias=False)
    network.load_state_dict(network.adopt(file))  # type: ignore[arg-type]
    lr = torch.rand(1, 1, 8, 6)
    with torch.no_grad():
        torch.testing.assert_close(network(lr, 2), port(file, names, 4, resize(lr, 2)))


@pytest.mark.parametrize("batch_norm", [True, False])
def test_its_own_names_are_left_alone(batch_norm: bool) -> None:
    tensors = DRRN(2, 2, WIDTH, batch_norm=batch_norm).state_dict()
    assert list(DRRN(2, 2, WIDTH, batch_norm=batch_norm).adopt(tensors)) == list(tensors)


@pytest.mark.parametrize("depth", [{"units": 9}, {"blocks": 3, "units": 2}])
def test_it_sees_as_far_as_all_its_convolutions_together(depth: dict[str, int]) -> None:
    promises.check_margin(DRRN(**depth, width=1, scales=(2,)).eval(), 2)


def test_fractional_scales_and_scales_of_two_axes_are_taken() -> None:
    scales = (2, 2.5, (2, 3))
    promises.check_one_pixel_and_odd_sizes(DRRN(units=2, width=4, scales=scales).eval(), scales)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_recomputing_gives_the_same_gradients_and_statistics_in_less_memory(batch_norm: bool) -> None:
    check_recomputing(DRRN(units=25, width=8, batch_norm=batch_norm), share=0.4 if batch_norm else 0.7)


def test_its_first_weights_are_those_of_he() -> None:
    network = DRRN()
    weight = network.blocks[0].get_parameter("residual.conv2.weight")
    assert weight.std().item() == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.02)


@pytest.mark.parametrize("wrong", [{"blocks": 0}, {"units": 0}, {"width": 0}, {"batch_norm": 2}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(DRRN, wrong)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore:Dynamo detected a call:UserWarning")
def test_compiled_it_recomputes_too_and_counts_each_batch_once() -> None:
    written, lr = DRRN(units=2, width=3, recompute=True), torch.rand(2, 1, 6, 5)
    compiled = copy.deepcopy(written)
    torch._dynamo.reset()
    for network in (written, torch.compile(compiled, backend="aot_eager")):
        network(lr, 2).square().mean().backward()
    for one, other in zip(written.parameters(), compiled.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-3, atol=1e-5)
    for one, other in zip(written.buffers(), compiled.buffers(), strict=True):
        torch.testing.assert_close(other, one)
