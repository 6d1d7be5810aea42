"""The sub-pixel upsampler makes the same features in training and in use."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sr_plugins_cnn.sub_pixel import SubPixelUpsampler, sub_pixel_factors


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("activation", [None, nn.PReLU])
def test_it_is_convolutions_and_pixel_shuffles(scale: int, activation: type[nn.Module] | None) -> None:
    torch.manual_seed(scale)
    upsampler = SubPixelUpsampler(scale, 6, activation)
    features = torch.rand(2, 6, 4, 5)
    expected = features
    convolutions = [layer for layer in upsampler if isinstance(layer, nn.Conv2d)]
    for layer, factor in zip(convolutions, sub_pixel_factors(scale), strict=True):
        expected = F.pixel_shuffle(F.conv2d(expected, layer.weight, layer.bias, padding=1), factor)
        expected = expected if activation is None else F.prelu(expected, torch.tensor([0.25]))
    torch.testing.assert_close(upsampler(features), expected)
    for layout in (torch.contiguous_format, torch.channels_last):
        upsampler.to(memory_format=layout)
        with torch.inference_mode():
            torch.testing.assert_close(upsampler(features), expected)


@pytest.mark.parametrize("scale", [0, 5, 6])
def test_a_scale_that_it_cannot_make_is_refused(scale: int) -> None:
    with pytest.raises(ValueError, match=f"not ×{scale}"):
        SubPixelUpsampler(scale, 4)
