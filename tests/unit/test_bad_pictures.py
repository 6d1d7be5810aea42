"""A picture file that cannot be read is one error that names it, and leaves no trace on the process."""

from __future__ import annotations

import io
import os
import struct
import threading
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, TiffImagePlugin

from sr_core.errors import PictureError
from sr_core.imaging import files, formats
from sr_core.imaging.files import Picture, read_picture
from tests.unit.picture_files import (
    PILLOW_NAMES,
    noise,
    png,
    raising,
    save_with_pillow,
)


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
    "content", [b"hello, world", b"BMW is no bitmap, whatever its name", b"GIF90a", b"\x89PNG", bytes(100), b"II*"]
)
@pytest.mark.parametrize("suffix", PILLOW_NAMES)
def test_not_a_picture(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"picture{suffix}"
    path.write_bytes(content)
    assert refusal(path) == "does not hold a PNG, JPEG, WebP, TIFF, BMP, GIF or NumPy picture"


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


def test_png_with_a_second_header_is_not_decoded_by_it(tmp_path: Path) -> None:
    small, large = png(2, 8, (1, 1), b"\0\0\0\0"), png(2, 8, (60000, 50000), b"")
    path = tmp_path / "bomb.png"
    path.write_bytes(small[:33] + large[8:33] + small[33:])
    assert read_picture(path).size == (1, 1)
    path.write_bytes(png(2, 8, (1, 1), b"", abCd=b"")[:8] + small[33:45] + large[8:])
    assert "does not begin with its header" in refusal(path)


def test_tiff_of_too_many_samples_is_refused_though_its_pixels_are_few(tmp_path: Path) -> None:
    path = tmp_path / "bands.tif"
    tifffile.imwrite(path, noise((10, 10, 40)), photometric="minisblack", planarconfig="contig")
    assert read_picture(path, max_pixels=1000).planes == 40
    said = "declares 4000 samples (10 x 10 x 40), more than the limit of 3996"
    assert refusal(path, max_pixels=999) == said


def test_jpeg_in_a_tiff_that_declares_more_than_its_part_of_the_picture_is_refused(tmp_path: Path) -> None:
    path = save_with_pillow(tmp_path / "bomb.tif", noise((16, 24, 3)), compression="jpeg")
    assert read_picture(path).size == (16, 24)
    content = bytearray(path.read_bytes())
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", 65000, 65000)
    path.write_bytes(content)
    assert refusal(path) == "a part of 24 x 16 pixels holds a JPEG of 65000 x 65000"


def test_tiff_whose_sizes_are_text_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "odd.tif"
    tifffile.imwrite(path, noise((16, 16)), tile=(16, 16))
    content = bytearray(path.read_bytes())
    entry = content.index(struct.pack("<HHI", 322, 4, 1))
    content[entry : entry + 8] = struct.pack("<HHI", 322, 2, 4)
    path.write_bytes(content)
    began = time.perf_counter()
    assert "broken or truncated" in refusal(path)
    assert time.perf_counter() - began < 1


def run_length_bmp(size: tuple[int, int], data: bytes) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, *size, 1, 8, 1, len(data), 0, 0, 256, 0)
    palette = b"".join(bytes([level, 0, level, 0]) for level in range(256))
    return b"BM" + struct.pack("<IIIHH", 0, 0, 54 + len(palette), 0, 0)[:12] + header + palette + data


def test_run_length_bmp_is_read_and_one_that_keeps_the_decoder_busy_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.bmp"
    path.write_bytes(run_length_bmp((3, 2), b"\x03\x07\0\0\x03\x09\0\x01"))
    np.testing.assert_array_equal(read_picture(path).to_array()[:, 0], [[9, 0, 9], [7, 0, 7]])
    path.write_bytes(run_length_bmp((2**14, 2**14 - 1), b"\x01\x07\0\0" * 2**13))
    assert refusal(path) == "declares 268419072 pixels (16384 x 16383), more than the limit of 16777216"


def test_jpeg_of_endless_scans_is_refused(tmp_path: Path) -> None:
    path = save_with_pillow(tmp_path / "scans.jpg", noise((16, 16, 3)), progressive=True)
    content = path.read_bytes()
    last = content.rindex(b"\xff\xda")
    path.write_bytes(content[:last] + content[last:-2] * 200 + content[-2:])
    assert "scans, more than the limit of 100" in refusal(path)


@pytest.mark.parametrize("suffix", PILLOW_NAMES)
def test_limit_is_the_callers(tmp_path: Path, suffix: str) -> None:
    path = save_with_pillow(tmp_path / f"picture{suffix}", noise((10, 20, 3)))
    assert read_picture(path, max_pixels=200).size == (10, 20)
    assert refusal(path, max_pixels=199) == "declares 200 pixels (20 x 10), more than the limit of 199"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".bmp", ".gif"])
def test_pillows_own_limit_plays_no_part_and_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"picture{suffix}"
    Image.fromarray(noise((10, 20, 3))).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert read_picture(path).size == (10, 20)
    assert Image.MAX_IMAGE_PIXELS == 10


@pytest.mark.parametrize("mode", ["I", "LAB", "PA", "YCbCr"])
def test_unsupported_tiff_says_what_it_holds(tmp_path: Path, mode: str) -> None:
    path = save_with_pillow(tmp_path / "print.tif", Image.new(mode, (8, 8)))
    said = {
        "I": "1 x 32-bit signed integer samples a pixel (gray)",
        "LAB": "3 x 8-bit integer samples a pixel (CIE Lab)",
        "PA": "2 x 8-bit integer samples a pixel (palette)",
        "YCbCr": "3 x 8-bit integer samples a pixel (YCbCr)",
    }
    assert refusal(path).startswith(f"holds {said[mode]}; supported are")


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


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_of_several_frames_the_first_is_read_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str
) -> None:
    first, second = (Image.fromarray(noise((8, 8, 3), seed=seed)) for seed in (1, 2))
    options = {"lossless": True} if suffix == ".webp" else {}
    path = save_with_pillow(tmp_path / f"film{suffix}", first, save_all=True, append_images=[second], **options)
    np.testing.assert_array_equal(read_picture(path).to_array(), np.asarray(first))
    assert f"film{suffix}: holds several frames; only the first is read" in caplog.text


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
