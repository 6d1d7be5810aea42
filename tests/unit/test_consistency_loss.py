"""The consistency loss: scales, borders of crops, drift of colour, and what cannot be compared."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from sr_core import Batch, Scale, SrkitError, resize, sr_size
from sr_plugins_losses.consistency import Consistency
from tests.conftest import textured


def photograph(size: tuple[int, int]) -> Tensor:
    picture = textured(size, 3, 4).astype(np.float64) / 255
    return torch.from_numpy(picture).permute(2, 0, 1)[None]


def batch(lr: Tensor, scale: Scale) -> Batch:
    return Batch(lr=lr, scale=scale, step=0, progress=0.0)


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 1.7, 2.5, (2, 3), (1.5, 1)])
def test_hr_is_consistent_with_its_own_lr(scale: Scale) -> None:
    hr = photograph(sr_size((12, 14), scale))
    vertical, horizontal = scale if isinstance(scale, tuple) else (scale, scale)
    lr = resize(hr, (1 / vertical, 1 / horizontal), (12, 14))
    assert Consistency(border=0)(hr, hr, batch(lr, scale)).item() == pytest.approx(0, abs=1e-12)
    assert Consistency()(hr + 0.1, hr, batch(lr, scale)).item() == pytest.approx(0.1)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_border_of_two_hides_what_a_crop_cannot_know(scale: int) -> None:
    hr = photograph((40 * scale, 40 * scale))
    lr = resize(hr, 1 / scale)
    crop, cut = hr[..., 8 * scale : 24 * scale, 8 * scale : 24 * scale], lr[..., 8:24, 8:24]
    assert Consistency()(crop, crop, batch(cut, scale)).item() == pytest.approx(0, abs=1e-12)
    assert Consistency(border=1)(crop, crop, batch(cut, scale)).item() > 1e-5


def test_it_is_the_mean_absolute_difference_of_the_inner_pixels() -> None:
    sr, lr = photograph((16, 20)), photograph((8, 10))
    weights = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256  # Keys' kernel of a = -0.5 at half size
    made = np.zeros((3, 8, 10))
    padded = np.pad(sr[0].numpy(), ((0, 0), (4, 4), (4, 4)), mode="symmetric")
    for y in range(8):
        for x in range(10):
            window = padded[:, 2 * y + 1 : 2 * y + 9, 2 * x + 1 : 2 * x + 9]
            made[:, y, x] = np.einsum("pyx,y,x->p", window, weights, weights)
    for border in (0, 2):
        inner = np.s_[:, border : 8 - border, border : 10 - border]
        expected = np.abs(made - lr[0].numpy())[inner].mean()
        assert Consistency(border)(sr, sr, batch(lr, 2)).item() == pytest.approx(expected)


def test_detail_that_lr_does_not_hold_is_free() -> None:
    hr = torch.full((1, 3, 32, 32), 0.5, dtype=torch.float64)
    checkers = 0.3 * (-1.0) ** (torch.arange(32)[:, None] + torch.arange(32))
    assert Consistency()(hr + checkers, hr, batch(resize(hr, 0.25), 4)).item() == pytest.approx(0, abs=1e-12)
    tinted = hr + torch.tensor([0.06, 0, 0], dtype=torch.float64).view(1, 3, 1, 1)
    assert Consistency()(tinted, hr, batch(resize(hr, 0.25), 4)).item() == pytest.approx(0.02)


@pytest.mark.parametrize("scale", [0.5, 0.25, (0.5, 0.25), 0.7])
def test_below_scale_one_the_larger_lr_is_shrunk(scale: Scale) -> None:
    given = photograph((40, 60))
    made = resize(given, scale, sr_size((40, 60), scale)).requires_grad_()
    value = Consistency()(made + 0.05, made, batch(given, scale))
    assert value.item() == pytest.approx(0.05)
    (gradient,) = torch.autograd.grad(value, made)
    assert gradient.abs().max() > 0


def test_one_axis_may_grow_while_the_other_shrinks() -> None:
    hr = photograph((24, 10))
    lr = resize(resize(hr, (0.5, 1)), (1, 2))
    assert Consistency()(hr, hr, batch(lr, (2, 0.5))).item() < 0.02
    assert Consistency()(hr + 0.5, hr, batch(lr, (2, 0.5))).item() == pytest.approx(0.5, abs=0.02)


def test_a_pyramids_lower_level_has_a_scale_of_its_own() -> None:
    hr = photograph((64, 64))
    lr, middle = resize(hr, 0.25), resize(hr, 0.5)
    expected = (resize(middle, 0.5) - lr)[..., 2:-2, 2:-2].abs().mean().item()
    assert Consistency()(middle, middle, batch(lr, 4)).item() == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(1, 3, 20, 20), (1, 3, 144, 1), (1, 1, 24, 24), (1, 3, 25, 24)])
def test_parts_of_a_picture_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SrkitError, match=r"consistency needs whole pictures: SR is .*, LR \(1, 3, 12, 12\) at scale 2"):
        Consistency()(torch.rand(shape), torch.rand(shape), batch(torch.rand(1, 3, 12, 12), 2))


def test_a_border_that_leaves_nothing_says_so() -> None:
    sr, lr = torch.rand(1, 1, 8, 16), torch.rand(1, 1, 4, 8)
    with pytest.raises(SrkitError, match=r"border 2 leaves nothing of an LR picture of 4×8; take a larger crop"):
        Consistency()(sr, sr, batch(lr, 2))


def test_in_squares_only_what_is_large_is_held() -> None:
    random = torch.Generator().manual_seed(3)
    lr = torch.rand(1, 3, 20, 20, generator=random)
    batch = Batch(lr=lr, scale=1, step=0, progress=0.0)
    chequered = torch.ones(1, 3, 20, 20)
    chequered[..., ::2, 1::2] = -1
    chequered[..., 1::2, ::2] = -1
    squares = Consistency(border=2, squares=4)
    assert float(squares(lr + 0.2 * chequered, lr, batch)) == pytest.approx(0, abs=1e-6)
    assert float(squares(lr + 0.03, lr, batch)) == pytest.approx(0.03, rel=1e-4)
    assert float(Consistency(border=2)(lr + 0.2 * chequered, lr, batch)) == pytest.approx(0.2, rel=1e-4)
    with pytest.raises(SrkitError, match="no square of 17 of an LR picture of 20×20"):
        Consistency(border=2, squares=17)(lr, lr, batch)
