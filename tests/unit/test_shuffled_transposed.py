"""The shuffled transposed convolution is the transposed convolution."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sr_plugins_cnn.shuffled_transposed import ShuffledTransposedConvolution


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [(9, 2, 4), (9, 3, 4), (9, 4, 4), (9, 8, 4), (4, 2, 1), (3, 2, 1), (6, 2, 2), (2, 2, 0)],
)
@pytest.mark.parametrize("size", [(5, 7), (1, 1), (1, 4)])
def test_it_computes_what_pytorch_computes_and_learns_the_same(
    kernel: int, stride: int, padding: int, size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    ours = ShuffledTransposedConvolution(6, 2, kernel, stride, padding).double()
    plain = nn.ConvTranspose2d(6, 2, kernel, stride, padding, output_padding=stride - kernel + 2 * padding).double()
    plain.load_state_dict(ours.state_dict())
    features = torch.rand(2, 6, *size, dtype=torch.float64)
    result, expected = ours(features), plain(features)
    assert result.shape == (2, 2, stride * size[0], stride * size[1])
    assert torch.allclose(result, expected, atol=1e-12)
    towards = torch.rand_like(expected)
    (result * towards).sum().backward()
    (expected * towards).sum().backward()
    for name, parameter in ours.named_parameters():
        assert torch.allclose(parameter.grad, plain.get_parameter(name).grad, atol=1e-12), name


def test_a_kernel_that_cannot_enlarge_by_exactly_its_stride_is_refused() -> None:
    with pytest.raises(ValueError, match="does not enlarge by exactly 2"):
        ShuffledTransposedConvolution(1, 1, 7, 2, 1)
