"""The convolution to a picture's few planes is the convolution, with and without gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sr_plugins_cnn.picture_convolution import PictureConvolution


@pytest.mark.parametrize(
    ("planes", "kernel", "padding"), [(1, 5, 0), (1, 3, None), (3, 3, None), (3, 9, None), (8, 3, None)]
)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [(9, 11), (9, 9), (30, 10)])
def test_it_computes_what_pytorch_computes(
    planes: int, kernel: int, padding: int | None, bias: bool, size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    ours = PictureConvolution(6, planes, kernel, padding=padding, bias=bias).double()
    plain = nn.Conv2d(6, planes, kernel, padding=kernel // 2 if padding is None else padding, bias=bias).double()
    plain.load_state_dict(ours.state_dict())
    features = torch.rand(2, 6, *size, dtype=torch.float64)
    with torch.inference_mode():
        used = ours(features)
    assert used.shape == plain(features).shape
    assert torch.allclose(used, plain(features), atol=1e-12)
    assert torch.equal(ours(features), plain(features)), "training goes the plain way"
