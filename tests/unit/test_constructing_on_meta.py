"""Networks constructed without contents: the same networks, and nothing else is touched."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sr_core.inference.on_meta import constructing_on_meta


def layers() -> nn.Sequential:
    made = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.PReLU(8), nn.Linear(8, 2))
    for fill in (nn.init.kaiming_normal_, nn.init.xavier_uniform_, nn.init.trunc_normal_, nn.init.dirac_):
        fill(made.get_parameter("0.weight"))
    nn.init.constant_(made.get_parameter("3.bias"), 0.1)
    return made


def test_the_tensors_are_those_of_the_real_network() -> None:
    with constructing_on_meta():
        found = layers().state_dict()
    assert {tensor.device.type for tensor in found.values()} == {"meta"}
    for name, real in layers().state_dict().items():
        assert (found[name].shape, found[name].dtype) == (real.shape, real.dtype), name


def test_tensors_with_contents_are_filled_as_ever_and_the_randomness_too() -> None:
    torch.manual_seed(0)
    expected = nn.init.kaiming_uniform_(torch.empty(4, 4)), torch.empty(3).normal_(), torch.ones(2)
    torch.manual_seed(0)
    with constructing_on_meta():
        nn.Conv2d(3, 8, 3)
        found = (
            nn.init.kaiming_uniform_(torch.empty(4, 4, device="cpu")),
            torch.empty(3, device="cpu").normal_(),
            torch.empty(2, device="cpu").fill_(1),
        )
    assert all(map(torch.equal, found, expected))


@pytest.mark.parametrize("fill", [nn.init.kaiming_uniform_, nn.init.kaiming_normal_, nn.init.xavier_uniform_])
def test_what_cannot_be_initialised_so_is_still_refused(fill: object) -> None:
    assert callable(fill)
    with constructing_on_meta(), pytest.raises(ValueError, match="fewer than 2 dimensions"):
        fill(torch.empty(5))
