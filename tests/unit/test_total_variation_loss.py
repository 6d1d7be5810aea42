"""Total variation, by plain loops and by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from sr_core import Batch
from sr_plugins_losses.total_variation import TotalVariation

BATCH = Batch(lr=torch.zeros(1, 1, 1, 1), scale=2, step=0, progress=0.0)


def by_loops(picture: Tensor, variant: str) -> float:
    """Of all samples and planes together."""
    total = 0.0
    height, width = picture.shape[-2:]
    for plane in picture.flatten(0, 1).tolist():
        for y in range(height):
            for x in range(width):
                dx = plane[y][x + 1] - plane[y][x] if x + 1 < width else 0
                dy = plane[y + 1][x] - plane[y][x] if y + 1 < height else 0
                total += math.hypot(dx, dy) if variant == "isotropic" else abs(dx) + abs(dy)
    return total


@pytest.mark.parametrize("variant", ["isotropic", "anisotropic"])
@pytest.mark.parametrize("planes", [1, 3])
def test_it_is_the_size_of_the_gradient(variant: str, planes: int) -> None:
    sr = torch.rand(2, planes, 7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    total = by_loops(sr, variant)
    assert TotalVariation(variant)(sr, sr, BATCH).item() == pytest.approx(total / sr.numel())  # type: ignore[arg-type]
    per_sample = TotalVariation(variant, "sum_per_sample")(sr, sr, BATCH)  # type: ignore[arg-type]
    assert per_sample.item() == pytest.approx(total / 2)


def test_by_hand() -> None:
    ramp = torch.tensor([[0.0, 0.3], [0.4, 0.7]]).view(1, 1, 2, 2)  # 0.3 to the right, 0.4 down
    assert TotalVariation("isotropic", "sum_per_sample")(ramp, ramp, BATCH).item() == pytest.approx(0.5 + 0.4 + 0.3)
    assert TotalVariation("anisotropic", "sum_per_sample")(ramp, ramp, BATCH).item() == pytest.approx(1.4)


def test_srgans_weight_on_the_mean_of_96_pixel_crops() -> None:
    sr = torch.rand(4, 3, 96, 96)
    summed = 2e-8 * TotalVariation(reduction="sum_per_sample")(sr, sr, BATCH).item()
    assert summed == pytest.approx(5.5e-4 * TotalVariation()(sr, sr, BATCH).item(), rel=0.01)


def test_hr_plays_no_part_and_a_flat_picture_has_none() -> None:
    sr = torch.rand(1, 1, 5, 5)
    loss = TotalVariation()
    assert torch.equal(loss(sr, sr, BATCH), loss(sr, torch.rand(1, 1, 5, 5), BATCH))
    assert loss(torch.full((1, 3, 4, 4), 0.7), sr, BATCH).item() == 0
    assert loss(torch.rand(1, 3, 1, 1), sr, BATCH).item() == 0  # a pixel has no neighbour
