"""Every network can be compiled for training and exported for use; exceptions are named, and must be."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from sr_core import Model
from sr_core.imaging.kernels import weighted_sums
from sr_plugins_cnn.planes import plane_count
from tests.networks.catalogue import NETWORKS, SmallNetwork

NOT_COMPILED: dict[str, str] = {}
NOT_EXPORTED: dict[str, str] = {}
"""By the name of the variant, with the reason; each must fail, so that none stays here longer than it has to."""

pytestmark = [
    pytest.mark.slow,
    # Of PyTorch's compiler itself: it imports old parts of PyTorch.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),
]


@pytest.fixture(autouse=True)
def _fresh_compiler() -> Iterator[None]:
    weighted_sums.cache_clear()  # what an export asks for first must not stay an export's
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def every_network_but(exceptions: dict[str, str]) -> pytest.MarkDecorator:
    """Every network; those that are excepted must fail."""

    def marks(name: str) -> list[pytest.MarkDecorator]:
        return [pytest.mark.xfail(reason=exceptions[name])] if name in exceptions else []

    rows = [pytest.param(small, id=name, marks=marks(name)) for name, small in NETWORKS.items()]
    return pytest.mark.parametrize("small", rows)


@every_network_but(NOT_COMPILED)
def test_compiled_it_makes_the_same_picture_and_gradients(small: SmallNetwork) -> None:
    written, scale = small.build().train(), small.scales[0]
    compiled = copy.deepcopy(written)
    lr = torch.rand(2, plane_count(written.channels), 7, 9)
    sr = written(lr, scale)
    made = torch.compile(compiled, backend="aot_eager")(lr, scale)
    torch.testing.assert_close(made, sr, rtol=1e-5, atol=1e-5)
    for picture in (sr, made):
        picture.square().mean().backward()
    for (name, parameter), other in zip(written.named_parameters(), compiled.parameters(), strict=True):
        if parameter.grad is not None:
            assert other.grad is not None, name
            torch.testing.assert_close(other.grad, parameter.grad, rtol=1e-3, atol=1e-5)


@every_network_but(NOT_EXPORTED)
def test_exported_it_makes_the_same_picture(small: SmallNetwork) -> None:
    network, scale = small.build().eval(), small.scales[0]
    lr = torch.rand(1, plane_count(network.channels), 7, 9)
    with torch.no_grad():
        exported = torch.export.export(AtOneScale(network, scale), (lr,))
        torch.testing.assert_close(exported.module()(lr), network(lr, scale), rtol=1e-5, atol=1e-5)


class AtOneScale(torch.nn.Module):
    """A network with its scale fixed, as an exported one is used."""

    def __init__(self, network: Model, scale: int) -> None:
        super().__init__()
        self.network, self.scale = network, scale

    def forward(self, lr: Tensor) -> Tensor:
        result: Tensor = self.network(lr, self.scale)
        return result


def test_the_exceptions_are_networks_and_have_reasons() -> None:
    for exceptions in (NOT_COMPILED, NOT_EXPORTED):
        assert set(exceptions) <= set(NETWORKS)
        assert all(re.fullmatch(r"\S.{10,}", reason) for reason in exceptions.values())
