"""Transposed convolutions that enlarge by their stride, computed as ordinary ones."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from sr_plugins_cnn.transposed import Enlarging


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [(2, 2, 0), (3, 2, 0), (3, 2, 1), (4, 2, 1), (5, 2, 2), (6, 2, 2), (3, 3, 0), (9, 3, 4), (9, 4, 4), (12, 8, 2)],
)
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (6, 7)])
@pytest.mark.parametrize("maps", [1, 6])
def test_it_gives_what_pytorch_gives_cut_or_continued_to_stride_times_the_size(
    kernel: int, stride: int, padding: int, size: tuple[int, int], maps: int
) -> None:
    layer = Enlarging(5, maps, kernel, stride, padding, bias=False)
    features = torch.randn(2, 5, *size)
    rows, columns = stride * size[0], stride * size[1]
    uncut = F.pad(F.conv_transpose2d(features, layer.weight, stride=stride), (0, stride, 0, stride))
    expected = uncut[..., padding : padding + rows, padding : padding + columns]
    assert (layer(features) - expected).abs().max() < 1e-5


def test_the_bias_is_added_everywhere_even_where_no_tap_reaches() -> None:
    layer = Enlarging(3, 2, 3)
    torch.nn.init.zeros_(layer.weight)
    with torch.no_grad():
        layer.get_parameter("bias").copy_(torch.tensor([1.0, 2.0]))
    assert torch.equal(layer(torch.rand(1, 3, 4, 5))[0, :, 0, 0], torch.tensor([1.0, 2.0]))
    assert torch.equal(layer(torch.rand(1, 3, 4, 5)).amin(dim=(0, 2, 3)), layer.bias)


@pytest.mark.parametrize("maps", [2, 8])
def test_gradients_are_pytorch_s(maps: int) -> None:
    layer = Enlarging(3, maps, 4, padding=1).double()
    plain = torch.nn.ConvTranspose2d(3, maps, 4, stride=2, padding=1).double()
    plain.load_state_dict(layer.state_dict())
    features = torch.rand(2, 3, 4, 5, dtype=torch.float64)
    for module in (layer, plain):
        module(features).square().sum().backward()
    for ours, expected in zip(layer.parameters(), plain.parameters(), strict=True):
        assert ours.grad is not None
        assert expected.grad is not None
        assert torch.allclose(ours.grad, expected.grad)
