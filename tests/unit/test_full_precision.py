"""`full_precision` keeps a block out of autocast, on every device that networks are tried on."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from sr_core import full_precision
from sr_core.evaluation.cost import count_multiply_adds
from sr_plugins_cnn.espcn import ESPCN


def test_a_layer_inside_is_computed_in_float32_under_autocast() -> None:
    image, weight = torch.rand(1, 1, 8, 8), torch.rand(1, 1, 3, 3)
    with torch.autocast("cpu", torch.bfloat16):
        assert F.conv2d(image, weight).dtype == torch.bfloat16
        with full_precision(image.bfloat16(), weight) as (features, kernel):
            assert features.dtype == kernel.dtype == torch.float32
            assert F.conv2d(features, kernel).dtype == torch.float32


def test_float64_stays() -> None:
    with full_precision(torch.rand(1, dtype=torch.float64)) as (number,):
        assert number.dtype == torch.float64


def test_networks_that_use_it_can_be_counted_without_computing() -> None:
    """ESPCN at x2 for a 1280x720 picture: (5·5·64 + 3·3·64·32 + 3·3·32·4) multiply-adds for each of 640x360 pixels."""
    assert count_multiply_adds(ESPCN(2), 2) == (5 * 5 * 64 + 9 * 64 * 32 + 9 * 32 * 4) * 640 * 360
