"""Picture files: what goes in comes out, and whatever is wrong with a file is one error that names it.

What we write, by Pillow, tifffile and imagecodecs, is read by a program that did not write it, and the pictures
we read are told by such a program or by the specification too: no test compares our output with itself alone.
"""

from __future__ import annotations

import io
import logging
import os
import random
import struct
import threading
import warnings
import zlib
from collections.abc import Callable
from dataclasses import replace
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
from numpy.typing import NDArray
from PIL import Image, ImageOps, JpegImagePlugin, TiffImagePlugin

from sr_core.errors import PictureError
from sr_core.imaging import files, formats
from sr_core.imaging.files import Picture, read_picture, write_picture

Samples = NDArray[Any]

SHAPES = {"gray": (7, 5), "gray with alpha": (7, 5, 2), "RGB": (7, 5, 3), "RGB with alpha": (7, 5, 4)}
PILLOW_NAMES = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".bmp": "BMP"}


def noise(shape: tuple[int, ...], bits: int = 8, seed: int = 0) -> Samples:
    kind = np.uint8 if bits == 8 else np.uint16
    return np.random.default_rng(seed).integers(0, 2**bits, shape, dtype=kind)


def read_by_another(path: Path) -> Samples:
    """Decode with a program that took no part in writing the file."""
    data = path.read_bytes()
    if path.suffix == ".png" and data[24] == 16:
        return decode_png_by_hand(data)
    decoders = {
        ".png": imagecodecs.png_decode,
        ".jpg": imagecodecs.jpeg_decode,
        ".webp": imagecodecs.webp_decode,
        ".tif": imagecodecs.tiff_decode,
        ".bmp": imagecodecs.bmp_decode,
    }
    samples: Samples = decoders[path.suffix](data)
    return samples


def decode_png_by_hand(data: bytes) -> Samples:
    """PNG of 16 bits from the specification alone: chunks, inflate, the five row filters."""
    width, height, _, color_type = struct.unpack(">IIBB", data[16:26])
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color_type]
    position, packed = 8, b""
    while position < len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        if data[position + 4 : position + 8] == b"IDAT":
            packed += data[position + 8 : position + 8 + length]
        position += 12 + length
    step, rows = 2 * channels, []
    raw = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + step * width).astype(int)
    above = np.zeros(step * width, int)
    for kind, *row in raw:
        for i in range(len(row)):
            left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
            row[i] = (row[i] + predicted(kind, left, above[i], corner)) % 256
        above = np.array(row)
        rows.append(above)
    return np.array(rows, np.uint8).view(">u2").reshape(height, width, channels).squeeze(2 if channels == 1 else ())


def predicted(kind: int, left: int, above: int, corner: int) -> int:
    distances = [abs(above - corner), abs(left - corner), abs(left + above - 2 * corner)]
    paeth = (left, above, corner)[distances.index(min(distances))]
    return (0, left, above, (left + above) // 2, paeth)[kind]


def save_with_pillow(path: Path, image: Image.Image | Samples, **options: Any) -> Path:
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(path, PILLOW_NAMES[path.suffix], **options)
    return path


def png(color_type: int, depth: int, size: tuple[int, int], rows: bytes, **chunks: bytes) -> bytes:
    """A PNG file put together by hand: rows with their filter bytes, extra chunks before the pixels."""
    header = struct.pack(">IIBBBBB", *size, depth, color_type, 0, 0, 0)
    parts = {"IHDR": header, **chunks, "IDAT": zlib.compress(rows), "IEND": b""}
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in parts.items():
        body = name.encode() + data
        content += struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    return content


# --- what goes in comes out ------------------------------------------------------------------------------------


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


# --- 16 bits, checked by other programs ------------------------------------------------------------------------


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


# --- gray, palettes, transparency ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_gray_stays_one_channel(tmp_path: Path, suffix: str) -> None:
    path = save_with_pillow(tmp_path / f"bridge{suffix}", noise((16, 16)))
    assert read_picture(path).image.shape == (1, 1, 16, 16)


@pytest.mark.parametrize("suffix", PILLOW_NAMES)
def test_rgb_of_equal_channels_stays_rgb(tmp_path: Path, suffix: str) -> None:
    path = save_with_pillow(tmp_path / f"man{suffix}", np.dstack([noise((16, 16))] * 3))
    assert read_picture(path).image.shape == (1, 3, 16, 16)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_one_bit_is_black_and_white(tmp_path: Path, suffix: str) -> None:
    bits = noise((9, 13)) > 127
    path = save_with_pillow(tmp_path / f"fax{suffix}", Image.fromarray(bits))
    np.testing.assert_array_equal(read_picture(path).to_array(), bits * 255)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_palette_becomes_rgb(tmp_path: Path, suffix: str) -> None:
    image = Image.fromarray(noise((9, 13, 3))).quantize(40)
    path = save_with_pillow(tmp_path / f"drawing{suffix}", image)
    np.testing.assert_array_equal(read_picture(path).to_array(), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("depth", [2, 4, 8])
def test_palette_with_transparency_becomes_alpha(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "drawing.png"
    row = {2: b"\x00\x18", 4: b"\x00\x01\x20", 8: b"\x00\x00\x01\x02"}[depth]  # entries 0, 1, 2
    path.write_bytes(png(3, depth, (3, 1), row, PLTE=bytes([9, 8, 7, 6, 5, 4, 3, 2, 1]), tRNS=bytes([0, 128])))
    expected = [[[9, 8, 7, 0], [6, 5, 4, 128], [3, 2, 1, 255]]]
    np.testing.assert_array_equal(read_picture(path).to_array(), expected)


@pytest.mark.parametrize(("depth", "level"), [(1, 255), (2, 85), (4, 17), (8, 1), (16, 1)])
def test_gray_level_declared_transparent_becomes_alpha(tmp_path: Path, depth: int, level: int) -> None:
    path, clear = tmp_path / "drawing.png", struct.pack(">H", 1)
    row = {1: b"\x00\x40", 2: b"\x00\x10", 4: b"\x00\x01", 8: b"\x00\x00\x01", 16: b"\x00\x00\x00\x00\x01"}[depth]
    path.write_bytes(png(0, depth, (2, 1), row, tRNS=clear))
    opaque = 65535 if depth == 16 else 255
    np.testing.assert_array_equal(read_picture(path).to_array(), [[[0, opaque], [level, 0]]])


@pytest.mark.parametrize("depth", [8, 16])
def test_color_declared_transparent_becomes_alpha(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "drawing.png"
    row = b"\x00" + struct.pack(">6B" if depth == 8 else ">6H", 1, 2, 3, 4, 5, 6)
    path.write_bytes(png(2, depth, (2, 1), row, tRNS=struct.pack(">3H", 4, 5, 6)))
    np.testing.assert_array_equal(read_picture(path).to_array(), [[[1, 2, 3, 2**depth - 1], [4, 5, 6, 0]]])


def test_colors_under_clear_pixels_survive(tmp_path: Path) -> None:
    clear = noise((6, 6, 4))
    clear[..., 3] = 0
    for suffix in (".png", ".tif", ".webp"):
        path = tmp_path / f"clear{suffix}"
        Picture.from_array(clear).save(path)
        np.testing.assert_array_equal(read_picture(path).to_array(), clear)


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_transparency_is_laid_on_white_where_the_format_has_none_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str
) -> None:
    black_and_clear, path = np.zeros((16, 32, 4), np.uint8), tmp_path / f"logo{suffix}"
    black_and_clear[:, :16, 3] = 255
    Picture.from_array(black_and_clear).save(path)
    again = read_picture(path).to_array()
    assert (again[:, :16].max(), again[:, 16:].min()) == (0, 255)
    assert [(record.name, record.levelno) for record in caplog.records] == [("srkit", logging.WARNING)]
    assert f"logo{suffix}" in caplog.text
    assert "laid on white" in caplog.text


def test_full_opacity_is_dropped_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    opaque = noise((4, 4, 4)) | np.array([0, 0, 0, 255], np.uint8)
    Picture.from_array(opaque).save(tmp_path / "opaque.bmp")
    np.testing.assert_array_equal(read_picture(tmp_path / "opaque.bmp").to_array(), opaque[..., :3])
    assert caplog.text == ""


# --- orientation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_picture_stands_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(noise((6, 9, 3)).repeat(8, 0).repeat(8, 1))
    path = save_with_pillow(tmp_path / f"photo{suffix}", image, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    np.testing.assert_array_equal(read_picture(path).to_array(), expected)


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [  # the corner letters of [[1, 2, 3], [4, 5, 6]] by the EXIF standard: where row 0 and column 0 of the scene are
        (1, [[1, 2, 3], [4, 5, 6]]),
        (2, [[3, 2, 1], [6, 5, 4]]),
        (3, [[6, 5, 4], [3, 2, 1]]),
        (4, [[4, 5, 6], [1, 2, 3]]),
        (5, [[1, 4], [2, 5], [3, 6]]),
        (6, [[4, 1], [5, 2], [6, 3]]),
        (7, [[6, 3], [5, 2], [4, 1]]),
        (8, [[3, 6], [2, 5], [1, 4]]),
        (0, [[1, 2, 3], [4, 5, 6]]),
        (9, [[1, 2, 3], [4, 5, 6]]),
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_picture_stands_upright(
    tmp_path: Path, suffix: str, orientation: int, expected: list[list[int]]
) -> None:
    stored, path = np.array([[1, 2, 3], [4, 5, 6]], np.uint16), tmp_path / f"photo{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    if suffix == ".tif":
        tifffile.imwrite(path, stored, photometric="minisblack", extratags=[(274, 3, 1, orientation, True)])
    else:
        rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in stored)
        path.write_bytes(png(0, 16, (3, 2), rows, eXIf=exif.tobytes().removeprefix(b"Exif\0\0")))
    np.testing.assert_array_equal(read_picture(path).to_array(), expected)


def test_written_picture_is_upright_without_a_note(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = save_with_pillow(tmp_path / "in.png", noise((4, 8, 3)), exif=exif)
    read_picture(source).save(tmp_path / "out.png")
    written = Image.open(tmp_path / "out.png")
    assert (written.size, dict(written.getexif())) == ((4, 8), {})


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_damaged_exif_does_not_lose_the_picture_and_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str
) -> None:
    damaged = b"Exif\0\0not EXIF at all"
    path = save_with_pillow(tmp_path / f"photo{suffix}", noise((8, 8, 3)), exif=damaged)
    assert read_picture(path).size == (8, 8)
    assert f"photo{suffix}: its EXIF is damaged and was ignored" in caplog.text


def test_orientation_that_is_no_number_means_nothing(tmp_path: Path) -> None:
    entry = struct.pack("<HHIBBBB", 0x0112, 7, 4, 6, 6, 6, 6)  # four bytes of no type where a short belongs
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    path = save_with_pillow(tmp_path / "photo.jpg", noise((8, 16, 3)), exif=exif)
    assert read_picture(path).size == (8, 16)


# --- Picture ---------------------------------------------------------------------------------------------------


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
        {"image": torch.zeros(1, 2, 4, 4)},
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
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((4, 4), np.int32),
        np.zeros(4, np.uint8),
    ],
)
def test_what_is_no_picture_array_is_refused(array: Samples) -> None:
    with pytest.raises(ValueError, match="expected"):
        Picture.from_array(array)


# --- files that cannot be read: one error that names the file --------------------------------------------------


def refusal(path: Path, **options: int) -> str:
    """The one error reading `path` gives; it begins with the file's name."""
    with pytest.raises(PictureError) as caught:
        read_picture(path, **options)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.png") == "no such file"


def test_file_taken_for_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert refusal(tmp_path / "a.png" / "b.png") == "no such file"


def test_folder_instead_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    assert refusal(tmp_path / "folder.png") == "is a folder, not a picture"


def test_named_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert refusal(tmp_path / "pipe.png") == "is not a regular file"


def test_zero_bytes(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    assert refusal(tmp_path / "empty.png") == "is empty (zero bytes)"


def test_name_with_a_zero_byte(tmp_path: Path) -> None:
    assert "cannot be opened" in refusal(tmp_path / "a\0.png")


def test_overlong_name(tmp_path: Path) -> None:
    assert "cannot be opened" in refusal(tmp_path / ("n" * 300 + ".png"))


def test_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = save_with_pillow(tmp_path / "secret.png", noise((4, 4)))
    monkeypatch.setattr(Path, "open", refuse)
    assert "Permission denied" in refusal(path)


@pytest.mark.parametrize(
    "content", [b"hello, world", b"BMW is no bitmap, whatever its name", b"GIF89a", b"\x89PNG", bytes(100), b"II*"]
)
@pytest.mark.parametrize("suffix", PILLOW_NAMES)
def test_not_a_picture(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"picture{suffix}"
    path.write_bytes(content)
    assert refusal(path) == "does not hold a PNG, JPEG, WebP, TIFF or BMP picture"


@pytest.mark.parametrize("held", PILLOW_NAMES)
@pytest.mark.parametrize("named", [*PILLOW_NAMES, ".gif", ""])
def test_wrong_suffix_says_what_the_file_holds_and_its_right_name(tmp_path: Path, held: str, named: str) -> None:
    path = save_with_pillow(tmp_path / f"holiday photo{held}", noise((8, 8, 3)))
    if held != named:
        path = path.rename(tmp_path / f"holiday photo{named}")
        message = refusal(path)
        assert message.upper().startswith(f"HOLDS {PILLOW_NAMES[held]}")
        assert message.endswith(f"rename it to holiday photo{held}")


@pytest.mark.parametrize("suffix", [".jpeg", ".JPG", ".jpg"])
def test_every_suffix_of_a_format_is_right(tmp_path: Path, suffix: str) -> None:
    path = save_with_pillow(tmp_path / "photo.jpg", noise((8, 8, 3))).rename(tmp_path / f"photo{suffix}")
    assert read_picture(path).size == (8, 8)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("suffix", PILLOW_NAMES)
def test_truncated_file(tmp_path: Path, suffix: str, share: float, bits: int) -> None:
    path = tmp_path / f"picture{suffix}"
    Picture.from_array(noise((64, 64, 3), bits)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "broken or truncated" in refusal(path)


def test_tiff_that_lacks_strips_is_not_filled_with_black(tmp_path: Path) -> None:
    path = tmp_path / "picture.tif"
    tifffile.imwrite(path, noise((9, 9)), photometric="minisblack", rowsperstrip=3, compression="lzw")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        counts = tiff.pages.first.tags["StripByteCounts"]
        counts.overwrite((counts.value[0], 0, counts.value[2]))
    assert "lacks a part of its pixels" in refusal(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bomb.png", png(2, 8, (60000, 50000), b"")),
        ("bomb.png", png(6, 16, (60000, 50000), b"")),
        ("bomb.bmp", b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 60000, 50000, 1, 24, 0, 0, 0, 0, 0, 0)),
        (
            "bomb.jpg",
            b"\xff\xd8\xff\xc0\x00\x11\x08"
            + struct.pack(">HH", 50000, 60000)
            + b"\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00"
            b"\xff\xda\x00\x0c\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00\xff\xd9",
        ),
    ],
)
def test_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert refusal(path) == "declares 3000000000 pixels (60000 x 50000), more than the limit of 268435456"


@pytest.mark.parametrize("tile", [None, (60000, 50000)])
def test_tiff_bomb_is_refused_whether_the_picture_or_its_tile_is_huge(
    tmp_path: Path, tile: tuple[int, int] | None
) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    width, height = (4, 4) if tile else (60000, 50000)
    for tag, value in {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 16}.items():
        tags[tag] = value
    if tile:
        tags[322], tags[323], tags[324], tags[325] = *tile, 8, 16
    stream = io.BytesIO(b"II*\0" + struct.pack("<I", 8))
    stream.seek(8)
    tags.save(stream)
    path = tmp_path / "bomb.tif"
    path.write_bytes(stream.getvalue())
    assert "declares 3000000000 pixels (60000 x 50000)" in refusal(path)


def test_webp_bomb_is_refused(tmp_path: Path) -> None:
    size = (16382).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + b"\x10\0\0\0" + size + size
    path = tmp_path / "bomb.webp"
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk)
    assert "pixels" in refusal(path) or "broken" in refusal(path)


@pytest.mark.parametrize("suffix", PILLOW_NAMES)
def test_limit_is_the_callers(tmp_path: Path, suffix: str) -> None:
    path = save_with_pillow(tmp_path / f"picture{suffix}", noise((10, 20, 3)))
    assert read_picture(path, max_pixels=200).size == (10, 20)
    assert refusal(path, max_pixels=199) == "declares 200 pixels (20 x 10), more than the limit of 199"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_pillows_own_limit_plays_no_part_and_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = save_with_pillow(tmp_path / f"picture{suffix}", noise((10, 20, 3)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert read_picture(path).size == (10, 20)
    assert Image.MAX_IMAGE_PIXELS == 10


@pytest.mark.parametrize("mode", ["CMYK", "F", "I", "LAB", "RGBX", "PA", "YCbCr"])
def test_unsupported_tiff_says_what_it_holds(tmp_path: Path, mode: str) -> None:
    path = save_with_pillow(tmp_path / "print.tif", Image.new(mode, (8, 8)))
    said = {
        "CMYK": "4 x 8-bit integer samples a pixel (CMYK)",
        "F": "1 x 32-bit floating-point samples a pixel (gray)",
        "I": "1 x 32-bit signed integer samples a pixel (gray)",
        "LAB": "3 x 8-bit integer samples a pixel (CIE Lab)",
        "RGBX": "4 x 8-bit integer samples a pixel (RGB)",
        "PA": "2 x 8-bit integer samples a pixel (palette)",
        "YCbCr": "3 x 8-bit integer samples a pixel (YCbCr)",
    }
    assert refusal(path).startswith(f"holds {said[mode]}; supported are")


def test_unsupported_number_of_bands(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "satellite.tif", noise((8, 8, 7), 16), photometric="minisblack", planarconfig="contig")
    assert "7 x 16-bit" in refusal(tmp_path / "satellite.tif")


def test_unsupported_jpeg_says_its_mode(tmp_path: Path) -> None:
    path = save_with_pillow(tmp_path / "print.jpg", Image.new("CMYK", (8, 8)))
    assert "CMYK" in refusal(path)


def test_picture_that_needs_too_much_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(files._DECODERS, formats.PNG, raising(MemoryError()))
    assert refusal(save_with_pillow(tmp_path / "large.png", noise((4, 4)))) == "needs more memory than there is"


@pytest.mark.parametrize(
    "error",
    [struct.error("odd"), zlib.error("odd"), SyntaxError("odd"), ValueError("odd"), OSError("odd"), AssertionError()],
)
def test_whatever_a_decoder_raises_becomes_the_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setitem(files._DECODERS, formats.PNG, raising(error))
    message = refusal(save_with_pillow(tmp_path / "odd.png", noise((4, 4))))
    assert message == f"broken or truncated PNG file ({str(error) or 'AssertionError'})"


def test_ctrl_c_is_not_swallowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(files._DECODERS, formats.PNG, raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        read_picture(save_with_pillow(tmp_path / "picture.png", noise((4, 4))))


def raising(error: BaseException) -> Callable[..., None]:
    def decoder(*_: object) -> None:
        raise error

    return decoder


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_of_several_frames_the_first_is_read_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str
) -> None:
    first, second = (Image.fromarray(noise((8, 8, 3), seed=seed)) for seed in (1, 2))
    options = {"lossless": True} if suffix == ".webp" else {}
    path = save_with_pillow(tmp_path / f"film{suffix}", first, save_all=True, append_images=[second], **options)
    np.testing.assert_array_equal(read_picture(path).to_array(), np.asarray(first))
    assert f"film{suffix}: holds several frames; only the first is read" in caplog.text


# --- files that cannot be written ------------------------------------------------------------------------------


def write_refusal(path: Path, picture: Picture | None = None) -> str:
    with pytest.raises(PictureError) as caught:
        write_picture(picture or Picture.from_array(noise((4, 4, 3))), path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


@pytest.mark.parametrize("name", ["picture.gif", "picture", "picture.png.part"])
def test_unknown_suffix_says_which_can_be_written(tmp_path: Path, name: str) -> None:
    assert "must end in .png .jpg .jpeg .webp .tif .tiff .bmp" in write_refusal(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written" in write_refusal(tmp_path / "file" / "picture.png")


def test_folder_where_the_file_should_be(tmp_path: Path) -> None:
    (tmp_path / "picture.png").mkdir()
    assert "cannot be written" in write_refusal(tmp_path / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_disk_full_leaves_the_old_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_with_pillow(tmp_path / "picture.png", noise((4, 4)))
    before = path.read_bytes()
    monkeypatch.setattr(Image.Image, "save", raising(OSError(28, "No space left on device")))
    assert "No space left" in write_refusal(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".webp", ".jpg"])
def test_picture_too_large_for_its_format(tmp_path: Path, suffix: str) -> None:
    wide = Picture(torch.zeros(1, 1, 1, 70_000))
    assert "cannot be written" in write_refusal(tmp_path / f"wide{suffix}", wide)
    assert list(tmp_path.iterdir()) == []


def test_samples_that_are_not_numbers(tmp_path: Path) -> None:
    diverged = Picture(torch.full((1, 3, 4, 4), float("nan")))
    assert "not numbers" in write_refusal(tmp_path / "diverged.png", diverged)


def test_equal_pictures_are_equal_files(tmp_path: Path) -> None:
    for suffix in PILLOW_NAMES:
        for name in ("a", "b"):
            Picture.from_array(noise((9, 9, 3))).save(tmp_path / f"{name}{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


# --- no trace on the process -----------------------------------------------------------------------------------


def jpeg_that_makes_pillow_warn(path: Path) -> Path:
    """A picture with an EXIF entry that points behind the end of its notes."""
    entry = struct.pack("<HHII", 0x010F, 2, 500, 9999)
    return save_with_pillow(path, noise((8, 8, 3)), exif=b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4))


def test_pillows_warnings_stay_inside(tmp_path: Path) -> None:
    path = jpeg_that_makes_pillow_warn(tmp_path / "photo.jpg")
    with pytest.warns(UserWarning, match=r"EXIF|Tag data|Truncated"), Image.open(path) as image:
        image.getexif()
    filters = list(warnings.filters)
    assert read_picture(path).size == (8, 8)
    assert warnings.filters == filters


def test_threads_leave_the_warning_filters_as_they_were(tmp_path: Path) -> None:
    path = jpeg_that_makes_pillow_warn(tmp_path / "photo.jpg")
    filters = list(warnings.filters)
    sizes: list[tuple[int, int]] = []
    threads = [
        threading.Thread(target=lambda: sizes.extend(read_picture(path).size for _ in range(20))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sizes) == 160
    assert warnings.filters == filters


# --- hostile files ---------------------------------------------------------------------------------------------


def small_files() -> dict[str, bytes]:
    """A small file of each format and the kinds that are decoded differently, with their notes."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a note"
    color, deep = noise((24, 31, 3)), noise((24, 31, 4), 16)

    def pillow(name: str, image: Image.Image | Samples, **options: Any) -> bytes:
        stream = io.BytesIO()
        image = image if isinstance(image, Image.Image) else Image.fromarray(image)
        image.save(stream, name, **options)
        return stream.getvalue()

    def tiff(samples: Samples, **options: Any) -> bytes:
        stream = io.BytesIO()
        tifffile.imwrite(stream, samples, **options)
        return stream.getvalue()

    return {
        "8-bit.png": pillow("PNG", color, exif=exif),
        "palette.png": pillow("PNG", Image.fromarray(color).quantize(16), transparency=3),
        "16-bit.png": bytes(imagecodecs.png_encode(deep)),
        "baseline.jpg": pillow("JPEG", color, exif=exif),
        "progressive.jpg": pillow("JPEG", color, progressive=True),
        "lossless.webp": pillow("WEBP", noise((24, 31, 4)), lossless=True, exif=exif),
        "lossy.webp": pillow("WEBP", color),
        "16-bit.tif": tiff(deep, photometric="rgb", extrasamples=["unassalpha"], compression="lzw", tile=(16, 16)),
        "8-bit.tif": tiff(color, photometric="rgb", rowsperstrip=5, compression="adobe_deflate", predictor=True),
        "palette.tif": pillow("TIFF", Image.fromarray(color).quantize(16), compression="packbits"),
        "color.bmp": pillow("BMP", color),
        "palette.bmp": pillow("BMP", Image.fromarray(color).quantize(16)),
    }


def mutated(content: bytes, chance: random.Random) -> bytes:
    """`content` cut short, with bytes lost, inserted or changed; mostly near the ends, where headers are."""
    data, place = bytearray(content), chance.randrange(len(content))
    kind = chance.choice(["cut", "lose", "insert", "change", "change", "change"])
    if kind == "cut":
        return bytes(data[:place])
    if kind == "lose":
        del data[place : place + chance.randrange(1, 30)]
    if kind == "insert":
        data[place:place] = chance.randbytes(chance.randrange(1, 30))
    if kind == "change":
        for _ in range(chance.choice([1, 2, 8])):
            near = chance.randrange(min(200, len(data)))
            place = chance.choice([near, -1 - near, chance.randrange(len(data))])
            data[place] = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])
    return bytes(data)


@pytest.mark.parametrize("name", small_files())
def test_mutated_file_is_read_or_refused_by_the_one_error(tmp_path: Path, name: str) -> None:
    content, path, chance = small_files()[name], tmp_path / name, random.Random(name)  # noqa: S311 - no secret
    assert read_picture(path_with(path, content)).size in [(24, 31), (31, 24)]
    errors = []
    for _ in range(300):
        path_with(path, mutated(content, chance))
        try:
            read_picture(path, max_pixels=2**22)
        except PictureError as error:
            errors.append(str(error))
    assert all(error.startswith(f"{path}: ") for error in errors)
    assert len(errors) > 30


def path_with(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
