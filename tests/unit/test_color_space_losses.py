"""Pixel losses in other colour spaces: colorsys, published colours, hue as an angle, and gradients at the corners."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from click.testing import Result
from skimage import color as skimage_color
from torch import Tensor

from sr_core import Batch
from sr_core.testing import check_loss
from sr_plugins_losses.color_spaces import Space, in_space
from sr_plugins_losses.pixel import L1, MSE, Charbonnier, Huber, PixelLoss, SmoothL1

BATCH = Batch(lr=torch.zeros(1, 3, 2, 2), scale=2, step=0, progress=0.0)
SPACES: tuple[Space, ...] = get_args(Space)


def pixel(*rgb: float) -> Tensor:
    return torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1)


def pictures(seed: int, side: int = 6) -> tuple[Tensor, Tensor]:
    made = torch.rand(2, 2, 3, side, side, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return made[0], made[1]


def on_the_cone(r: float, g: float, b: float) -> tuple[float, float, float]:
    hue, saturation, value = colorsys.rgb_to_hsv(r, g, b)
    radius = saturation * value
    return radius * math.cos(2 * math.pi * hue), radius * math.sin(2 * math.pi * hue), value


def by_hand(image: Tensor, space: Space) -> np.ndarray:
    """N×H×W×planes, by scikit-image and colorsys."""
    last = image.permute(0, 2, 3, 1).numpy()
    if space == "rgb":
        return last
    if space == "lab":
        return skimage_color.rgb2lab(last) / 100
    if space == "hsv":
        return np.apply_along_axis(lambda rgb: np.array(on_the_cone(*rgb)), -1, last)
    planes = skimage_color.rgb2ycbcr(last) / 255
    return planes[..., :1] if space == "y" else planes


@pytest.mark.parametrize("space", SPACES)
def test_what_is_compared_is_the_pictures_in_that_space(space: Space) -> None:
    sr, hr = pictures(1)
    difference = by_hand(sr, space) - by_hand(hr, space)
    tolerance = 3e-4 if space == "lab" else 1e-9  # scikit-image's white has fewer digits
    assert MSE(space=space)(sr, hr, BATCH).item() == pytest.approx((difference**2).mean(), rel=tolerance)
    assert L1(space=space)(sr, hr, BATCH).item() == pytest.approx(np.abs(difference).mean(), rel=tolerance)
    per_sample = np.abs(difference).sum() / 2
    assert L1("sum_per_sample", space=space)(sr, hr, BATCH).item() == pytest.approx(per_sample, rel=tolerance)


def test_published_colours() -> None:
    red, white, black = pixel(1, 0, 0), pixel(1, 1, 1), pixel(0, 0, 0)
    # 100 % bars of BT.601: white 235/128/128, black 16/128/128, red 81/90/240.
    assert L1(space="y")(white, black, BATCH).item() == pytest.approx(219 / 255)
    assert L1(space="ycbcr")(red, black, BATCH).item() == pytest.approx((65 + 38 + 112) / 3 / 255, rel=5e-3)
    # Red in L*a*b*: 53.2408, 80.0925, 67.2032.
    assert L1(space="lab")(red, black, BATCH).item() == pytest.approx((53.2408 + 80.0925 + 67.2032) / 300, rel=1e-4)
    assert L1(space="hsv")(red, black, BATCH).item() == pytest.approx(2 / 3)


def test_hue_goes_round_the_circle() -> None:
    def hue(degrees: float) -> Tensor:
        return pixel(*colorsys.hsv_to_rgb(degrees / 360 % 1, 0.8, 0.5))

    near = MSE(space="hsv")(hue(-2), hue(3), BATCH).item()
    assert near == pytest.approx(MSE(space="hsv")(hue(118), hue(123), BATCH).item())
    chord = 2 * 0.4 * math.sin(math.radians(2.5))
    assert near == pytest.approx(chord**2 / 3)


def test_grays_have_no_hue_and_dark_colours_little() -> None:
    gray = pixel(0.5, 0.5, 0.5)
    reddish, greenish = pixel(0.5 + 1e-9, 0.5, 0.5), pixel(0.5, 0.5 + 1e-9, 0.5)
    for one, other in ((gray, reddish), (reddish, greenish)):
        assert L1(space="hsv")(one, other, BATCH).item() < 2e-9
    dark = L1(space="hsv")(pixel(0.01, 0, 0), pixel(0, 0.01, 0), BATCH).item()
    assert dark == pytest.approx(L1(space="hsv")(pixel(1, 0, 0), pixel(0, 1, 0), BATCH).item() / 100)


AWKWARD = {
    "black": (0, 0, 0),
    "white": (1, 1, 1),
    "gray": (0.5, 0.5, 0.5),
    "nearly gray": (0.5, 0.5, 0.5000001),
    "nearly black": (1e-38, 0, 1e-30),
    "red": (1, 0, 0),
    "yellow": (1, 1, 0),
    "below 0": (-0.2, -0.1, -0.3),
    "above 1": (1.2, 1.4, 1.1),
    "the bend of sRGB": (0.04045, 0.04045, 0.04045),
}


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("loss_class", [MSE, L1, SmoothL1, Huber, Charbonnier])
def test_gradients_are_small_numbers_at_every_colour(loss_class: type[PixelLoss], space: Space) -> None:
    sr = torch.tensor(list(AWKWARD.values()), requires_grad=True)
    for hr in (sr.detach(), torch.full_like(sr, 0.3), torch.rand(len(AWKWARD), 3)):
        loss = loss_class(reduction="sum_per_sample", space=space)
        value = loss(sr[..., None, None], hr[..., None, None], BATCH) * len(AWKWARD)
        (gradient,) = torch.autograd.grad(value, sr)
        assert value.isfinite()
        assert gradient.isfinite().all()
        assert gradient.abs().max() < 20


@pytest.mark.parametrize("space", SPACES)
def test_gradients_are_right(space: Space) -> None:
    sr, hr = pictures(2, side=3)
    for loss in (MSE(space=space), L1(space=space), Charbonnier(space=space)):
        assert torch.autograd.gradcheck(lambda picture, loss=loss: loss(picture, hr, BATCH), sr.requires_grad_())


@pytest.mark.parametrize("space", SPACES)
def test_equal_pictures_cost_nothing(space: Space) -> None:
    sr, _ = pictures(3)
    assert MSE(space=space)(sr, sr.clone(), BATCH).item() == 0
    assert L1(space=space, border=1)(sr, sr.clone(), BATCH).item() == 0


@pytest.mark.parametrize("space", SPACES)
def test_autocast_changes_nothing(space: Space) -> None:
    sr, hr = (picture.float() for picture in pictures(4))
    with torch.autocast("cpu", torch.bfloat16):
        low = L1(space=space)(sr, hr, BATCH)
    assert torch.equal(low, L1(space=space)(sr, hr, BATCH))


def test_without_a_space_any_planes_are_compared_as_they_are() -> None:
    sr, hr = pictures(5)
    assert L1().channels == "any"
    assert L1()(sr[:, :1], hr[:, :1], BATCH).item() == pytest.approx((sr - hr)[:, :1].abs().mean().item())
    assert torch.equal(L1()(sr, hr, BATCH), L1(space="rgb")(sr, hr, BATCH))


@pytest.mark.parametrize("space", SPACES)
def test_a_space_asks_for_rgb(space: Space) -> None:
    assert L1(space=space).channels == "rgb"
    check_loss(L1(space=space))


def test_the_planes_stay_in_their_range() -> None:
    levels = torch.linspace(0, 1, 18, dtype=torch.float64)
    cube = torch.cartesian_prod(levels, levels, levels).T.reshape(1, 3, 18, -1)
    ranges = {
        "rgb": (0, 1),
        "y": (16 / 255, 235 / 255),
        "ycbcr": (16 / 255, 240 / 255),
        "lab": (-1.08, 1),
        "hsv": (-1, 1),
    }
    for space in SPACES:
        planes = in_space(cube, space)
        low, high = ranges[space]
        assert planes.min() >= low - 1e-3
        assert planes.max() <= high + 1e-3


def test_a_spec_with_a_space_and_a_network_of_luma_is_refused(
    srkit: Callable[..., Result], photographs: Path, tmp_path: Path
) -> None:
    spec = tmp_path / "spec.yaml"
    train = (
        f"{{model: espcn, data: {{hr: {photographs}, crop: 16, batch: 2}}, loss: {{name: l1, space: hsv}}, steps: 1}}"
    )
    spec.write_text(f"name: small\nscale: 2\ntrain: {train}\n")
    refused = srkit("run", spec, "--output", tmp_path / "run")
    assert refused.exit_code == 2
    assert "train.loss[0]: 'l1' compares rgb, and 'espcn' makes y" in refused.output
    assert not (tmp_path / "run").exists()
