"""A `Picture` in memory, and its ways from and to arrays and Pillow images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sr_core.errors import PictureError
from sr_core.imaging.files import Picture, read_picture
from tests.unit.picture_files import (
    Samples,
    noise,
)


def test_picture_says_its_size_as_height_and_width() -> None:
    assert Picture.from_array(noise((7, 5, 3))).size == (7, 5)


def test_image_is_float32_in_0_to_1() -> None:
    picture = Picture.from_array(np.array([[[0, 51, 255, 102]]], np.uint8))
    assert picture.image.dtype == torch.float32
    torch.testing.assert_close(picture.image.flatten(), torch.tensor([0, 0.2, 1.0]))
    assert picture.alpha is not None
    torch.testing.assert_close(picture.alpha.flatten(), torch.tensor([0.4]))


def test_values_are_clipped_and_a_half_rounds_up() -> None:
    levels = [-20, -0.2, 0.5, 1.4, 1.5, 2.5, 254.4, 254.5, 300]
    image = torch.tensor(levels).div(255).reshape(1, 1, 1, -1)
    assert Picture(image).to_array().tolist() == [[0, 0, 1, 1, 2, 3, 254, 255, 255]]


@pytest.mark.parametrize("bits", [8, 16])
def test_every_level_survives_float32(bits: int) -> None:
    levels = np.arange(2**bits, dtype=f"uint{bits}").reshape(2 ** (bits // 2), -1)
    np.testing.assert_array_equal(Picture.from_array(levels).to_array(), levels)


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_arrays_of_either_byte_order(byte_order: str) -> None:
    samples = noise((3, 4, 3), 16)
    np.testing.assert_array_equal(Picture.from_array(samples.astype(f"{byte_order}u2")).to_array(), samples)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_float_arrays_are_taken_as_they_are(kind: type) -> None:
    picture = Picture.from_array(np.array([[0.25, 1.5]], kind))
    assert picture.image.flatten().tolist() == [0.25, 1.5]


def test_array_is_copied() -> None:
    samples = np.zeros((2, 2), np.float32)
    picture = Picture.from_array(samples)
    samples += 1
    assert picture.image.max() == 0


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_pillow_there_and_back(mode: str) -> None:
    image = Image.fromarray(noise((6, 7, 4))).convert(mode)
    again = Picture.from_pil(image).to_pil()
    assert again.mode == mode
    np.testing.assert_array_equal(np.asarray(again), np.asarray(image))


def test_16_bit_gray_comes_from_pillow_in_full_and_goes_back_in_8() -> None:
    picture = Picture.from_pil(Image.fromarray(noise((6, 7), 16)))
    assert picture.bits == 16
    np.testing.assert_array_equal(picture.to_array(), noise((6, 7), 16))
    assert picture.to_pil().mode == "L"


def test_float_gray_comes_from_pillow_as_it_is() -> None:
    samples = np.array([[-3, 0.5], [1, 900]], np.float32)
    picture = Picture.from_pil(Image.fromarray(samples))
    assert picture.bits == 32
    np.testing.assert_array_equal(picture.to_array(), samples)


def test_what_pillow_and_a_picture_cannot_pass_on_is_said() -> None:
    with pytest.raises(PictureError, match="Pillow mode HSV is not supported"):
        Picture.from_pil(Image.new("HSV", (4, 4)))
    with pytest.raises(ValueError, match="the picture has 7 planes"):
        Picture.from_array(noise((4, 4, 7))).to_pil()


@pytest.mark.parametrize(("planes", "has_alpha"), [(2, False), (3, True), (4, False), (7, True)])
def test_whether_the_last_plane_is_opacity_can_be_said(planes: int, has_alpha: bool) -> None:
    samples = noise((4, 5, planes))
    picture = Picture.from_array(samples, has_alpha=has_alpha)
    assert (picture.planes, picture.alpha is not None) == (planes - has_alpha, has_alpha)
    np.testing.assert_array_equal(picture.to_array(), samples)


def test_upscaled_picture_keeps_the_rest() -> None:
    picture = Picture.from_array(noise((4, 4, 4), 16))
    larger = replace(picture, image=picture.image.repeat(1, 1, 2, 2), alpha=None)
    assert (larger.size, larger.bits) == ((8, 8), 16)


def test_network_output_needs_no_preparation(tmp_path: Path) -> None:
    output = torch.full((1, 3, 4, 4), 1.2, requires_grad=True, dtype=torch.bfloat16)
    Picture(output).save(tmp_path / "out.png")
    assert read_picture(tmp_path / "out.png").to_array().min() == 255


@pytest.mark.parametrize(
    "arguments",
    [
        {"image": torch.zeros(3, 4, 4)},
        {"image": torch.zeros(2, 3, 4, 4)},
        {"image": torch.zeros(1, 0, 4, 4)},
        {"image": torch.zeros(1, 3, 0, 4)},
        {"image": torch.zeros(1, 3, 4, 4, dtype=torch.uint8)},
        {"image": torch.zeros(1, 3, 4, 4), "alpha": torch.zeros(1, 1, 4, 5)},
        {"image": torch.zeros(1, 3, 4, 4), "bits": 12},
    ],
)
def test_what_is_no_picture_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Picture(**arguments)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3, 4, 3), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
        np.zeros((4, 4), np.int32),
        np.zeros(4, np.uint8),
    ],
)
def test_what_is_no_picture_array_is_refused(array: Samples) -> None:
    with pytest.raises(ValueError, match="expected"):
        Picture.from_array(array)
