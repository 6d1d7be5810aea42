"""The steerable pyramid against Simoncelli's own code."""

from __future__ import annotations

import pytest
import torch

from sr_core.metrics.steerable_pyramid import sub_bands
from tests.unit.metric_pictures import chirps

# pyrtools 1.1.1, SteerablePyramidSpace(hr, height=4, order=5), bands 3 and 0 of each level, on the levels 0 … 255
# of chirps(72, 90): sums of absolute values, of the whole band and of its first and last row.
PYRTOOLS = [
    ((30504.23954972162, 62923.99973803399), (0, 2089.659498923337), (72, 90)),
    ((11100.169424912394, 38691.03671002528), (0, 2842.9945048239374), (36, 45)),
    ((3337.7756437587022, 11848.81266430183), (0, 1802.9701860647144), (18, 23)),
    ((1861.3177307318642, 3048.2441660661048), (0, 846.7016074219213), (9, 12)),
]


@pytest.mark.parametrize("level", range(4))
def test_each_level_is_that_of_pyrtools_borders_included(level: int) -> None:
    _, hr = chirps(72, 90)
    bands = sub_bands(255 * hr, 4)[level]
    whole, border, shape = PYRTOOLS[level]
    assert bands.shape == (1, 2, *shape)
    assert bands.abs().sum(dim=(0, 2, 3)).tolist() == pytest.approx(whole, rel=1e-9)
    edges = bands[:, :, [0, -1]].abs().sum(dim=(0, 2, 3)).tolist()
    assert edges == pytest.approx(border, rel=1e-9, abs=1e-9)


def test_a_flat_picture_has_no_bands() -> None:
    for bands in sub_bands(torch.full((1, 1, 65, 70), 200.0, dtype=torch.float64), 4):
        assert bands.abs().max() < 1e-4  # the taps have eight decimals, and sum to zero as far


def test_turning_a_picture_exchanges_the_directions() -> None:
    _, hr = chirps(64, 80)
    for upright, turned in zip(sub_bands(hr, 3), sub_bands(hr.mT, 3), strict=True):
        torch.testing.assert_close(turned, upright.flip(1).mT)
