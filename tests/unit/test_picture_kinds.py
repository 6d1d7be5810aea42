"""Gray, palettes, transparency and orientation of picture files."""

from __future__ import annotations

import logging
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from sr_core.imaging.files import Picture, read_picture
from tests.unit.picture_files import (
    PILLOW_NAMES,
    noise,
    png,
    save_with_pillow,
)


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


def test_written_picture_is_upright_and_says_so(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = save_with_pillow(tmp_path / "in.png", noise((4, 8, 3)), exif=exif)
    read_picture(source).save(tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as written:
        assert (written.size, dict(written.getexif())) == ((4, 8), {0x0112: 1})


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
