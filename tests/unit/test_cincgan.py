"""CinCGAN: a network that makes LR clean, then one that enlarges it."""

from __future__ import annotations

import pytest
import torch

from sr_core.imaging.resize import resize
from sr_core.testing import check_model
from sr_plugins_cnn.edsr import EDSR
from sr_plugins_gan.cincgan import CinCGAN
from sr_plugins_gan.real_esrgan_compact import RealESRGANCompact


def network() -> CinCGAN:
    torch.manual_seed(1)
    return CinCGAN(RealESRGANCompact(1, convolutions=1, width=6), RealESRGANCompact(2, convolutions=2, width=6))


def test_it_keeps_the_contract_of_networks() -> None:
    check_model(network())


def test_sr_is_made_of_the_clean_picture() -> None:
    ours = network()
    lr = torch.rand(2, 3, 9, 7)
    clean = ours.cleaner(lr, 1)
    assert torch.equal(ours(lr, 2), ours.enlarger(clean, 2))
    assert ours.margin == 3 + 4, "the radius of one after the other"


def test_training_compares_the_clean_picture_with_shrunk_hr_and_sr_with_hr() -> None:
    ours = network()
    lr, hr = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 16, 16)
    clean, sr = ours.predictions(lr, hr, 2, 0.5)
    assert (clean.name, clean.scale, sr.name, sr.scale) == ("clean", 1, "sr", None)
    assert torch.equal(clean.target, resize(hr, 0.5, (8, 8), "bicubic"))
    assert torch.equal(clean.image, ours.cleaner(lr, 1))
    assert torch.equal(sr.image, ours(lr, 2))
    assert torch.equal(sr.target, hr)


def test_a_cleaner_that_enlarges_is_refused() -> None:
    with pytest.raises(ValueError, match="cleaner must be a network of scale 1"):
        CinCGAN(RealESRGANCompact(2), EDSR(2))


def test_two_networks_for_different_planes_are_refused() -> None:
    with pytest.raises(ValueError, match="cleaner makes y, and enlarger takes rgb"):
        CinCGAN(RealESRGANCompact(1, channels="y"), EDSR(2))
