"""What each part of a protocol does to a figure."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sr_core.degradations.bicubic import Bicubic
from sr_core.errors import DatasetError
from sr_core.evaluation.comparison import compared_colours, compared_planes
from sr_core.evaluation.truth import make_truth, round_to_8_bits
from sr_core.imaging.resize import resize
from sr_core.protocol import PROTOCOLS, Protocol


def picture(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def luma_by_hand(rgb: Tensor) -> Tensor:
    """MATLAB's Y on 0 … 255, from the standard's coefficients."""
    red, green, blue = (rgb[:, plane].double() for plane in range(3))
    return (16 + 65.481 * red + 128.553 * green + 24.966 * blue)[:, None]


def test_the_named_protocols_have_the_parts_that_the_documentation_lists() -> None:
    parts = {name: (p.luma, p.crop, p.clip, p.lr) for name, p in PROTOCOLS.items()}
    assert parts == {
        "classic": ("y8", "scale", "studio", "unrounded"),
        "modern": ("y", "scale", "full", "dataset"),
        "rgb": ("rgb", "scale", "full", "dataset"),
    }


@pytest.mark.parametrize(
    ("crop", "scale", "pixels"), [("scale", 3, 3), ("scale", 2.5, 3), ("scale+6", 2, 8), (4, 3, 4), (0, 2, 0)]
)
def test_the_crop_is_the_scale_rounded_up_or_what_is_asked(crop: int | str, scale: float, pixels: int) -> None:
    assert Protocol(crop=crop).crop_pixels(scale) == pixels


def test_other_parts_take_the_name_custom_and_known_parts_their_own() -> None:
    assert PROTOCOLS["modern"].with_parts(luma="y8").name == "custom"
    assert PROTOCOLS["modern"].with_parts(luma="rgb").name == "rgb"


def test_modern_compares_unrounded_luma_of_8_bit_pictures() -> None:
    sr, hr = picture(1, 3, 20, 20), round_to_8_bits(picture(1, 3, 20, 20, seed=1))
    sr_planes, hr_planes = compared_planes(sr, hr, 2, PROTOCOLS["modern"])
    expected = luma_by_hand(torch.floor(sr.double() * 255 + 0.5) / 255)[..., 2:-2, 2:-2]
    assert torch.allclose(sr_planes * 255, expected, atol=1e-9)
    assert torch.allclose(hr_planes * 255, luma_by_hand(hr)[..., 2:-2, 2:-2], atol=1e-9)


def test_classic_rounds_luma_and_clips_sr_to_studio_range() -> None:
    hr = round_to_8_bits(picture(1, 3, 20, 20))
    sr = torch.linspace(-0.2, 1.2, 400).view(1, 1, 20, 20)
    sr_planes, hr_planes = compared_planes(sr, hr, 2, PROTOCOLS["classic"])
    levels = sr_planes * 255
    assert torch.allclose(levels, levels.round(), atol=1e-9)
    assert (levels.min().round(), levels.max().round()) == (16, 235)
    assert torch.allclose(hr_planes * 255, torch.floor(luma_by_hand(hr) + 0.5)[..., 2:-2, 2:-2], atol=1e-9)


def test_rgb_compares_three_planes() -> None:
    sr, hr = compared_planes(picture(1, 3, 20, 20), round_to_8_bits(picture(1, 3, 20, 20)), 2, PROTOCOLS["rgb"])
    assert sr.shape == hr.shape == (1, 3, 16, 16)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=str)
def test_a_single_channel_picture_is_compared_as_it_is(protocol: Protocol) -> None:
    hr = round_to_8_bits(picture(1, 1, 20, 20))
    _, planes = compared_planes(hr, hr, 2, protocol)
    assert torch.allclose(planes, hr[..., 2:-2, 2:-2], atol=1e-12)


def test_metrics_that_need_colour_get_three_planes_of_any_picture() -> None:
    gray, colour = round_to_8_bits(picture(1, 1, 20, 20)), round_to_8_bits(picture(1, 3, 20, 20))
    assert compared_colours(gray, gray, 2, PROTOCOLS["classic"])[0].shape[1] == 3
    sr, hr = compared_colours(colour, colour, 2, PROTOCOLS["classic"])
    assert torch.equal(sr, hr)
    assert hr.max() > 235 / 255


def test_modern_uses_the_data_sets_lr_and_classic_ignores_it() -> None:
    hr, lr = picture(1, 3, 21, 20), torch.zeros(1, 3, 10, 10)
    modern = make_truth(hr, lr, 2, PROTOCOLS["modern"], Bicubic(), 0, 0)
    classic = make_truth(hr, lr, 2, PROTOCOLS["classic"], Bicubic(), 0, 0)
    assert not modern.lr.any()
    assert modern.luma is None
    assert classic.lr.all()
    assert modern.hr.shape == classic.hr.shape == (1, 3, 20, 20)


def test_classic_shrinks_the_rounded_luma_and_does_not_round_again() -> None:
    hr = picture(1, 3, 24, 24)
    truth = make_truth(hr, None, 3, PROTOCOLS["classic"], Bicubic(), 0, 0)
    rounded = torch.floor(luma_by_hand(round_to_8_bits(hr)) + 0.5) / 255
    assert truth.luma is not None
    assert torch.allclose(truth.luma.double(), resize(rounded, 1 / 3), atol=1e-6)


def test_without_lr_the_runs_degradation_makes_it_in_8_bits() -> None:
    truth = make_truth(picture(1, 3, 25, 25), None, 2, PROTOCOLS["modern"], Bicubic(rounding="none"), 0, 0)
    levels = truth.lr.double() * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)
    assert truth.lr.shape == (1, 3, 12, 12)
    assert truth.hr.shape == (1, 3, 24, 24)


def test_a_fractional_scale_cuts_hr_to_the_size_of_sr() -> None:
    truth = make_truth(picture(1, 3, 23, 22), None, 2.5, PROTOCOLS["modern"], Bicubic(), 0, 0)
    assert truth.lr.shape[-2:] == (9, 8)
    assert truth.hr.shape[-2:] == (23, 20)


@pytest.mark.parametrize(
    ("lr_shape", "complaint"),
    [
        ((1, 3, 12, 10), "does not fit HR of 20×20"),
        ((1, 3, 2, 10), "does not fit"),
        ((1, 1, 10, 10), "LR has 1 planes and HR has 3"),
    ],
)
def test_an_lr_that_does_not_fit_its_hr_is_refused(lr_shape: tuple[int, ...], complaint: str) -> None:
    hr = picture(1, 3, 20, 20) if lr_shape[2] > 2 else picture(1, 3, 40, 20)
    with pytest.raises(DatasetError, match=complaint):
        make_truth(hr, torch.zeros(lr_shape), 2, PROTOCOLS["modern"], Bicubic(), 0, 0)


def test_a_picture_smaller_than_the_scale_is_refused() -> None:
    with pytest.raises(DatasetError, match="too small for scale 4"):
        make_truth(picture(1, 3, 3, 9), None, 4, PROTOCOLS["modern"], Bicubic(), 0, 0)


def test_a_picture_smaller_than_the_crop_is_refused() -> None:
    hr = round_to_8_bits(picture(1, 3, 8, 8))
    with pytest.raises(DatasetError, match="nothing is left of 8×8 after cropping 4 pixels"):
        compared_planes(hr, hr, 4, PROTOCOLS["modern"])
