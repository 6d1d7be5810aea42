"""JPEG: the arithmetic on the device against Pillow's files, and what a spec may ask for."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import fft
from torch import Tensor

from sr_core import SampleRandom, resize
from sr_core.degradations.jpeg import Jpeg, through_a_file
from sr_core.degradations.jpeg_transform import LUMA, through_jpeg
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters


def picture(height: int = 96, width: int = 120, planes: int = 3, seed: int = 0) -> Tensor:
    """Random detail of all sizes in 8 bits, as a photograph has."""
    generator = torch.Generator().manual_seed(seed)
    layers = [
        resize(torch.rand(1, planes, side, side, generator=generator), size=(height, width)) for side in (3, 12, 48)
    ]
    return ((0.45 * layers[0] + 0.4 * layers[1] + 0.15 * layers[2]).clamp(0, 1) * 255).round() / 255


def pillows(image: Tensor, quality: int) -> Tensor:
    """RGB in and out, by nothing of this project."""
    levels = (image[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG", quality=quality, subsampling=2)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)[None] / 255


def psnr(first: Tensor, second: Tensor) -> float:
    return -10 * math.log10(float((first - second).double().pow(2).mean()))


@pytest.mark.parametrize("quality", [10, 30, 49, 50, 75, 95, 100])
@pytest.mark.parametrize("size", [(96, 120), (33, 47)])
def test_the_arithmetic_gives_what_pillow_reads_back(quality: int, size: tuple[int, int]) -> None:
    """A coefficient near the middle of two quotients may fall to the other one: it is rare and moves one block."""
    image = picture(*size)
    made, read = through_jpeg(image, quality), pillows(image, quality)
    assert psnr(made, read) > 52
    assert ((made - read).abs() < 0.5 / 255).double().mean() > 0.85
    # Far nearer to each other than either is to the picture.
    assert psnr(made, read) > psnr(read, image) + 3


@pytest.mark.parametrize("planes", [1, 2, 3])
def test_the_real_codec_is_pillow(planes: int) -> None:
    image = picture(planes=planes)
    read = through_a_file(image, 60)
    expected = pillows(image, 60) if planes == 3 else None
    if expected is None:
        gray = [Image.fromarray((plane.numpy() * 255).round().astype(np.uint8)) for plane in image[0]]
        files = [io.BytesIO() for _ in gray]
        for plane, file in zip(gray, files, strict=True):
            plane.save(file, "JPEG", quality=60)
        expected = torch.stack([torch.from_numpy(np.array(Image.open(file))) for file in files])[None] / 255
    assert torch.equal(read, expected)
    assert psnr(through_jpeg(image, 60), read) > 52


def test_a_gray_block_is_scipys_cosine_transform_quantised() -> None:
    generator = np.random.default_rng(1)
    block = generator.integers(60, 200, (8, 8))
    coefficients = fft.dctn(block - 128.0, norm="ortho")
    steps = np.array(LUMA)  # quality 50 is the table itself
    expected = np.clip(np.round(fft.idctn(np.round(coefficients / steps) * steps, norm="ortho") + 128), 0, 255)
    made = through_jpeg(torch.from_numpy(block / 255).float()[None, None], 50) * 255
    assert np.abs(made[0, 0].numpy() - expected).max() < 1e-3


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 2, 3, 4]), st.integers(1, 100))
def test_any_size_and_planes_keep_their_shape_and_come_out_in_8_bits(
    height: int, width: int, planes: int, quality: int
) -> None:
    image = torch.rand(1, planes, height, width)
    for made in (through_jpeg(image, quality), through_a_file(image, quality)):
        assert made.shape == image.shape
        assert 0 <= made.min() <= made.max() <= 1
        assert torch.allclose(made * 255, (made * 255).round(), atol=1e-4)


def test_flat_gray_pictures_come_back_as_they_were_at_high_quality() -> None:
    for level in (0, 1, 127, 128, 255):
        flat = torch.full((1, 3, 17, 19), level / 255)
        assert torch.equal((through_jpeg(flat, 100) * 255).round(), (flat * 255).round())


def test_the_gradient_is_that_of_no_rounding() -> None:
    image = picture(16, 16).requires_grad_()
    made = through_jpeg(image, 90)
    made.sum().backward()
    # White added to all pixels is white in the result: the sum of each column of the Jacobian is 1.
    assert image.grad is not None
    assert image.grad.sum().item() == pytest.approx(3 * 256, rel=0.01)
    assert image.grad.isfinite().all()
    with torch.no_grad():
        assert torch.allclose(through_jpeg(image, 90), made, atol=1e-6)


def test_a_gradient_is_had_also_of_a_quality_that_was_first_used_without_one() -> None:
    with torch.inference_mode():
        through_jpeg(picture(16, 16), 37)
    image = picture(16, 16).requires_grad_()
    through_jpeg(image, 37).sum().backward()
    assert image.grad is not None


def test_auto_is_the_file_without_a_gradient_and_the_arithmetic_with_one() -> None:
    hr = picture()
    random = SampleRandom(0, 0, [0])
    assert torch.equal(Jpeg(40)(hr, 1, random), through_a_file(hr, 40))
    wanted = hr.clone().requires_grad_()
    made = Jpeg(40)(wanted, 1, random)
    assert torch.allclose(made, through_jpeg(hr, 40), atol=1e-6)
    made.sum().backward()
    assert wanted.grad is not None
    assert torch.equal(Jpeg(40, "differentiable")(hr, 1, random), through_jpeg(hr, 40))
    assert torch.allclose(Jpeg(40, "real")(wanted.detach(), 2, random), through_a_file(resize(hr, 0.5).clamp(0, 1), 40))


def test_each_sample_has_its_own_quality_and_both_ends_are_had() -> None:
    hr = picture(32, 32).expand(200, -1, -1, -1)
    lr = Jpeg((50, 52))(hr, 1, SampleRandom(0, 0, range(200)))
    seen = [[q for q in (50, 51, 52) if torch.equal(sample[None], through_a_file(hr[:1], q))] for sample in lr]
    assert {tuple(each) for each in seen} == {(50,), (51,), (52,)}
    assert Jpeg(50).deterministic
    assert not Jpeg((50, 52)).deterministic


def test_low_precision_around_it_changes_nothing() -> None:
    hr = picture()
    with torch.autocast("cpu", torch.bfloat16):
        low = Jpeg(50, "differentiable")(hr, 2, SampleRandom(0, 0, [0]))
    assert torch.equal(low, Jpeg(50, "differentiable")(hr, 2, SampleRandom(0, 0, [0])))


@pytest.mark.parametrize("wrong", [(60, 40), 0, 101, (0, 50)])
def test_qualities_that_cannot_be_are_refused(wrong: int | tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"quality is a number or \[lowest, highest\] in 1 … 100"):
        Jpeg(wrong)


@pytest.mark.parametrize("wrong", [{"quality": 0}, {"quality": [30]}, {"quality": 50.5}, {"codec": "webp"}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(Jpeg, wrong)


def test_a_spec_writes_a_number_or_a_range() -> None:
    assert check_parameters(Jpeg, {"quality": 80})["quality"] == 80
    assert check_parameters(Jpeg, {"quality": [30, 95]})["quality"] == (30, 95)
