"""Drift: the mean signed difference between SR, shrunk again, and LR."""

from __future__ import annotations

import pytest
import torch

from sr_core.errors import SrkitError
from sr_core.metrics.drift import Drift, drift


def lr() -> torch.Tensor:
    return torch.rand((2, 3, 9, 12), generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 0.5 + 0.2


def enlarged(image: torch.Tensor, scale: int) -> torch.Tensor:
    return image.repeat_interleave(scale, -2).repeat_interleave(scale, -1)


def test_a_tint_is_found_in_its_plane_with_its_sign() -> None:
    flat = torch.full((1, 3, 8, 10), 0.4, dtype=torch.float64)
    tinted = enlarged(flat, 4)
    tinted[:, 0] += 3 / 255
    tinted[:, 2] -= 5 / 255
    assert torch.allclose(drift(tinted, flat, 4), torch.tensor([[3.0, 0.0, -5.0]], dtype=torch.float64), atol=1e-6)
    assert float(Drift()(tinted, flat, 4)) == pytest.approx(5)


def test_a_shift_of_all_levels_counts_whatever_the_picture_shows() -> None:
    sr = enlarged(lr(), 3)
    before = drift(sr, lr(), 3)
    after = drift(sr + 2 / 255, lr(), 3)
    assert torch.allclose(after - before, torch.full((2, 3), 2.0, dtype=torch.float64), atol=1e-6)


def test_errors_of_single_pixels_cancel_out() -> None:
    sr = enlarged(lr(), 4)
    chequered = torch.ones_like(sr)
    chequered[..., ::2, 1::2] = -1
    chequered[..., 1::2, ::2] = -1
    assert torch.allclose(drift(sr + 0.1 * chequered, lr(), 4), drift(sr, lr(), 4), atol=0.3)


def test_a_picture_that_was_made_smaller_has_none() -> None:
    with pytest.raises(SrkitError, match="the scale is below 1"):
        drift(lr()[..., ::2, ::2], lr(), 0.5)
