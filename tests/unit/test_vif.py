"""VIF on sub-bands and on pixels against other programs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from sr_core.metrics.vif import VIF, PixelVIF, vif, vifp
from tests.unit.metric_pictures import chirps

Function = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((176, 192), 0.40242786968883393),
        ((208, 240), 0.3779868343560357),
        ((96, 131), 0.4194587696296919),
        ((161, 163), 0.4114003979866818),
    ],
)
def test_vif_is_that_of_pyiqa(size: tuple[int, int], expected: float) -> None:
    """pyiqa 0.1.16, archs/vif_arch.py, in float64 and on the levels 0 … 255."""
    assert float(vif(*chirps(*size))) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((176, 192), 0.20594008508144335),
        ((208, 240), 0.17104171187986927),
        ((96, 131), 0.2923284125036888),
        ((161, 163), 0.2293676271820717),
    ],
)
def test_vif_on_pixels_is_that_of_torchmetrics_and_sewar(size: tuple[int, int], expected: float) -> None:
    """torchmetrics 1.9.0, visual_information_fidelity; sewar 0.4.10, vifp, gives the same to 13 digits."""
    assert float(vifp(*chirps(*size))) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("function", [vif, vifp])
def test_equal_pictures_give_one_noise_less_and_contrast_more(function: Function) -> None:
    _, hr = chirps(80, 90)
    noise = 0.05 * torch.randn(hr.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert float(function(hr, hr)) == pytest.approx(1, abs=1e-6)
    assert float(function(hr + noise, hr)) < 0.9
    assert float(function(1.2 * hr - 0.1, hr)) > 1.01


@pytest.mark.parametrize("function", [vif, vifp])
def test_flat_pictures_are_no_division_by_zero(function: Function) -> None:
    _, hr = chirps(80, 90)
    gray = torch.full_like(hr, 0.5)
    assert float(function(gray, hr)) == pytest.approx(0, abs=1e-6)
    assert float(function(gray, gray)) == 1


@pytest.mark.parametrize("function", [vif, vifp])
def test_planes_are_measured_one_by_one_and_averaged(function: Function) -> None:
    sr, hr = chirps(70, 75)
    both = [torch.cat([image, image.flip(-1).sqrt()], dim=1) for image in (sr, hr)]
    alone = [float(function(*(image[:, plane : plane + 1] for image in both))) for plane in range(2)]
    assert function(*(image.expand(2, -1, -1, -1) for image in both)).tolist() == pytest.approx([sum(alone) / 2] * 2)


def test_pictures_that_are_too_small_are_refused() -> None:
    with pytest.raises(ValueError, match="IFC and VIF need 65×65 pixels, the picture has 90×64"):
        VIF()(*chirps(90, 64))
    assert PixelVIF()(*chirps(41, 41)).isfinite().all()
    with pytest.raises(ValueError, match="VIF on pixels needs 41×41 pixels, the picture has 40×90"):
        PixelVIF()(*chirps(40, 90))
