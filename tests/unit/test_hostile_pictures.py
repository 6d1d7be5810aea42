"""Mutated picture files are read, or refused by one clear line; nothing crashes, hangs or is printed."""

from __future__ import annotations

import ctypes
import io
import random
import sys
import time
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from sr_core.errors import PictureError
from sr_core.imaging.files import read_picture
from tests.unit.icc_profiles import display_p3, printer
from tests.unit.picture_files import (
    Samples,
    noise,
)

MUTATIONS = 150


def small_files() -> dict[str, bytes]:
    """A small file of each format and the kinds that are decoded differently, with their notes."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a note"
    color, deep = noise((24, 31, 3)), noise((24, 31, 4), 16)
    notes = {"exif": exif, "icc_profile": display_p3(), "dpi": (300, 300)}
    palette = Image.fromarray(color).quantize(16)
    inks = Image.frombytes("CMYK", (31, 24), noise((24, 31, 4)).tobytes())
    bands = noise((24, 31, 7)).astype(np.float32)
    print_profile = printer(lambda c, m, y, k: (100 - 25 * (c + m + y + k), 20 * (m - c), 20 * (y - c)))

    def pillow(name: str, image: Image.Image | Samples, **options: Any) -> bytes:
        stream = io.BytesIO()
        image = image if isinstance(image, Image.Image) else Image.fromarray(image)
        image.save(stream, name, **options)
        return stream.getvalue()

    def tiff(samples: Samples, **options: Any) -> bytes:
        stream = io.BytesIO()
        tifffile.imwrite(stream, samples, **options)
        return stream.getvalue()

    def npy(samples: Samples) -> bytes:
        stream = io.BytesIO()
        np.save(stream, samples)
        return stream.getvalue()

    return {
        "8-bit.png": pillow("PNG", color, **notes),
        "palette.png": pillow("PNG", palette, transparency=3),
        "16-bit.png": bytes(imagecodecs.png_encode(deep)),
        "baseline.jpg": pillow("JPEG", color, **notes),
        "progressive.jpg": pillow("JPEG", color, progressive=True),
        "inks.jpg": pillow("JPEG", inks, icc_profile=print_profile),
        "lossless.webp": pillow("WEBP", noise((24, 31, 4)), lossless=True, exif=exif),
        "lossy.webp": pillow("WEBP", color, icc_profile=display_p3()),
        "16-bit.tif": tiff(deep, photometric="rgb", extrasamples=["unassalpha"], compression="lzw", tile=(16, 16)),
        "8-bit.tif": tiff(color, photometric="rgb", rowsperstrip=5, compression="adobe_deflate", predictor=True),
        "palette.tif": pillow("TIFF", palette, compression="packbits", exif=exif),
        "inks.tif": pillow("TIFF", inks, dpi=(300, 300)),
        "jpeg.tif": pillow("TIFF", color, compression="jpeg", **notes),
        "float.tif": tiff(bands[..., 0], compression="zstd", predictor=3),
        "bands.tif": tiff(bands, photometric="minisblack", planarconfig="contig", compression="lzw"),
        "color.bmp": pillow("BMP", color),
        "palette.bmp": pillow("BMP", palette),
        "film.gif": pillow("GIF", palette, save_all=True, append_images=[palette.rotate(180)], transparency=2),
        "bands.npy": npy(bands),
        "deep.npy": npy(np.asfortranarray(deep[..., 0])),
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


def test_three_thousand_files_are_mutated() -> None:
    assert len(small_files()) * MUTATIONS >= 3000


@pytest.mark.parametrize("name", small_files())
def test_mutated_file_is_read_or_refused_by_one_clear_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    content, path, chance = small_files()[name], tmp_path / name, random.Random(name)  # noqa: S311 - no secret
    assert read_picture(path_with(path, content)).size in [(24, 31), (31, 24)]
    errors, longest = [], 0.0
    for _ in range(MUTATIONS):
        path_with(path, mutated(content, chance))
        began = time.perf_counter()
        try:
            read_picture(path, max_pixels=2**22)
        except PictureError as error:
            errors.append(str(error))
        longest = max(longest, time.perf_counter() - began)
    assert len(errors) > MUTATIONS // 10
    assert all(error.startswith(f"{path}: ") and error.isprintable() for error in errors), errors
    assert longest < 5, "a file kept the reader busy"
    assert printed(capfd) == ""


def printed(capfd: pytest.CaptureFixture[str]) -> str:
    """What went past Python straight to the screen, from libraries written in C too."""
    if sys.platform != "win32":
        ctypes.CDLL(None).fflush(None)
    return "".join(capfd.readouterr())


def path_with(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
