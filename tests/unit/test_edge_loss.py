"""The edge loss against scipy's filters, and what it sees and does not see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from sr_core import Batch, SrkitError
from sr_plugins_losses.edge import Edge

BATCH = Batch(lr=torch.zeros(1, 1, 1, 1), scale=2, step=0, progress=0.0)


@pytest.mark.parametrize("planes", [1, 3])
def test_it_is_l1_between_filtered_pictures(planes: int) -> None:
    random = np.random.default_rng(1)
    sr, hr = random.random((2, 2, planes, 9, 8))
    inner = np.s_[..., 1:-1, 1:-1]
    sobel, laplacian = 0.0, 0.0
    for one, other in zip(sr.reshape(-1, 9, 8), hr.reshape(-1, 9, 8), strict=True):
        for axis in (0, 1):
            edges = [ndimage.sobel(plane, axis=axis)[inner] / 8 for plane in (one, other)]
            sobel += np.abs(edges[0] - edges[1]).mean() / (2 * planes)
        second = [ndimage.laplace(plane)[inner] for plane in (one, other)]
        laplacian += np.abs(second[0] - second[1]).mean() / (2 * planes)
    given = torch.from_numpy(sr), torch.from_numpy(hr), BATCH
    assert Edge()(*given).item() == pytest.approx(sobel)
    assert Edge("laplacian")(*given).item() == pytest.approx(laplacian)


def test_brightness_costs_nothing_and_a_ramp_its_slope() -> None:
    hr = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    for operator in ("sobel", "laplacian"):
        assert Edge(operator)(hr + 0.2, hr, BATCH).item() == pytest.approx(0, abs=1e-12)  # type: ignore[arg-type]
    ramp = 0.05 * torch.arange(8, dtype=torch.float64).expand(1, 3, 8, 8)
    assert Edge()(hr + ramp, hr, BATCH).item() == pytest.approx(0.05)
    assert Edge("laplacian")(hr + ramp, hr, BATCH).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("operator", ["sobel", "laplacian"])
def test_pictures_without_a_window_say_so(operator: str) -> None:
    picture = torch.rand(1, 1, 2, 9)
    with pytest.raises(SrkitError, match=r"edges are found in targets of 3×3 pixels or more, this one is 2×9"):
        Edge(operator)(picture, picture, BATCH)  # type: ignore[arg-type]
