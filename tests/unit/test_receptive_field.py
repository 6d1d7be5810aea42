"""How far chains of layers see, against gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sr_plugins_cnn.receptive_field import StridedConvolution, TransposedConvolution


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(6, 2, 2), (7, 3, 2), (8, 4, 2), (12, 8, 2), (3, 2, 0)])
@pytest.mark.parametrize("kinds", [(nn.Conv2d, StridedConvolution), (nn.ConvTranspose2d, TransposedConvolution)])
def test_a_layer_reads_the_pixels_that_change_what_it_says(
    kinds: tuple[type[nn.Module], type], kernel: int, stride: int, padding: int
) -> None:
    layer = kinds[0](1, 1, kernel, stride=stride, padding=padding)
    nn.init.ones_(layer.weight)
    picture = torch.rand(1, 1, 48, 48, requires_grad=True)
    for low, high in ((2, 2), (2, 3), (3, 3)):
        (gradient,) = torch.autograd.grad(layer(picture)[0, 0, low : high + 1].sum(), picture)
        rows = gradient[0, 0].any(dim=1).nonzero()
        assert (rows.min(), rows.max()) == kinds[1](kernel, stride, padding).read(low, high)
