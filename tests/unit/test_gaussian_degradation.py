"""LR by Gaussian blur and subsampling: against SciPy's blur, and which pixels are kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from sr_core import SampleRandom, Scale, sr_size
from sr_core.degradations.gaussian import Gaussian, Phase
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_degradation


def degraded(degradation: Gaussian, hr: Tensor, scale: Scale) -> Tensor:
    lr = degradation(hr, scale, SampleRandom(0, 0, range(len(hr))))
    assert isinstance(lr, Tensor)
    return lr


def blurred(hr: Tensor, sigma: float, radius: int) -> Tensor:
    """SciPy's Gaussian blur, which also continues the last pixel beyond the border."""
    planes = hr.double().numpy()
    made = [ndimage.gaussian_filter(plane, sigma, mode="nearest", radius=radius) for plane in planes[0]]
    return torch.from_numpy(np.stack(made))[None]


@pytest.mark.parametrize(
    ("scale", "phase", "first"),
    [(2, "centre", 1), (3, "centre", 1), (4, "centre", 2), (3, "first", 0), (4, "first", 0)],
)
@pytest.mark.parametrize(("sigma", "size"), [(1.6, 7), (0.8, 5), (3.0, 25)])
def test_lr_is_every_scale_th_pixel_of_the_blurred_picture(
    scale: int, phase: Phase, first: int, sigma: float, size: int
) -> None:
    hr = torch.rand(1, 3, 24, 36)
    lr = degraded(Gaussian(sigma, size, phase, rounding="none"), hr, scale)
    expected = blurred(hr, sigma, size // 2)[..., first::scale, first::scale]
    assert torch.allclose(lr.double(), expected, atol=1e-6)


def test_a_fractional_scale_keeps_the_pixels_under_the_centres_of_lr() -> None:
    ramp = torch.arange(5.0).expand(1, 1, 5, 5) / 8
    lr = degraded(Gaussian(size=1, rounding="none"), ramp, 2.5)
    assert (lr[0, 0, 0] * 8).tolist() == [1, 3]  # 0.5 · 2.5 = 1.25 and 1.5 · 2.5 = 3.75
    lr = degraded(Gaussian(size=1, rounding="none", phase="first"), ramp, 2.5)
    assert (lr[0, 0, 0] * 8).tolist() == [0, 2]


def test_each_axis_has_its_own_scale() -> None:
    lr = degraded(Gaussian(), torch.rand(1, 3, *sr_size((5, 4), (2, 3))), (2, 3))
    assert lr.shape == (1, 3, 5, 4)


def test_lr_is_rounded_to_8_bits_as_a_file_would_be() -> None:
    levels = degraded(Gaussian(), torch.rand(1, 1, 12, 12), 2).double() * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)


def test_a_flat_picture_stays_flat() -> None:
    flat = torch.full((1, 1, 9, 9), 100 / 255)
    assert torch.equal(degraded(Gaussian(sigma=5, size=15), flat, 3), flat[..., :3, :3])


def test_low_precision_around_it_changes_nothing() -> None:
    hr = torch.rand(1, 1, 12, 12)
    with torch.autocast("cpu", torch.bfloat16):
        low = degraded(Gaussian(rounding="none"), hr, 3)
    assert torch.equal(low, degraded(Gaussian(rounding="none"), hr, 3))


@pytest.mark.parametrize("phase", ["centre", "first"])
def test_it_keeps_its_contract_at_whole_and_fractional_scales(phase: Phase) -> None:
    check_degradation(Gaussian(phase=phase), scales=(2, 3, 4, 1.7, 2.3, 2.5, (2, 3)))


def test_a_kernel_without_a_centre_is_refused() -> None:
    with pytest.raises(ValueError, match="size must be odd, so that the kernel has a centre; it is 6"):
        Gaussian(size=6)


@pytest.mark.parametrize("wrong", [{"sigma": 0}, {"size": 0}, {"phase": "last"}, {"rounding": "each_pass"}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(Gaussian, wrong)
