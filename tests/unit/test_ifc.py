"""IFC where its value is known without a computer; published figures are in tests/published."""

from __future__ import annotations

import pytest
import torch

from sr_core.metrics.ifc import IFC, ifc
from tests.unit.metric_pictures import chirps


def test_a_flat_picture_tells_nothing_and_of_a_flat_picture_nothing_can_be_told() -> None:
    _, hr = chirps(70, 80)
    gray = torch.full_like(hr, 0.5)
    assert float(ifc(gray, hr)) == pytest.approx(0, abs=1e-9)
    assert float(ifc(hr, gray)) == pytest.approx(0, abs=1e-9)


def test_the_negative_tells_nothing() -> None:
    _, hr = chirps(70, 80)
    assert float(ifc(1 - hr, hr)) == 0


def test_brightness_does_not_matter_and_blur_does() -> None:
    sr, hr = chirps(96, 80)
    assert float(ifc(0.8 * sr + 0.1, hr)) == pytest.approx(float(ifc(sr, hr)), rel=1e-6)
    assert float(ifc(sr, hr)) < float(ifc(hr, hr)) < float("inf")


def test_the_two_pictures_do_not_play_the_same_part() -> None:
    sr, hr = chirps(96, 80)
    assert float(ifc(sr, hr)) != pytest.approx(float(ifc(hr, sr)), rel=0.01)


def test_planes_are_measured_one_by_one_and_averaged() -> None:
    sr, hr = chirps(70, 75)
    both = [torch.cat([image, image.flip(-1).sqrt()], dim=1) for image in (sr, hr)]
    alone = [float(ifc(*(image[:, plane : plane + 1] for image in both))) for plane in range(2)]
    assert float(ifc(*both)) == pytest.approx(sum(alone) / 2, rel=1e-9)


def test_a_picture_too_small_for_four_levels_is_refused() -> None:
    assert IFC()(*chirps(65, 65)).isfinite().all()
    with pytest.raises(ValueError, match="IFC and VIF need 65×65 pixels, the picture has 64×90"):
        ifc(*chirps(64, 90))


def test_it_says_what_it_is() -> None:
    metric = IFC()
    assert (metric.higher_is_better, metric.needs, metric.unit, metric.decimals) == (True, "hr", "bit/px", 2)
