"""What goes into a picture file comes out again, in every format, depth and layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, JpegImagePlugin

from sr_core.imaging.files import Picture, read_picture
from tests.unit.picture_files import (
    PILLOW_NAMES,
    SHAPES,
    noise,
    read_by_another,
    save_with_pillow,
)


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_png_and_tiff_keep_every_sample_in_both_depths(tmp_path: Path, suffix: str, bits: int, kind: str) -> None:
    samples, path = noise(SHAPES[kind], bits), tmp_path / f"picture{suffix}"
    Picture.from_array(samples).save(path)
    np.testing.assert_array_equal(read_by_another(path), samples)
    again = read_picture(path)
    assert again.bits == bits
    np.testing.assert_array_equal(again.to_array(), samples)


@pytest.mark.parametrize("kind", ["RGB", "RGB with alpha"])
def test_webp_keeps_every_sample(tmp_path: Path, kind: str) -> None:
    samples, path = noise(SHAPES[kind]), tmp_path / "picture.webp"
    Picture.from_array(samples).save(path)
    np.testing.assert_array_equal(read_by_another(path), samples)
    np.testing.assert_array_equal(read_picture(path).to_array(), samples)


@pytest.mark.parametrize("kind", ["gray", "gray with alpha"])
def test_webp_has_no_gray_and_stores_it_as_rgb(tmp_path: Path, kind: str) -> None:
    samples, path = noise(SHAPES[kind]), tmp_path / "picture.webp"
    Picture.from_array(samples).save(path)
    again = read_picture(path)
    for channel in range(3):
        assert torch.equal(again.image[:, [channel]], Picture.from_array(samples).image)
    assert (again.alpha is not None) == ("alpha" in kind)


@pytest.mark.parametrize("kind", ["gray", "RGB"])
def test_bmp_keeps_every_sample(tmp_path: Path, kind: str) -> None:
    samples, path = noise(SHAPES[kind]), tmp_path / "picture.bmp"
    Picture.from_array(samples).save(path)
    np.testing.assert_array_equal(read_by_another(path), samples)
    np.testing.assert_array_equal(read_picture(path).to_array(), samples)


@pytest.mark.parametrize("kind", ["gray", "RGB"])
def test_jpeg_is_close_and_keeps_gray_apart_from_rgb(tmp_path: Path, kind: str) -> None:
    row = np.linspace(40, 200, 32).astype(np.uint8)
    samples = (
        np.tile(row, (24, 1)) if kind == "gray" else np.dstack([np.tile(row, (24, 1))] * 2 + [np.full((24, 32), 90)])
    )
    samples, path = samples.astype(np.uint8), tmp_path / "picture.jpg"
    Picture.from_array(samples).save(path)
    again = read_picture(path).to_array()
    np.testing.assert_allclose(again.astype(int), samples, atol=3)
    np.testing.assert_array_equal(again, read_by_another(path))


def test_jpeg_has_quality_95_and_colour_at_full_resolution(tmp_path: Path) -> None:
    reference = save_with_pillow(tmp_path / "reference.jpg", noise((16, 16, 3)), quality=95)
    Picture.from_array(noise((16, 16, 3))).save(tmp_path / "ours.jpg")
    with Image.open(tmp_path / "ours.jpg") as ours, Image.open(reference) as theirs:
        assert ours.quantization == theirs.quantization  # type: ignore[attr-defined]
        assert JpegImagePlugin.get_sampling(ours) == 0  # 4:4:4


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp"])
def test_formats_of_8_bits_get_8_bits(tmp_path: Path, suffix: str) -> None:
    deep, path = np.full((8, 8, 3), 65535 * 100 // 255, np.uint16), tmp_path / f"picture{suffix}"
    Picture.from_array(deep).save(path)
    again = read_picture(path)
    assert (again.bits, np.unique(again.to_array()).tolist()) == (8, [100])


@settings(derandomize=True, deadline=None, max_examples=40)
@given(data=st.data(), bits=st.sampled_from([8, 16]), channels=st.sampled_from([1, 2, 3, 4]))
def test_any_png_comes_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, bits: int, channels: int
) -> None:
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    samples = data.draw(arrays.arrays(f"uint{bits}", (height, width, channels)))
    path = tmp_path_factory.mktemp("any") / "picture.png"
    Picture.from_array(samples).save(path)
    np.testing.assert_array_equal(np.atleast_3d(read_by_another(path)), samples)
    np.testing.assert_array_equal(np.atleast_3d(read_picture(path).to_array()), samples)


@pytest.mark.parametrize("suffix", PILLOW_NAMES)
@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (3000, 1)])
def test_extreme_sizes(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    path = tmp_path / f"picture{suffix}"
    Picture.from_array(noise((*size, 3))).save(path)
    assert read_picture(path).size == size


@pytest.mark.parametrize("name", ["图像.png", "صورة.tif", "🐱 кот.webp", "with  spaces .jpg", "ß%#'.bmp", "IMG.PNG"])
def test_names_in_any_script(tmp_path: Path, name: str) -> None:
    path = tmp_path / "папка 文件夹" / name
    Picture.from_array(noise((4, 4, 3))).save(path)
    assert read_picture(str(path)).size == (4, 4)


@pytest.mark.parametrize("kind", SHAPES)
def test_16_bit_png_by_imagecodecs_is_read_in_full(tmp_path: Path, kind: str) -> None:
    samples, path = noise(SHAPES[kind], 16), tmp_path / "picture.png"
    path.write_bytes(imagecodecs.png_encode(samples))
    picture = read_picture(path)
    assert picture.bits == 16
    np.testing.assert_allclose(picture.image[0, 0].double(), np.atleast_3d(samples)[..., 0] / 65535, atol=1e-7)
    np.testing.assert_array_equal(picture.to_array(), samples)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "lzw"},
        {"compression": "zstd"},
        {"compression": "adobe_deflate", "predictor": True},
        {"tile": (16, 16)},
        {"rowsperstrip": 3},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"planarconfig": "separate"},
    ],
    ids=str,
)
@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_of_any_layout_is_read_in_full(tmp_path: Path, bits: int, options: dict[str, Any]) -> None:
    samples, path = noise((20, 33, 3), bits), tmp_path / "picture.tif"
    stored = np.moveaxis(samples, 2, 0) if "planarconfig" in options else samples
    tifffile.imwrite(path, stored, photometric="rgb", **options)
    np.testing.assert_array_equal(read_by_another(path), stored)
    picture = read_picture(path)
    assert picture.bits == bits
    np.testing.assert_array_equal(picture.to_array(), samples)


@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_with_white_as_zero_is_turned_round(tmp_path: Path, bits: int) -> None:
    samples, path = noise((6, 8), bits), tmp_path / "picture.tif"
    tifffile.imwrite(path, samples, photometric="miniswhite")
    np.testing.assert_array_equal(read_picture(path).to_array(), 2**bits - 1 - samples)


@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_with_alpha_multiplied_into_the_colors_is_undone(tmp_path: Path, bits: int) -> None:
    path, one = tmp_path / "picture.tif", 2**bits - 1
    stored = np.array([[[one // 5, 2, 0, one // 5], [0, 0, 0, 0], [one, 1, 2, one], [9, 9, 9, 3]]], f"uint{bits}")
    tifffile.imwrite(path, stored, photometric="rgb", extrasamples=["assocalpha"])
    expected = [[[one, 10, 0, one // 5], [0, 0, 0, 0], [one, 1, 2, one], [one, one, one, 3]]]
    np.testing.assert_array_equal(read_picture(path).to_array(), expected)
