"""The two other degradations of the field's tables, BD and DN, and what all degradations of pictures promise."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from sr_core import Degradation, SampleRandom
from sr_core.data.degrading import degrade
from sr_core.degradations.bd import BD
from sr_core.degradations.bicubic import Bicubic
from sr_core.degradations.blurs import AnisotropicBlur, GaussianBlur, MotionBlur, Sinc
from sr_core.degradations.bsrgan import BSRGAN
from sr_core.degradations.compose import Compose
from sr_core.degradations.dn import DN
from sr_core.degradations.gaussian import Gaussian
from sr_core.degradations.jpeg import Jpeg
from sr_core.degradations.noise import Noise
from sr_core.degradations.real_esrgan import RealESRGAN
from sr_core.degradations.resizing import Resize
from sr_core.degradations.sharpening import sharpened
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_degradation
from tests.unit.training_pictures import load, write_pictures

RANDOM: dict[str, Degradation] = {
    "dn": DN(),
    "gaussian_blur": GaussianBlur(),
    "anisotropic_blur": AnisotropicBlur(),
    "motion_blur": MotionBlur(),
    "sinc": Sinc(),
    "noise": Noise("either"),
    "jpeg": Jpeg(),
    "differentiable_jpeg": Jpeg(codec="differentiable"),
    "resize": Resize(),
    "compose": Compose([GaussianBlur(), Bicubic(), Resize(), Noise("either"), Jpeg()], shuffle=True),
    "real_esrgan": RealESRGAN(),
    "bsrgan": BSRGAN(),
}


def test_bd_is_the_gaussian_of_the_tables() -> None:
    hr = torch.rand(1, 3, 24, 36)
    random = SampleRandom(0, 0, [0])
    assert BD().deterministic
    assert torch.equal(BD()(hr, 3, random), Gaussian(sigma=1.6, size=7, phase="centre", rounding="once")(hr, 3, random))
    check_degradation(BD())
    with pytest.raises(ParameterError):
        check_parameters(BD, {"sigma": 2.0})


def test_dn_is_the_8_bit_bicubic_with_noise_of_30_levels_rounded_and_clipped() -> None:
    hr = torch.full((1, 3, 600, 600), 0.5)
    hr[..., 300:] = 10 / 255
    lr = DN()(hr, 3, SampleRandom(0, 0, [0])) * 255
    assert torch.allclose(lr, lr.round(), atol=1e-4)
    gray, dark = lr[..., :90], lr[..., 110:]
    pixels = gray.numel()
    assert gray.mean().item() == pytest.approx(128, abs=5 * 30 / pixels**0.5)
    assert gray.std().item() == pytest.approx(30, abs=5 * 30 / (2 * pixels) ** 0.5)
    # What falls below half a level is black: Φ((0.5 − 10) / 30) = .3757.
    assert (dark == 0).double().mean().item() == pytest.approx(0.3757, abs=5 * (0.3757 * 0.6243 / pixels) ** 0.5)
    clean = DN(sigma=0.0)(torch.rand(1, 3, 30, 30), 3, SampleRandom(0, 0, [0]))
    assert clean.shape == (1, 3, 10, 10)


def test_dn_without_noise_is_the_published_bicubic() -> None:
    hr = torch.rand(1, 3, 30, 30)
    random = SampleRandom(0, 0, [0])
    assert torch.equal(DN(sigma=0.0)(hr, 3, random), Bicubic()(hr, 3, random).float())
    with pytest.raises(ParameterError):
        check_parameters(DN, {"sigma": -1})


def lr_of(degradation: Degradation, hr: Tensor, indices: list[int], step: int = 3) -> Tensor:
    return degrade(degradation, hr, 4, SampleRandom(9, step, indices))[0]


@pytest.mark.parametrize("name", RANDOM)
def test_a_sample_is_the_same_bit_for_bit_in_every_batch_and_order(name: str) -> None:
    degradation = RANDOM[name]
    hr = torch.rand(4, 3, 44, 36)
    together = lr_of(degradation, hr, [0, 1, 2, 3])
    alone = torch.cat([lr_of(degradation, hr[i : i + 1], [i]) for i in range(4)])
    assert torch.equal(together, alone)
    assert torch.equal(together.flip(0), lr_of(degradation, hr.flip(0), [3, 2, 1, 0]))
    assert torch.equal(together, lr_of(degradation, hr, [0, 1, 2, 3]))


@pytest.mark.parametrize("name", RANDOM)
def test_another_step_gives_another_lr(name: str) -> None:
    hr = torch.rand(1, 3, 44, 36).expand(4, -1, -1, -1)
    first, second = (lr_of(RANDOM[name], hr, [0, 1, 2, 3], step) for step in (0, 1))
    assert not torch.equal(first, second)
    assert not torch.equal(first[0], first[1])


@pytest.mark.parametrize("name", RANDOM)
def test_chance_comes_from_nowhere_else_and_the_picture_is_left_as_it_is(name: str) -> None:
    hr = torch.rand(2, 3, 24, 24)
    before = hr.clone()
    torch.manual_seed(1)
    first = lr_of(RANDOM[name], hr, [0, 1])
    state = torch.random.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(first, lr_of(RANDOM[name], hr, [0, 1]))
    torch.manual_seed(1)
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(hr, before)


@pytest.mark.parametrize("name", RANDOM)
def test_channels_last_pictures_give_the_same(name: str) -> None:
    """Crops for training lie so in memory."""
    hr = torch.rand(2, 3, 24, 28)
    plain, last = lr_of(RANDOM[name], hr, [0, 1]), lr_of(RANDOM[name], hr.to(memory_format=torch.channels_last), [0, 1])
    assert (plain - last).abs().mean() < 1e-3


@pytest.mark.parametrize("name", RANDOM)
def test_low_precision_around_it_changes_nothing(name: str) -> None:
    hr = torch.rand(1, 3, 24, 24)
    with torch.autocast("cpu", torch.bfloat16):
        low = lr_of(RANDOM[name], hr, [0])
    assert torch.equal(low, lr_of(RANDOM[name], hr, [0]))


@pytest.mark.parametrize("name", RANDOM)
def test_training_crops_do_not_depend_on_how_many_devices_share_them_or_on_where_pictures_lie(
    name: str, tmp_path: Path
) -> None:
    write_pictures(tmp_path, (40, 44), (36, 50))
    degradation = RANDOM[name]
    kept, streamed = load(tmp_path, degradation=degradation), load(tmp_path, degradation=degradation, memory=1e-9)
    assert "device" not in streamed.placement
    halves = [load(tmp_path, degradation=degradation, rank=rank, world=2) for rank in (0, 1)]
    for step in (0, 5):
        batch = kept.batch(step)
        assert batch.lr.shape == (4, 3, 4, 4)
        assert torch.equal(batch.lr, streamed.batch(step).lr)
        assert torch.equal(batch.lr, torch.cat([half.batch(step).lr for half in halves]))
    streamed.close()


def test_training_takes_the_target_of_real_esrgan(tmp_path: Path) -> None:
    write_pictures(tmp_path, (40, 44))
    plain = load(tmp_path, degradation=RealESRGAN()).batch(0)
    sharp = load(tmp_path, degradation=RealESRGAN(target="sharpened")).batch(0)
    assert torch.equal(plain.lr, sharp.lr)
    assert torch.allclose(sharp.hr, sharpened(plain.hr.contiguous()), atol=1e-5)
